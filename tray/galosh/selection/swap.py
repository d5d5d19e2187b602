"""Insertion by clipboard and paste key, as Windows and macOS have it: one order of steps.

Rules: text is pasted only once the window it came from is in front again; what was in the
clipboard goes back, unless somebody has copied meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from galosh.selection.values import Origin, Outcome

_LOOK_SECONDS = 0.01
_FRONT_SECONDS = 0.5
# Nobody tells that a paste is over; measured by others as ample for office programs.
_PASTE_SECONDS = 0.4

Content = TypeVar("Content")


class Board(Protocol[Content]):
    """What the order of steps needs of a system."""

    def front(self) -> int:
        """The window or process the user is in; 0: none."""

    def bring_front(self, handle: int, /) -> None:
        """Ask for it to be the one the user is in."""

    def changes(self) -> int:
        """A number that changes with the clipboard."""

    def read(self) -> Content | None:
        """Everything in the clipboard; None: it is not to be opened."""

    def write(self, content: Content, /) -> bool:
        """Put this in place of everything; whether that worked."""


def swap_and_paste(
    board: Board[Content], answer: Content, origin: Origin, paste: Callable[[], None]
) -> Outcome:
    """Put `answer` where the user was typing; where that is not to be had, into the clipboard."""
    if not origin.can_insert:
        return "copied" if board.write(answer) else "refused"
    former = board.read()
    if former is None:
        return "refused"
    board.bring_front(origin.handle)
    front = until(lambda: board.front() == origin.handle, _FRONT_SECONDS)
    if not board.write(answer):
        board.write(former)
        return "refused"
    ours = board.changes()
    if not front or board.front() != origin.handle:
        return "copied"
    paste()
    time.sleep(_PASTE_SECONDS)
    if board.changes() == ours:
        board.write(former)
    return "inserted"


def until(look: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() >= end:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
