"""The hotkey of an X11 session: XGrabKey through python-xlib.

Rules: one grab for each state of Caps and Num Lock, all or none of them; a combination that
another program holds is reported with two that were tried and are free, and asked for again now
and then, since that program may end; a new keyboard layout means new key codes, so a new grab. A
key that is held down fires once. Owns its connection; nothing else uses it.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from galosh.base.errors import GaloshError
from galosh.hotkey.trigger import Trigger, others
from galosh.hotkey.way import Job
from galosh.hotkey.x11_keys import close_display, key_code, modifier_masks, open_display

_AGAIN_SECONDS = 20.0
_REPEAT_SECONDS = 0.002  # between the two events of an automatic repeat
_REPEAT_MILLISECONDS = 1
_OFFERED = 2
_CAPS_LOCK = 1 << 1


def listen(job: Job) -> bool:
    """Grab and fire until stopped; False where there is no X server to talk to. See Listen."""
    display = open_display()
    if display is None:
        return False
    try:
        _Grab(display, job).run()
    finally:
        close_display(display)
    return True


def try_grab(display: Any, trigger: Trigger) -> int | None:
    """Grab the trigger in every state of the locks; its key code, None when it is taken."""
    from Xlib import X, error

    code = key_code(display, trigger)
    root = display.screen().root
    refused = error.CatchError(error.BadAccess)
    for mask in _masks(display, trigger):
        root.grab_key(code, mask, False, X.GrabModeAsync, X.GrabModeAsync, onerror=refused)
    display.sync()
    if refused.get_error() is None:
        return code
    release(display, trigger, code)
    return None


def release(display: Any, trigger: Trigger, code: int) -> None:
    """Give the grab back."""
    root = display.screen().root
    for mask in _masks(display, trigger):
        root.ungrab_key(code, mask)
    display.sync()


def find_free(display: Any, wanted: Trigger) -> tuple[str, ...]:
    """Two combinations that nobody holds at this moment."""
    free: list[str] = []
    for other in others(wanted):
        code = try_grab(display, other)
        if code is not None:
            release(display, other, code)
            free.append(str(other))
        if len(free) == _OFFERED:
            break
    return tuple(free)


def _masks(display: Any, trigger: Trigger) -> set[int]:
    masks, num_lock = modifier_masks(display)
    base = 0
    for name in trigger.modifiers:
        base |= masks[name]
    return {base | caps | num for caps in (0, _CAPS_LOCK) for num in (0, num_lock)}


class _Grab:
    """One trigger on one connection."""

    def __init__(self, display: Any, job: Job) -> None:
        self._display = display
        self._job = job
        self._code: int | None = None
        self._masks: set[int] = set()
        self._down = False
        self._events: deque[Any] = deque()

    def run(self) -> None:
        """Until stopped. Raises Xlib.error.ConnectionClosedError when the server goes."""
        self._grab()
        while not self._job.stop.is_set:
            event = self._next(None if self._code is not None else _AGAIN_SECONDS)
            if event is not None:
                self._handle(event)
            elif self._code is None and not self._job.stop.is_set:
                self._grab(again=True)

    def _grab(self, *, again: bool = False) -> None:
        trigger = self._job.trigger
        self._code = try_grab(self._display, trigger)
        self._masks = _masks(self._display, trigger)
        if self._code is not None:
            self._job.tell(str(trigger))
            return
        if again:
            return  # that was said
        free = find_free(self._display, trigger)
        problem = GaloshError("hotkey-taken", trigger=str(trigger), free=" / ".join(free) or None)
        self._job.tell(None, problem, free)

    def _handle(self, event: Any) -> None:
        from Xlib import X

        if event.type == X.MappingNotify:
            self._remap(event)
        elif event.type == X.KeyPress and event.detail == self._code:
            if not self._down:
                self._down = True
                self._job.fire()
        elif event.type == X.KeyRelease and event.detail == self._code:
            self._down = self._is_repeat(event)

    def _remap(self, event: Any) -> None:
        from Xlib import X

        # One change of the layout comes as a burst of these; the last one decides.
        while (more := self._next(_REPEAT_SECONDS)) is not None and more.type == X.MappingNotify:
            event = more
        if more is not None:
            self._events.appendleft(more)
        if event.request != X.MappingPointer:
            event.request = X.MappingKeyboard
            event.first_keycode = self._display.display.info.min_keycode
            event.count = self._display.display.info.max_keycode - event.first_keycode + 1
            self._display.refresh_keyboard_mapping(event)
        trigger, code = self._job.trigger, self._code
        if code is not None:
            now = key_code(self._display, trigger), _masks(self._display, trigger)
            if now == (code, self._masks):
                return  # another keyboard, or the same one again: a press now would be lost
            release(self._display, trigger, code)
        self._grab()

    def _is_repeat(self, released: Any) -> bool:
        """A held key is reported as released and pressed again at the same moment."""
        from Xlib import X

        following = self._next(_REPEAT_SECONDS)
        if following is None:
            return False
        self._events.appendleft(following)
        return bool(
            following.type == X.KeyPress
            and following.detail == released.detail
            and following.time - released.time <= _REPEAT_MILLISECONDS
        )

    def _next(self, seconds: float | None) -> Any:
        """The next event; None when time is up or the end was asked for."""
        if not self._events and not self._display.pending_events():
            self._job.stop.wait(seconds, self._display.fileno())
        for _ in range(0 if self._job.stop.is_set else self._display.pending_events()):
            self._events.append(self._display.next_event())
        return self._events.popleft() if self._events else None
