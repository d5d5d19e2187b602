"""The hotkey of macOS: RegisterEventHotKey of Carbon, through ctypes.

Rules: every Carbon call runs on the main thread, where the tray's event loop delivers the
presses; no permission is asked for, and the key is swallowed. macOS does not tell that another
program has the same keys: both would hear them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from galosh.base.errors import GaloshError
from galosh.hotkey.way import Job

_MAIN_SECONDS = 10.0


class Calls(Protocol):
    """What is asked of Carbon."""

    def on_main(self, call: Callable[[], None]) -> None:
        """Run this on the main thread, soon."""

    def register(self, modifiers: int, code: int, pressed: Callable[[], None]) -> int:
        """0, or Carbon's status."""

    def unregister(self) -> None:
        """Give the keys back."""


def listen(job: Job, calls: Calls | None = None) -> bool:
    """Register and fire until stopped. See Listen."""
    wanted = job.trigger.mac
    if wanted is None:
        job.tell(None, GaloshError("hotkey-mac-key", trigger=str(job.trigger)))
        job.stop.wait(None)
        return True
    calls = calls or _real_calls()
    presses = _Presses(job)
    answers: list[int] = []
    answered = threading.Event()

    def register() -> None:
        answers.append(calls.register(*wanted, presses.note))
        answered.set()

    calls.on_main(register)
    answered.wait(_MAIN_SECONDS)
    status = answers[0] if answers else None
    if status == 0:
        job.tell(str(job.trigger))
    else:
        reason = f"RegisterEventHotKey: {status}"
        job.tell(None, GaloshError("hotkey-broke", way="macos", reason=reason))
    presses.run()
    calls.on_main(calls.unregister)
    return True


class _Presses:
    """Carries presses from the main thread, which must not wait, to the listening one."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._pressed = threading.Event()
        job.stop.call(self._pressed.set)

    def note(self) -> None:
        """The keys were pressed."""
        self._pressed.set()

    def run(self) -> None:
        """Fire until stopped."""
        while True:
            self._pressed.wait()
            self._pressed.clear()
            if self._job.stop.is_set:
                return
            self._job.fire()


if sys.platform == "darwin":
    import ctypes

    _SIGNATURE = 0x676C7368  # 'glsh'
    _KEYBOARD, _HOTKEY_PRESSED = 0x6B657962, 5  # kEventClassKeyboard, kEventHotKeyPressed
    _HANDLER = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    _WORK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

    class _EventType(ctypes.Structure):
        _fields_ = (("event_class", ctypes.c_uint32), ("kind", ctypes.c_uint32))

    class _HotKeyId(ctypes.Structure):
        _fields_ = (("signature", ctypes.c_uint32), ("id", ctypes.c_uint32))

    class _Carbon:
        """See Calls. Keeps every callback: C holds them without Python's knowledge."""

        def __init__(self) -> None:
            self._carbon = ctypes.CDLL("/System/Library/Frameworks/Carbon.framework/Carbon")
            self._system = ctypes.CDLL("/usr/lib/libSystem.dylib")
            self._carbon.GetApplicationEventTarget.restype = ctypes.c_void_p
            self._key = ctypes.c_void_p()
            self._handler = ctypes.c_void_p()
            self._kept: list[Any] = []

        def on_main(self, call: Callable[[], None]) -> None:
            """See Calls."""
            work = _WORK(lambda _: call())
            self._kept.append(work)
            queue = ctypes.c_char.in_dll(self._system, "_dispatch_main_q")
            self._system.dispatch_async_f(ctypes.byref(queue), None, work)

        def register(self, modifiers: int, code: int, pressed: Callable[[], None]) -> int:
            """See Calls."""

            def hear(_call: Any, _event: Any, _data: Any) -> int:
                pressed()
                return 0

            handler = _HANDLER(hear)
            self._kept.append(handler)
            target = ctypes.c_void_p(self._carbon.GetApplicationEventTarget())
            kind = _EventType(_KEYBOARD, _HOTKEY_PRESSED)
            status = self._carbon.InstallEventHandler(
                target, handler, ctypes.c_ulong(1), ctypes.byref(kind), None,
                ctypes.byref(self._handler),
            )  # fmt: skip
            if status != 0:
                return int(status)
            return int(
                self._carbon.RegisterEventHotKey(
                    ctypes.c_uint32(code), ctypes.c_uint32(modifiers), _HotKeyId(_SIGNATURE, 1),
                    target, ctypes.c_uint32(0), ctypes.byref(self._key),
                )
            )  # fmt: skip

        def unregister(self) -> None:
            """See Calls."""
            if self._key:
                self._carbon.UnregisterEventHotKey(self._key)
            if self._handler:
                self._carbon.RemoveEventHandler(self._handler)

    def _real_calls() -> Calls:
        return _Carbon()

else:

    def _real_calls() -> Calls:
        raise OSError("not macOS")
