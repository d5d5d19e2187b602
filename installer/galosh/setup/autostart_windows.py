"""Login entries of Windows: a value of the user's Run key, and what Task Manager says of it.

Rules: what Task Manager switched off is not switched on behind its back; without a home of its
own galosh is started by pythonw, which shows no console.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Protocol

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.setup.autostart import Autostart, existing_launcher

NAME = "galosh"
RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"


class Registry(Protocol):
    """The user's half of the registry."""

    def get(self, key: str, name: str) -> str | bytes | None:
        """A value; None: there is none."""

    def set(self, key: str, name: str, text: str) -> None:
        """Write a text."""

    def delete(self, key: str, name: str) -> None:
        """Take a value away."""


class RunValue:
    """See autostart.Login."""

    def __init__(self, paths: Paths, registry: Registry | None = None) -> None:
        self._paths = paths
        self._registry = registry or _real_registry()

    def status(self) -> Autostart:
        """See autostart.Login."""
        there = self._registry.get(RUN, NAME) == self._command()
        off = self._switched_off()
        return Autostart(there and not off, f"HKCU\\{RUN}\\{NAME}", there and off)

    def switch_on(self) -> None:
        """See autostart.Login."""
        existing_launcher(self._paths)
        if self._switched_off():
            raise GaloshError("setup-autostart-disabled")
        self._registry.set(RUN, NAME, self._command())

    def switch_off(self) -> None:
        """See autostart.Login."""
        if self._registry.get(RUN, NAME) == self._command():
            self._registry.delete(RUN, NAME)

    def files(self) -> tuple[Path, ...]:
        """See autostart.Login: a registry value is no file."""
        return ()

    def _switched_off(self) -> bool:
        """Whether Task Manager's list has it off: the first byte is odd then."""
        flags = self._registry.get(APPROVED, NAME)
        return isinstance(flags, bytes) and bool(flags) and flags[0] & 1 == 1

    def _command(self) -> str:
        if self._paths.home is not None:  # only the launcher knows where that is
            launcher = str(self._paths.bin / "galosh.cmd")
            return subprocess.list2cmdline(["cmd.exe", "/c", launcher, "tray", "--login"])
        python = str(Path(sys.executable).with_name("pythonw.exe"))
        return subprocess.list2cmdline([python, "-I", "-m", "galosh.tray", "--login"])


if sys.platform == "win32":
    import winreg

    class _User:
        """See Registry."""

        def get(self, key: str, name: str) -> str | bytes | None:
            """See Registry."""
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                    value, _ = winreg.QueryValueEx(opened, name)
            except OSError:
                return None
            return value if isinstance(value, (str, bytes)) else None

        def set(self, key: str, name: str, text: str) -> None:
            """See Registry."""
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as opened:
                winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, text)

        def delete(self, key: str, name: str) -> None:
            """See Registry."""
            access = winreg.KEY_SET_VALUE
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, 0, access) as opened:
                winreg.DeleteValue(opened, name)

    def _real_registry() -> Registry:
        return _User()

else:

    def _real_registry() -> Registry:
        raise OSError("not Windows")
