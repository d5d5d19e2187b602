"""The text the user has selected, and putting an answer back where they type.

Rules: read before any window of ours is shown, with a deadline, so that a frozen program cannot
freeze us; insert only into the window it came from, and leave the clipboard as it was, byte for
byte and in all its formats. Never logs a text, never presses keys in a window it has not checked.
"""

from __future__ import annotations

from galosh.selection.choose import active_screen, insert, read_origin, read_selection
from galosh.selection.values import Origin, Outcome, Selection

__all__ = [
    "Origin",
    "Outcome",
    "Selection",
    "active_screen",
    "insert",
    "read_origin",
    "read_selection",
]
