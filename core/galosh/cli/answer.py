"""Prints an answer as it comes: words to stdout, everything beside them to stderr.

Owns what a person is told of it: notices, once each, and what thinking aloud cost.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field

from galosh.api import Delta, Notice
from galosh.base.texts import format_seconds, say
from galosh.cli.output import Output, sentence


@dataclass
class Answer:
    """What has come so far. thought_seconds: None where nothing was thought aloud.

    told: sentences that need no second telling; a conversation keeps them. hint: how to have
    it without thoughts.
    """

    told: set[str] = field(default_factory=set)
    hint: str = ""
    pieces: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    last: Delta = field(default_factory=Delta)
    thought_words: int = 0
    thought_seconds: float | None = None
    _thought_since: float | None = None

    @property
    def text(self) -> str:
        """All its words."""
        return "".join(self.pieces)

    def show(self, deltas: Generator[Delta, None, None], output: Output) -> None:
        """Print pieces as they come; leaving early closes the stream, which ends the answer."""
        try:
            with closing(deltas) as stream:
                for delta in stream:
                    self._take(delta, output)
        finally:
            self._end_thought(output)
        if not self.pieces:
            output.note(say("cli.empty"))

    def _take(self, delta: Delta, output: Output) -> None:
        if delta.notice is not None:
            self.notices.append(delta.notice)
            told = sentence(delta.notice)
            if told not in self.told:
                self.told.add(told)
                output.note(told)
        if delta.thought:
            self._think(delta.thought, output)
        # Models like to begin with a line break that nobody asked for.
        text = delta.text if self.pieces else delta.text.lstrip()
        if text:
            self._end_thought(output)
            self.pieces.append(text)
            output.piece(text)
        if delta.finish_reason or delta.usage:
            self.last = delta

    def _think(self, thought: str, output: Output) -> None:
        if self._thought_since is None and self.thought_seconds is None:
            self._thought_since = time.monotonic()
            if output.interactive:
                output.note(say("cli.thinking"))
        self.thought_words += len(thought.split())

    def _end_thought(self, output: Output) -> None:
        if self._thought_since is None:
            return
        self.thought_seconds = time.monotonic() - self._thought_since
        self._thought_since = None
        if output.interactive:
            took = format_seconds(self.thought_seconds)
            words = self.thought_words
            output.note(say("cli.thought", took=took, words=words, hint=self.hint))
