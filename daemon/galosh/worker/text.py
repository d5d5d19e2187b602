"""Turns the bytes of tokens into text that is safe to show piece by piece. Pure.

Owns two rules: a character never leaves in halves (bytes that can never become one are
replaced by U+FFFD), and the text of a stop string never leaves at all, even when it comes
in pieces. Must never hold back more than a possible beginning of a stop string.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class Utf8Stream:
    """Bytes in, whole characters out."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, piece: bytes) -> str:
        """The characters that `piece` completes."""
        return self._decoder.decode(piece)

    def finish(self) -> str:
        """What is left at the end: U+FFFD for a character that never became whole."""
        return self._decoder.decode(b"", True)


class StopHolder:
    """Looks for stop strings across pieces of text."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._longest = max(map(len, self._stops), default=0)
        self._held = ""
        self.found: str | None = None

    @property
    def stopped(self) -> bool:
        """Whether a stop string has come."""
        return self.found is not None

    def feed(self, text: str) -> str:
        """The text that may be shown now; sets `found` to the first stop string."""
        if not self._stops:
            return text
        text = self._held + text
        found = [(place, stop) for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            place, self.found = min(found, key=lambda one: one[0])
            self._held = ""
            return text[:place]
        keep = self._beginning_length(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back and turned out to be no stop string."""
        text, self._held = self._held, ""
        return text

    def _beginning_length(self, text: str) -> int:
        """How many characters at the end of `text` may be the start of a stop string."""
        for length in range(min(self._longest - 1, len(text)), 0, -1):
            end = text[len(text) - length :]
            if any(stop.startswith(end) for stop in self._stops):
                return length
        return 0
