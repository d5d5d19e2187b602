"""Windows of an X session: which one the user is in, whose it is, making one active again."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence
from typing import Any

from galosh.hotkey.x11_keys import modifier_masks
from galosh.selection.values import Origin, Screen, kind_of

_PAGER = 2  # who asks for activation: a pager, whose wish window managers grant
_LOOK_SECONDS = 0.01


def client_of(display: Any, window: int) -> int:
    """The program a window belongs to: what its id has in common with its others."""
    return window & ~int(display.display.info.resource_id_mask)


def active_window(display: Any) -> int:
    """The window the user is in, as the window manager says; 0: it says none."""
    numbers = _numbers(display.screen().root, display.get_atom("_NET_ACTIVE_WINDOW"))
    return numbers[0] if numbers else 0


def origin_of(display: Any) -> Origin | None:
    """The active window, with how text gets into it."""
    window = active_window(display)
    if not window:
        return None
    names = _names(display, window)
    kind = kind_of(names) if display.has_extension("XTEST") else "none"
    return Origin(window, client_of(display, window), kind)


def is_stale(display: Any, owner: int, origin: Origin | None) -> bool:
    """Whether a selection belongs to another window than the one the user is in.

    One whose owner has no window on the desktop belongs to a clipboard manager, which holds it
    for somebody; or to our own quick prompt, hidden again.
    """
    client = client_of(display, owner)
    if origin is None or client == origin.client:
        return False
    listed = _numbers(display.screen().root, display.get_atom("_NET_CLIENT_LIST"))
    return client in {client_of(display, window) for window in listed} or _is_ours(display, client)


def _is_ours(display: Any, client: int) -> bool:
    """Whether a program has a window, hidden perhaps, of galosh's name."""
    children = display.screen().root.query_tree().children
    mine = (window.id for window in children if client_of(display, window.id) == client)
    return any("galosh" in name.lower() for window in mine for name in _names(display, window))


def activate(display: Any, origin: Origin, seconds: float) -> bool:
    """Make the window active and wait until it is, keyboard included."""
    from Xlib import X
    from Xlib.protocol import event

    if not _exists(display, origin.handle):
        return False
    root = display.screen().root
    if not is_active(display, origin):
        message = event.ClientMessage(
            window=display.create_resource_object("window", origin.handle),
            client_type=display.get_atom("_NET_ACTIVE_WINDOW"),
            data=(32, [_PAGER, X.CurrentTime, 0, 0, 0]),
        )
        root.send_event(message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
    return _until(lambda: is_active(display, origin), seconds)


def is_active(display: Any, origin: Origin) -> bool:
    """Whether keys pressed now reach that window."""
    focus = display.get_input_focus().focus
    number = int(getattr(focus, "id", focus) or 0)
    # Numbers below 2 mean no window, or wherever the pointer is.
    return (
        active_window(display) == origin.handle
        and number > 1
        and (client_of(display, number) == origin.client)
    )


def wait_keys_up(display: Any, seconds: float) -> bool:
    """Until no modifier is held: the user's own would change the keys we press."""
    masks, _ = modifier_masks(display)
    held = 0
    for mask in masks.values():
        held |= mask
    root = display.screen().root
    return _until(lambda: not root.query_pointer().mask & held, seconds)


def screen_of_user(display: Any) -> Screen | None:
    """The monitor that holds the middle of the active window, else the pointer."""
    root = display.screen().root
    x, y = _middle(display, active_window(display)) or _pointer(root)
    monitors = _monitors(display, root)
    for left, top, width, height in monitors:
        if left <= x < left + width and top <= y < top + height:
            return left, top, width, height
    return monitors[0] if monitors else None


def _monitors(display: Any, root: Any) -> list[Screen]:
    whole = display.screen()
    if not hasattr(root, "xrandr_get_monitors"):  # a server from before RandR 1.5
        return [(0, 0, whole.width_in_pixels, whole.height_in_pixels)]
    return [
        (one.x, one.y, one.width_in_pixels, one.height_in_pixels)
        for one in root.xrandr_get_monitors().monitors
    ]


def _middle(display: Any, window: int) -> tuple[int, int] | None:
    from Xlib import error

    if not window:
        return None
    try:
        object_ = display.create_resource_object("window", window)
        size = object_.get_geometry()
        place = display.screen().root.translate_coords(object_, 0, 0)
    except error.XError:
        return None
    return place.x + size.width // 2, place.y + size.height // 2


def _pointer(root: Any) -> tuple[int, int]:
    place = root.query_pointer()
    return place.root_x, place.root_y


def _names(display: Any, window: int) -> tuple[str, ...]:
    from Xlib import error

    try:
        names = display.create_resource_object("window", window).get_wm_class()
    except error.XError:
        return ()
    return tuple(names or ())


def _exists(display: Any, window: int) -> bool:
    from Xlib import error

    try:
        display.create_resource_object("window", window).get_geometry()
    except error.XError:
        return False
    return True


def _numbers(window: Any, prop: int) -> Sequence[int]:
    reply = window.get_full_property(prop, 0)
    return [] if reply is None or reply.format != 32 else [int(number) for number in reply.value]


def _until(look: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() >= end:
            return False
        select.select([], [], [], _LOOK_SECONDS)
    return True
