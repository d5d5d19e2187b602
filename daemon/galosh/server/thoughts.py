"""Tells what a model thinks aloud from what it answers. Pure.

Models that think write `<think>…</think>` (`[THINK]…[/THINK]`, Gemma `<|channel>thought …
<channel|>`) before the answer; some templates write the opening mark themselves. Only a mark
at the very beginning counts: one in mid-answer is text. Nothing is lost or held back longer
than it could still be a mark.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from galosh.server.words import Words

_MARKS = {
    "<think>": "</think>", "[THINK]": "[/THINK]", "<|channel>thought": "<channel|>",
}  # fmt: skip


class Splitter:
    """Pieces in, the same words sorted out. opened: the template wrote the mark."""

    def __init__(self, *, opened: bool = False) -> None:
        self._end: str | None = "</think>" if opened else None
        self._settled = False  # nothing more will be a mark
        self._trim = False  # the gap between thought and answer belongs to neither
        self._lead = not opened  # nor does the line end after the mark
        self._held = ""

    def feed(self, words: Words) -> Words | None:
        """What of it can be told apart by now; None where that is nothing."""
        if self._settled and not self._trim:
            return words
        thought, text = "", ""
        for kind, part in self._sort(self._held + words.text):
            if kind:
                thought += part
            else:
                text += part
        if not thought and not text and not words.entries:
            return None
        return replace(words, text=text, thought=thought)

    def finish(self) -> Words | None:
        """What was held back and turned out to be no mark."""
        held, self._held = self._held, ""
        if not held:
            return None
        return Words(thought=held) if self._end is not None else Words(held)

    def _sort(self, text: str) -> Iterator[tuple[bool, str]]:
        """(is thought, part) …; the rest is held."""
        self._held = ""
        if self._end is None and not self._settled:
            text = yield from self._look_for_begin(text)
        if self._end is not None:
            if self._lead:
                text = text.lstrip("\n")
                self._lead = not text
            text = yield from self._look_for_end(text)
        if self._trim:
            text = text.lstrip()
            self._trim = not text
        if text:
            yield False, text

    def _look_for_begin(self, text: str) -> Generator[tuple[bool, str], None, str]:
        start = text.lstrip()
        for mark, end in _MARKS.items():
            if start.startswith(mark):
                self._end = end
                return start[len(mark) :]
        if any(mark.startswith(start) for mark in _MARKS):
            self._held = text
            return ""
        self._settled = True
        yield from ()
        return text

    def _look_for_end(self, text: str) -> Generator[tuple[bool, str], None, str]:
        assert self._end is not None
        place = text.find(self._end)
        if place >= 0:
            rest = text[place + len(self._end) :]
            self._end, self._settled, self._trim = None, True, True
            if place:
                yield True, text[:place]
            return rest
        keep = next(
            (n for n in range(len(self._end) - 1, 0, -1) if text.endswith(self._end[:n])), 0
        )
        self._held = text[len(text) - keep :]
        if len(text) > keep:
            yield True, text[: len(text) - keep]
        return ""
