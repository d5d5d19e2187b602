"""The hotkey of Windows: RegisterHotKey in the listening thread.

Rules: keys that are held fire once (MOD_NOREPEAT); error 1409 means another program has them,
and is asked again now and then; the process that hears the hotkey may set the foreground window,
and hands that right on, because the window belongs to the popup's process.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

from galosh.base.errors import GaloshError
from galosh.hotkey.trigger import Trigger, others
from galosh.hotkey.way import Job

MOD_NOREPEAT = 0x4000
WM_QUIT, WM_TIMER, WM_HOTKEY = 0x0012, 0x0113, 0x0312
TAKEN = 1409  # ERROR_HOTKEY_ALREADY_REGISTERED
_AGAIN_MILLISECONDS = 20_000
_OFFERED = 2


class Calls(Protocol):
    """What is asked of user32, all of it from one thread."""

    def thread(self) -> int:
        """This thread's id; from now on messages can be posted to it."""

    def quit(self, thread: int) -> None:
        """End `next_message` of that thread; may be called from any."""

    def register(self, modifiers: int, key: int) -> int:
        """0, or Windows' error number."""

    def unregister(self) -> None:
        """Give the keys back."""

    def remind(self, milliseconds: int) -> None:
        """Send WM_TIMER so often; 0: no more."""

    def next_message(self) -> int:
        """The next message's number; WM_QUIT at the end."""

    def allow_foreground(self) -> None:
        """Let another process set the foreground window."""


def listen(job: Job, calls: Calls | None = None) -> bool:
    """Register and fire until stopped. See Listen."""
    calls = calls or _real_calls()
    thread = calls.thread()
    job.stop.call(lambda: calls.quit(thread))
    held = _register(job, calls)
    while (message := calls.next_message()) != WM_QUIT:
        if message == WM_HOTKEY:
            calls.allow_foreground()
            job.fire()
        elif message == WM_TIMER and not held:
            held = _register(job, calls)
    if held:
        calls.unregister()
    return True


def _register(job: Job, calls: Calls) -> bool:
    error = _ask(calls, job.trigger)
    if error == 0:
        calls.remind(0)
        job.tell(str(job.trigger))
        return True
    if error != TAKEN:
        reason = f"RegisterHotKey: {error}"
        job.tell(None, GaloshError("hotkey-broke", way="windows", reason=reason))
        return False
    free: list[str] = []
    for other in others(job.trigger):
        if _ask(calls, other) == 0:
            calls.unregister()
            free.append(str(other))
        if len(free) == _OFFERED:
            break
    trigger, offered = str(job.trigger), " / ".join(free) or None
    job.tell(None, GaloshError("hotkey-taken", trigger=trigger, free=offered), tuple(free))
    calls.remind(_AGAIN_MILLISECONDS)
    return False


def _ask(calls: Calls, trigger: Trigger) -> int:
    modifiers, key = trigger.windows
    return calls.register(modifiers | MOD_NOREPEAT, key)


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _ID = 1
    _ANY_PROCESS = 0xFFFFFFFF

    class _User32:
        """See Calls."""

        def __init__(self) -> None:
            self._user32 = ctypes.WinDLL("user32", use_last_error=True)
            self._kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
            self._message = wintypes.MSG()
            self._timer: Any = 0

        def thread(self) -> int:
            """See Calls; a thread has no queue until it looks for a message."""
            self._user32.PeekMessageW(ctypes.byref(self._message), None, 0, 0, 0)
            return int(self._kernel32.GetCurrentThreadId())

        def quit(self, thread: int) -> None:
            """See Calls."""
            self._user32.PostThreadMessageW(thread, WM_QUIT, 0, 0)

        def register(self, modifiers: int, key: int) -> int:
            """See Calls."""
            if self._user32.RegisterHotKey(None, _ID, modifiers, key):
                return 0
            return ctypes.get_last_error() or -1

        def unregister(self) -> None:
            """See Calls."""
            self._user32.UnregisterHotKey(None, _ID)

        def remind(self, milliseconds: int) -> None:
            """See Calls."""
            if self._timer:
                self._user32.KillTimer(None, self._timer)
            set_timer = self._user32.SetTimer
            set_timer.restype = ctypes.c_size_t
            self._timer = set_timer(None, 0, milliseconds, None) if milliseconds else 0

        def next_message(self) -> int:
            """See Calls; a failure ends the loop as well."""
            if self._user32.GetMessageW(ctypes.byref(self._message), None, 0, 0) <= 0:
                return WM_QUIT
            return int(self._message.message)

        def allow_foreground(self) -> None:
            """See Calls."""
            self._user32.AllowSetForegroundWindow(wintypes.DWORD(_ANY_PROCESS))

    def _real_calls() -> Calls:
        return _User32()

else:

    def _real_calls() -> Calls:
        raise OSError("not Windows")
