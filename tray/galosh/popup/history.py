"""The questions asked before, and walking through them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

MOST_QUESTIONS = 200
_MOST_CHARACTERS = 20_000  # a longer one is not worth walking to


class History:
    """Oldest first. While walking, what was being typed is kept at the end of the walk."""

    def __init__(self, questions: Sequence[str] = ()) -> None:
        self.questions = list(questions)[-MOST_QUESTIONS:]
        self._place: int | None = None
        self._typed = ""

    def add(self, question: str) -> None:
        """It was asked; the same one again is there once."""
        self._place = None
        if not question.strip() or len(question) > _MOST_CHARACTERS:
            return
        self.questions = [one for one in self.questions if one != question]
        self.questions = [*self.questions, question][-MOST_QUESTIONS:]

    def older(self, typed: str) -> str | None:
        """The question before; None at the oldest. typed: what the field holds now."""
        if self._place is None:
            self._typed = typed
        place = (len(self.questions) if self._place is None else self._place) - 1
        if place < 0:
            return None
        self._place = place
        return self.questions[place]

    def newer(self) -> str | None:
        """The question after, at last what was being typed; None when not walking."""
        if self._place is None:
            return None
        if self._place + 1 < len(self.questions):
            self._place += 1
            return self.questions[self._place]
        self._place = None
        return self._typed
