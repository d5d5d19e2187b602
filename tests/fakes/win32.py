"""user32, shell32 and kernel32 as far as an icon needs them: one thread with windows, its
messages, an icon and menus."""

from __future__ import annotations

import ctypes
import functools
import importlib
import itertools
import queue
import threading
from typing import Any

import pytest

WM_LBUTTONUP, WM_RBUTTONUP = 0x202, 0x205
_WM_QUIT, _WM_NOTIFY, _WM_TASKBARCREATED = 0x12, 0x40B, 0xC0DE
_CHOSEN = 0xFFFF  # no message of Windows: the user chooses a row of the open menu
_NIM_ADD, _NIM_DELETE = 0, 2
_NIF_TIP, _NIF_INFO = 0x4, 0x10
_FIELDS = {"szTip": 128, "szInfo": 256, "szInfoTitle": 64}


class Windows:
    """See the module. faults: what would have gone wrong on a real one."""

    def __init__(self, *, no_window: bool = False) -> None:
        self.no_window = no_window
        self.faults: list[str] = []
        self.thread: int | None = None
        self.shown = False
        self.tip = ""
        self.notices: list[tuple[str, str]] = []
        self.menus: dict[int, list[str]] = {}
        self._below: dict[int, list[int]] = {}
        self.open: int | None = None
        self._classes: dict[int, Any] = {}
        self._windows: dict[int, int] = {}
        self._messages: queue.Queue[tuple[int, int, int, int]] = queue.Queue()
        self._current = (0, 0, 0, 0)
        self._numbers = itertools.count(100)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Be `ctypes.windll`."""
        importlib.import_module("ctypes.wintypes")
        patch.setattr(ctypes, "WinDLL", self._library, raising=False)
        patch.setattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE, raising=False)
        patch.setattr(ctypes, "HRESULT", ctypes.c_long, raising=False)
        loader: Any = ctypes.LibraryLoader
        patch.setattr(ctypes, "windll", loader(self._library), raising=False)

    def _library(self, _name: str) -> Any:
        return _Library(self)

    # -- the user

    def click(self, button: int) -> None:
        """On the icon."""
        self._send(_WM_NOTIFY, button)

    def choose(self, number: int) -> None:
        """A row of the open menu, counted from 1 with all rows of submenus."""
        self._send(_CHOSEN, number)

    def restart_explorer(self) -> None:
        """The task bar is there anew, without our icon."""
        self.shown = False
        self._send(_WM_TASKBARCREATED, 0)

    def _send(self, message: int, long: int) -> None:
        self._messages.put((min(self._windows), message, 0, long))

    # -- user32

    def RegisterWindowMessageW(self, _name: str) -> int:
        return _WM_TASKBARCREATED

    def RegisterClassExW(self, description: Any) -> int:
        atom = next(self._numbers)
        self._classes[atom] = description
        return atom

    def CreateWindowExW(self, _style: int, atom: int, *_: object) -> int:
        if self.no_window:
            raise OSError("no more handles")
        self.thread = threading.get_ident()  # a window's messages come to its maker
        window = next(self._numbers)
        self._windows[window] = atom
        return window

    def DestroyWindow(self, window: int) -> int:
        self._in_thread("DestroyWindow")
        del self._windows[window]
        return 1

    def PostMessageW(self, window: int, message: int, wide: int, long: int) -> int:
        self._messages.put((window, message, wide, long))
        return 1

    def PostQuitMessage(self, _status: int) -> None:
        self._messages.put((0, _WM_QUIT, 0, 0))

    def PeekMessageW(self, *_: object) -> int:
        return 0

    def GetMessageW(self, *_: object) -> int:
        self._current = self._messages.get(timeout=10)
        return int(self._current[1] != _WM_QUIT)

    def DispatchMessageW(self, _message: object) -> int:
        window, *rest = self._current
        return int(self._classes[self._windows[window]].lpfnWndProc(window, *rest))

    def CreatePopupMenu(self) -> int:
        self._in_thread("CreatePopupMenu")
        menu = next(self._numbers)
        self.menus[menu] = []
        return menu

    def InsertMenuItemW(self, menu: int, _place: int, _by_place: bool, item: Any) -> int:
        self.menus[menu].append(item._obj.dwTypeData or "")
        if item._obj.hSubMenu:
            self._below.setdefault(menu, []).append(item._obj.hSubMenu)
        return 1

    def DestroyMenu(self, menu: int) -> int:
        self._in_thread("DestroyMenu")
        if menu == self.open:
            self.faults.append("the open menu was destroyed")
        for below in self._below.pop(menu, []):
            del self.menus[below]
        del self.menus[menu]
        return 1

    def TrackPopupMenuEx(self, menu: int, *_: object) -> int:
        """Waits for the user with a loop of its own, which hands out messages as any."""
        self._in_thread("TrackPopupMenuEx")
        self.open = menu
        while self.GetMessageW():
            if self._current[1] == _CHOSEN:
                break
            self.DispatchMessageW(None)
        self.open = None
        return self._current[3]

    # -- shell32

    def Shell_NotifyIconW(self, what: int, data: Any) -> int:
        self._in_thread("Shell_NotifyIcon")
        for name, size in _FIELDS.items():
            if len(getattr(data, name).encode("utf-16-le")) // 2 >= size:
                self.faults.append(f"{name} is too long")
        if what != _NIM_ADD and not self.shown:
            return 0
        self.shown = what != _NIM_DELETE
        if data.uFlags & _NIF_TIP:
            self.tip = data.szTip
        if data.uFlags & _NIF_INFO:
            self.notices.append((data.szInfoTitle, data.szInfo))
        return 1

    def _in_thread(self, name: str) -> None:
        if threading.get_ident() != self.thread:
            self.faults.append(f"{name} in another thread than the icon's")


class _Library:
    """Its functions; what an icon need not be told about succeeds."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    def __getattr__(self, name: str) -> Any:
        made = functools.partial(getattr(self._windows, name, lambda *_: 1))
        setattr(self, name, made)
        return made
