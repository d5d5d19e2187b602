"""Starting at login: one entry, which starts the icon, which starts the daemon.

What is told is what the system will do, not what was once asked for: people switch entries off
in their desktop's own settings. Never switched on unless the user said so.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.setup.launcher import launcher_file


@dataclass(frozen=True)
class Autostart:
    """enabled: whether the next login starts galosh. place: where that is kept. by_system:
    whether it was switched off there by somebody else than galosh."""

    enabled: bool
    place: str
    by_system: bool = False

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        return dict(vars(self))


class Login(Protocol):
    """One system's way of starting programs at login."""

    def status(self) -> Autostart:
        """What the system will do."""

    def switch_on(self) -> None:
        """Raises GaloshError setup-autostart-…, base-…."""

    def switch_off(self) -> None:
        """Take the entry away, if it is ours. Raises GaloshError base-…."""

    def files(self) -> tuple[Path, ...]:
        """Files of this installation that hold it."""


def login_of(paths: Paths) -> Login:
    """The way of this system."""
    if sys.platform == "win32":
        from galosh.setup.autostart_windows import RunValue

        return RunValue(paths)
    if sys.platform == "darwin":
        from galosh.setup.autostart_macos import LaunchAgent

        return LaunchAgent(paths)
    from galosh.setup.autostart_linux import XdgEntry

    return XdgEntry(paths)


def existing_launcher(paths: Paths) -> Path:
    """The command that is started. Raises GaloshError setup-autostart-no-command."""
    launcher = launcher_file(paths)
    if not launcher.exists():
        raise GaloshError("setup-autostart-no-command", path=str(launcher))
    return launcher
