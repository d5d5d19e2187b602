"""Login entries of macOS: a LaunchAgent of the user's graphical session."""

from __future__ import annotations

import os
import plistlib
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from galosh.base import durable
from galosh.base.paths import Paths
from galosh.setup.autostart import Autostart, existing_launcher
from galosh.setup.launcher import launcher_file

LABEL = "org.galosh.tray"
_RUN_SECONDS = 10.0


def run_launchctl(arguments: Sequence[str]) -> str:
    """What launchctl prints; empty when it cannot be asked."""
    try:
        done = subprocess.run(
            ["launchctl", *arguments], capture_output=True, timeout=_RUN_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


class LaunchAgent:
    """See autostart.Login. Never kept alive by the system: quitting the icon is the user's."""

    def __init__(self, paths: Paths, ask: Callable[[Sequence[str]], str] = run_launchctl) -> None:
        self._paths = paths
        self._ask = ask
        self._file = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        self._domain = f"gui/{getattr(os, 'getuid', lambda: 0)()}"

    def status(self) -> Autostart:
        """See autostart.Login; the system's list knows what was switched off in its settings."""
        if not self.files():
            return Autostart(False, str(self._file))
        listed = self._ask(["print-disabled", self._domain])
        line = next((line for line in listed.splitlines() if f'"{LABEL}"' in line), "")
        off = line.rstrip().endswith(("disabled", "true"))
        return Autostart(not off, str(self._file), off)

    def switch_on(self) -> None:
        """See autostart.Login; takes effect with the next login."""
        launcher = existing_launcher(self._paths)
        agent = {
            "Label": LABEL,
            "ProgramArguments": [str(launcher), "tray", "--login"],
            "RunAtLoad": True,
            "LimitLoadToSessionType": "Aqua",
            "ProcessType": "Interactive",
        }
        durable.write_text(self._file, plistlib.dumps(agent).decode("utf-8"), mode=0o644)
        self._ask(["enable", f"{self._domain}/{LABEL}"])

    def switch_off(self) -> None:
        """See autostart.Login."""
        for file in self.files():
            file.unlink(missing_ok=True)

    def files(self) -> tuple[Path, ...]:
        """See autostart.Login."""
        try:
            agent = plistlib.loads(self._file.read_bytes())
        except (OSError, ValueError, plistlib.InvalidFileException):
            return ()
        arguments = agent.get("ProgramArguments") if isinstance(agent, dict) else None
        ours = isinstance(arguments, list) and arguments[:1] == [str(launcher_file(self._paths))]
        return (self._file,) if ours else ()
