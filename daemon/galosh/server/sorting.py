"""The pieces of one answer sorted into thoughts, words and calls. Pure.

Puts together what knows thoughts and what knows calls, for the form the model writes in.
"""

from __future__ import annotations

from collections.abc import Callable

from galosh.server.calls import CallReader
from galosh.server.harmony import HarmonyReader
from galosh.server.thoughts import Splitter
from galosh.server.tools import Tools
from galosh.server.words import Words, joined


class Sorter:
    """Pieces in, sorted words out."""

    def __init__(
        self, form: str, tools: Tools | None, new_id: Callable[[], str], *, thinking: bool
    ) -> None:
        """thinking: the prompt has opened a thought."""
        offered = () if tools is None else tools.offered
        self._harmony = HarmonyReader(offered, new_id) if form == "harmony" else None
        self._thoughts = Splitter(opened=thinking)
        self._calls = CallReader(form, offered, new_id) if offered else None

    @property
    def called(self) -> bool:
        """Whether a function was called."""
        readers = (self._harmony, self._calls)
        return any(reader.called for reader in readers if reader is not None)

    @property
    def broken(self) -> bool:
        """Whether something began like a call and is none."""
        readers = (self._harmony, self._calls)
        return any(reader.broken for reader in readers if reader is not None)

    def feed(self, words: Words) -> Words | None:
        """What can be told by now; None where that is nothing."""
        if self._harmony is not None:
            return self._harmony.feed(words)
        sorted_out = self._thoughts.feed(words)
        if sorted_out is None or self._calls is None:
            return sorted_out
        return self._calls.feed(sorted_out)

    def finish(self) -> Words | None:
        """What was held back."""
        if self._harmony is not None:
            return self._harmony.finish()
        rest = self._thoughts.finish()
        if self._calls is None:
            return rest
        before = self._calls.feed(rest) if rest is not None else None
        found = joined(words for words in (before, self._calls.finish()) if words is not None)
        return found if found != Words() else None
