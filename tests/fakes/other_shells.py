"""The tray's shell as Windows and macOS have it: our guards and pystray's own code for those
systems run as they are, over libraries that answer as documented and note who called."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import pytest

_OURS = ("native", "shell", "shell_windows", "shell_macos")
_PYSTRAY = ("pystray", *(f"pystray.{name}" for name in
            ("_base", "_darwin", "_dummy", "_util", "_util.win32", "_win32")))  # fmt: skip


def load_shell(patch: pytest.MonkeyPatch, platform: str) -> Any:
    """`galosh.tray.shell`, imported anew as on that platform, until the patch is undone."""
    package = importlib.import_module("galosh.tray")
    importlib.import_module("galosh.tray.icons")  # and Pillow: as this system has them
    for name in (*(f"galosh.tray.{one}" for one in _OURS), *_PYSTRAY):
        patch.setitem(sys.modules, name, ModuleType(name))  # so that it is as before afterwards
        del sys.modules[name]
    for name in _OURS:
        patch.setattr(package, name, None, raising=False)
    patch.delenv("PYSTRAY_BACKEND", raising=False)
    patch.setattr(sys, "platform", platform)
    return importlib.import_module("galosh.tray.shell")
