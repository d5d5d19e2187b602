"""Selection and insertion on macOS: Accessibility first, then Cmd+C, the pasteboard given back.

Rules: without the Accessibility permission nothing is read and nothing pressed, only copied;
nothing is ever copied out of a secure field; all items and types of the pasteboard are put back.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from galosh.selection.swap import swap_and_paste, until
from galosh.selection.values import Origin, Outcome, Screen, Selection, selected

# One item of the pasteboard: its bytes by type.
Items = Sequence[Mapping[str, bytes]]
TEXT_TYPE = "public.utf8-plain-text"
KEY_C, KEY_V = 8, 9


class Calls(Protocol):
    """What is asked of AppKit, ApplicationServices and CoreGraphics."""

    def is_trusted(self) -> bool:
        """Whether the user granted Accessibility to us."""

    def front(self) -> int:
        """The process the user is in; 0: none."""

    def bring_front(self, process: int) -> None:
        """Ask for it to be the one the user is in."""

    def focused(self) -> tuple[str | None, bool]:
        """The selected text of the focused element (None: it tells none), and whether that is
        a secure field."""

    def changes(self) -> int:
        """A number that changes with the pasteboard."""

    def read(self) -> Items:
        """Everything in the pasteboard."""

    def write(self, items: Items) -> bool:
        """Put these in place of everything; whether that worked."""

    def press(self, key: int) -> None:
        """Cmd and a key."""

    def screen(self) -> Screen | None:
        """The screen with the keyboard's window, its top left at the top left of the first."""


class Mac:
    """See choose.Way."""

    def __init__(self, calls: Calls | None = None) -> None:
        self._calls = calls or _real_calls()

    def read_selection(self, deadline_seconds: float, limit_bytes: int) -> Selection | None:
        """See choose.Way."""
        calls, origin = self._calls, self.read_origin()
        if origin is None or not origin.can_insert:
            return None
        text, secure = calls.focused()
        if secure:
            return None
        if text is None:
            text = self._copied(deadline_seconds)
        return selected(text.encode("utf-8", "replace"), limit_bytes, origin)

    def read_origin(self) -> Origin | None:
        """See choose.Way."""
        process = self._calls.front()
        if not process:
            return None
        return Origin(process, process, "field" if self._calls.is_trusted() else "none")

    def insert(self, text: str, origin: Origin) -> Outcome:
        """See choose.Way."""
        calls = self._calls
        answer = [{TEXT_TYPE: text.encode("utf-8", "replace")}]
        return swap_and_paste(calls, answer, origin, lambda: calls.press(KEY_V))

    def active_screen(self) -> Screen | None:
        """See choose.Way."""
        return self._calls.screen()

    def _copied(self, seconds: float) -> str:
        """What Cmd+C gives, for programs that tell Accessibility nothing."""
        calls = self._calls
        former, before = calls.read(), calls.changes()
        calls.press(KEY_C)
        if not until(lambda: calls.changes() != before, seconds):
            return ""
        data = next((item[TEXT_TYPE] for item in calls.read() if TEXT_TYPE in item), b"")
        calls.write(former)
        return data.decode("utf-8", "replace")


if sys.platform == "darwin":
    from galosh.selection.macos_calls import AppKit

    def _real_calls() -> Calls:
        return AppKit()

else:

    def _real_calls() -> Calls:
        raise OSError("not macOS")
