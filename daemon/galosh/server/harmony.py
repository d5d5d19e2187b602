"""What gpt-oss writes, told apart: thoughts, the answer, calls of functions. Pure.

Source: OpenAI's Harmony response format. An answer is a row of messages, each with a header
(`<|channel|>analysis`, `final`, `commentary`, and `to=functions.NAME` for a call) and, after
`<|message|>`, its text. The prompt ends within the first header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from galosh.server.literals import BrokenError, CutError, Reader, valid
from galosh.server.tools import Call, Tool
from galosh.server.words import Words

_BODY = "<|message|>"
_ENDS = ("<|end|>", "<|call|>", "<|return|>", "<|start|>")
_TO = re.compile(r"to=functions\.([A-Za-z0-9_.-]+)")
_LONGEST = max(map(len, (_BODY, *_ENDS)))


class HarmonyReader:
    """Pieces of an answer in, words out. called, broken: see calls.CallReader."""

    def __init__(self, tools: Sequence[Tool], new_id: Callable[[], str]) -> None:
        self.called = self.broken = False
        self._tools = {tool.name for tool in tools}
        self._new_id = new_id
        self._held = ""
        self._in_header = True
        self._thinks = False
        self._name: str | None = None  # the function that is being called

    def feed(self, words: Words) -> Words | None:
        """What can be told by now; None where that is nothing."""
        self._held += words.text
        found = Words(entries=words.entries)
        while (more := self._next()) is not None:
            found = _and(found, more)
        return found if found != Words() else None

    def finish(self) -> Words | None:
        """What was held back."""
        if self._in_header:
            # A header without a message: where there were no marks at all, it is the answer.
            text = "" if "<|" in self._held or self._held.startswith(" to=") else self._held
            found = Words(text)
        else:
            found = self._body(self._held, whole=True)
        self._held = ""
        return found if found != Words() else None

    def _next(self) -> Words | None:
        """The next piece that is sure; None: more has to come."""
        if self._in_header:
            place = self._held.find(_BODY)
            if place < 0:
                return None
            header, self._held = self._held[:place], self._held[place + len(_BODY) :]
            # Headers that a model began anew count from their last beginning on.
            last = header[max(0, header.rfind("<|channel|>")) :]
            called = _TO.search(header)
            self._name = called[1] if called is not None else None
            self._thinks = "analysis" in last and called is None
            self._in_header = False
            return Words()
        places = [(at, end) for end in _ENDS if (at := self._held.find(end)) >= 0]
        if places:
            place, end = min(places)
            body, self._held = self._held[:place], self._held[place + len(end) :]
            self._in_header = True
            return self._body(body, whole=True)
        if self._name is not None:
            return None
        sure = self._surely_text()
        if not sure:
            return None
        body, self._held = self._held[:sure], self._held[sure:]
        return self._body(body, whole=False)

    def _surely_text(self) -> int:
        held = self._held
        for length in range(min(_LONGEST - 1, len(held)), 0, -1):
            if any(end.startswith(held[-length:]) for end in _ENDS):
                return len(held) - length
        return len(held)

    def _body(self, text: str, *, whole: bool) -> Words:
        if self._name is None:
            return Words(thought=text) if self._thinks else Words(text)
        if not whole:
            return Words()
        try:
            reader = Reader(text if text.strip() else "{}")
            arguments = reader.json()
            if reader.text[reader.at :].strip() or not isinstance(arguments, dict):
                raise BrokenError
            if self._name not in self._tools:
                raise BrokenError
            arguments = valid(arguments)
        except (BrokenError, CutError):
            self.broken = True
            return Words(text)
        self.called = True
        return Words(calls=(Call(self._new_id(), self._name, arguments),))


def _and(first: Words, second: Words) -> Words:
    return Words(
        first.text + second.text,
        first.thought + second.thought,
        first.entries + second.entries,
        first.calls + second.calls,
    )
