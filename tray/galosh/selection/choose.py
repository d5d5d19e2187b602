"""Which system's way of reading and inserting this session has; chosen here and nowhere else."""

from __future__ import annotations

import functools
import os
import sys
from typing import Protocol

from galosh.hotkey.choose import is_wayland
from galosh.selection.values import Origin, Outcome, Screen, Selection

LIMIT_BYTES = 65_536
DEADLINE_SECONDS = 0.3


class Way(Protocol):
    """What each system's module does."""

    def read_selection(self, deadline_seconds: float, limit_bytes: int) -> Selection | None:
        """See below."""

    def read_origin(self) -> Origin | None:
        """See below."""

    def insert(self, text: str, origin: Origin) -> Outcome:
        """See below."""

    def active_screen(self) -> Screen | None:
        """See below."""


def read_selection(
    deadline_seconds: float = DEADLINE_SECONDS, limit_bytes: int = LIMIT_BYTES
) -> Selection | None:
    """The text selected in the window the user is in; None for none, or a program that does
    not answer in time. Call it before a window of ours is shown."""
    way = _way()
    return None if way is None else way.read_selection(deadline_seconds, limit_bytes)


def read_origin() -> Origin | None:
    """The window the user is in, for an answer where nothing was selected."""
    way = _way()
    return None if way is None else way.read_origin()


def insert(text: str, origin: Origin) -> Outcome:
    """Put `text` where the user was typing, in place of what is selected there.

    "inserted": the clipboard is as it was. "copied": the text is in the clipboard instead, since
    that window is gone or would not take it. "refused": nothing was changed, since the clipboard
    could not have been given back. Blocks for up to about three seconds.
    """
    way = _way()
    return "refused" if way is None else way.insert(text, origin)


def active_screen() -> Screen | None:
    """x, y, width, height of the monitor the user looks at; None where nobody tells."""
    way = _way()
    return None if way is None else way.active_screen()


def _way() -> Way | None:
    if sys.platform == "win32":
        from galosh.selection.windows import Windows

        return Windows()
    if sys.platform == "darwin":
        from galosh.selection.macos import Mac

        return Mac()
    if is_wayland(os.environ):
        from galosh.selection.wayland import Wayland

        return Wayland()
    if os.environ.get("DISPLAY"):
        return _x11(os.environ["DISPLAY"])
    return None


@functools.cache
def _x11(_display: str) -> Way:
    """One for each X server, with its connections."""
    from galosh.selection.x11 import X11

    return X11()
