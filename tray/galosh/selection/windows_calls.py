"""Windows' own functions behind `windows.Calls`, through ctypes. Not verified on Windows."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    import time
    from collections.abc import Iterator, Sequence
    from contextlib import contextmanager
    from ctypes import wintypes

    from galosh.selection.values import Screen
    from galosh.selection.windows import NO_BYTES, Formats

    _KEYBOARD, _KEY_UP, _NEAREST = 1, 2, 2
    _MOVEABLE = 2
    _QUERY_LIMITED = 0x1000
    _TOKEN_QUERY, _TOKEN_ELEVATION = 8, 20
    _OPEN_TRIES, _OPEN_SECONDS = 20, 0.01

    class _KeyInput(ctypes.Structure):
        _fields_ = (
            ("key", wintypes.WORD),
            ("scan", wintypes.WORD),
            ("flags", wintypes.DWORD),
            ("time", wintypes.DWORD),
            ("extra", ctypes.c_size_t),
        )

    class _AnyInput(ctypes.Union):
        # The largest member is the mouse's; SendInput refuses any other size.
        _fields_ = (
            ("key", _KeyInput),
            ("mouse", ctypes.c_byte * (16 + 2 * ctypes.sizeof(ctypes.c_size_t))),
        )

    class _Input(ctypes.Structure):
        _fields_ = (("kind", wintypes.DWORD), ("any", _AnyInput))

    class _Monitor(ctypes.Structure):
        _fields_ = (
            ("size", wintypes.DWORD),
            ("whole", wintypes.RECT),
            ("work", wintypes.RECT),
            ("flags", wintypes.DWORD),
        )

    class User32:
        """See windows.Calls."""

        def __init__(self) -> None:
            self._user32 = user32 = ctypes.WinDLL("user32", use_last_error=True)
            self._kernel32 = kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
            self._advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
            for library, names in (
                (user32, ("GetForegroundWindow", "GetClipboardData", "MonitorFromWindow",
                          "SetClipboardData", "CreateWindowExW")),
                (kernel32, ("GlobalAlloc", "GlobalLock", "OpenProcess", "GetCurrentProcess")),
            ):  # fmt: skip
                for name in names:
                    getattr(library, name).restype = ctypes.c_void_p
            kernel32.GlobalSize.restype = ctypes.c_size_t
            self._elevated = self._is_elevated(kernel32.GetCurrentProcess()) is True

        def front(self) -> int:
            """See windows.Calls."""
            return int(self._user32.GetForegroundWindow() or 0)

        def class_name(self, window: int) -> str:
            """See windows.Calls."""
            text = ctypes.create_unicode_buffer(256)
            self._user32.GetClassNameW(ctypes.c_void_p(window), text, 256)
            return text.value

        def is_out_of_reach(self, window: int) -> bool:
            """See windows.Calls; a process that may not even be asked is one of them."""
            number = wintypes.DWORD()
            self._user32.GetWindowThreadProcessId(ctypes.c_void_p(window), ctypes.byref(number))
            process = self._kernel32.OpenProcess(_QUERY_LIMITED, False, number)
            if not process:
                return True
            try:
                return not self._elevated and self._is_elevated(process) is not False
            finally:
                self._kernel32.CloseHandle(ctypes.c_void_p(process))

        def bring_front(self, window: int) -> None:
            """See windows.Calls."""
            self._user32.SetForegroundWindow(ctypes.c_void_p(window))

        def changes(self) -> int:
            """See windows.Calls."""
            return int(self._user32.GetClipboardSequenceNumber())

        def read(self) -> Formats | None:
            """See windows.Calls."""
            found: list[tuple[int, bytes]] = []
            with self._clipboard() as opened:
                if not opened:
                    return None
                number = self._user32.EnumClipboardFormats(0)
                while number:
                    data = None if number in NO_BYTES else self._bytes_of(number)
                    if data is not None:
                        found.append((int(number), data))
                    number = self._user32.EnumClipboardFormats(number)
            return found

        def write(self, formats: Formats) -> bool:
            """See windows.Calls."""
            with self._own_window() as window, self._clipboard(window) as opened:
                if not opened or not self._user32.EmptyClipboard():
                    return False
                return all(self._put(number, data) for number, data in formats)

        def is_down(self, key: int) -> bool:
            """See windows.Calls."""
            return bool(self._user32.GetAsyncKeyState(key) & 0x8000)

        def keys(self, events: Sequence[tuple[int, bool]]) -> None:
            """See windows.Calls."""
            inputs = (_Input * len(events))()
            for slot, (key, down) in zip(inputs, events, strict=True):
                slot.kind = _KEYBOARD
                slot.any.key = _KeyInput(key, 0, 0 if down else _KEY_UP, 0, 0)
            self._user32.SendInput(len(events), inputs, ctypes.sizeof(_Input))

        def screen(self, window: int) -> Screen | None:
            """See windows.Calls."""
            monitor = self._user32.MonitorFromWindow(ctypes.c_void_p(window), _NEAREST)
            facts = _Monitor(size=ctypes.sizeof(_Monitor))
            if not self._user32.GetMonitorInfoW(ctypes.c_void_p(monitor), ctypes.byref(facts)):
                return None
            work = facts.work
            return work.left, work.top, work.right - work.left, work.bottom - work.top

        @contextmanager
        def _clipboard(self, owner: int | None = None) -> Iterator[bool]:
            """Open it, against others who do the same for a moment."""
            for _ in range(_OPEN_TRIES):
                if self._user32.OpenClipboard(ctypes.c_void_p(owner)):
                    break
                time.sleep(_OPEN_SECONDS)
            else:
                yield False
                return
            try:
                yield True
            finally:
                self._user32.CloseClipboard()

        @contextmanager
        def _own_window(self) -> Iterator[int]:
            """A window that is never shown: data belong to the window that brings them."""
            window = self._user32.CreateWindowExW(
                0, "STATIC", None, 0, 0, 0, 0, 0, None, None, None, None
            )
            try:
                yield int(window or 0)
            finally:
                self._user32.DestroyWindow(ctypes.c_void_p(window))

        def _bytes_of(self, number: int) -> bytes | None:
            handle = self._user32.GetClipboardData(number)
            if not handle:
                return None
            size = self._kernel32.GlobalSize(ctypes.c_void_p(handle))
            place = self._kernel32.GlobalLock(ctypes.c_void_p(handle)) if size else None
            if not place:
                return None
            try:
                return ctypes.string_at(place, size)
            finally:
                self._kernel32.GlobalUnlock(ctypes.c_void_p(handle))

        def _put(self, number: int, data: bytes) -> bool:
            handle = self._kernel32.GlobalAlloc(_MOVEABLE, ctypes.c_size_t(len(data)))
            place = self._kernel32.GlobalLock(ctypes.c_void_p(handle)) if handle else None
            if not place:
                return False
            ctypes.memmove(place, data, len(data))
            self._kernel32.GlobalUnlock(ctypes.c_void_p(handle))
            # From here on the memory is the system's.
            return bool(self._user32.SetClipboardData(number, ctypes.c_void_p(handle)))

        def _is_elevated(self, process: int) -> bool | None:
            token = wintypes.HANDLE()
            if not self._advapi32.OpenProcessToken(
                ctypes.c_void_p(process), _TOKEN_QUERY, ctypes.byref(token)
            ):
                return None
            value, size = wintypes.DWORD(), wintypes.DWORD()
            try:
                if not self._advapi32.GetTokenInformation(
                    token, _TOKEN_ELEVATION, ctypes.byref(value), 4, ctypes.byref(size)
                ):
                    return None
                return bool(value.value)
            finally:
                self._kernel32.CloseHandle(token)
