"""Notices the text after which an answer is held to a form. Pure.

Only an opener that ends where a token ends counts: what a longer token holds beyond it was
never checked against the grammar. One inside a thought is only talk about a call.
"""

from __future__ import annotations


class Trigger:
    """Bytes of tokens in; `met` from the token on that completes the opener."""

    def __init__(self, opener: str, thought: tuple[str, str] | None, *, thinking: bool) -> None:
        """thought: its marks, where the model has any; thinking: the prompt has opened one."""
        self.met = False
        self._opener = opener.encode("utf-8")
        begin, end = thought or ("", "")
        self._begin, self._end = begin.encode("utf-8"), end.encode("utf-8")
        self._inside = thinking
        self._at_start = bool(begin) and not thinking
        self._tail = b""
        self._keep = max(len(self._opener), len(self._begin), len(self._end)) + 16

    def feed(self, piece: bytes) -> None:
        """The text of the next token."""
        self._tail += piece
        if self._at_start and self._begins():
            return
        if self._inside:
            place = self._tail.find(self._end)
            if place >= 0:
                self._inside, self._tail = False, self._tail[place + len(self._end) :]
        if not self._inside and self._tail.endswith(self._opener):
            self.met = True
        self._tail = self._tail[-self._keep :]

    def _begins(self) -> bool:
        """Whether it may still become a thought; settles it where it is sure."""
        start = self._tail.lstrip()
        if start.startswith(self._begin):
            self._at_start, self._inside = False, True
            return False
        self._at_start = self._begin.startswith(start)
        return self._at_start and not start.endswith(self._opener)
