"""The line below the field: what is being waited for, and how long it will take. Pure.

Times are those of any clock that only goes forward. Says what is known: a forecast is shown as
one, and when it has passed, that it has.
"""

from __future__ import annotations

from dataclasses import dataclass

from galosh.api.wire import Notice, Usage
from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.popup.waiting import Outlook, sizes


@dataclass
class Progress:
    """One question's way, and what is said when there is none."""

    outlook: Outlook | None = None
    hotkey: str | None = None
    _began: float | None = None
    _forecast: float | None = None
    _first: float | None = None
    _thoughts: int = 0
    _notice: Notice | None = None
    _starting: bool = False
    _ended: str | None = None
    _usage: Usage | None = None
    _remark: str = ""
    _trouble: GaloshError | None = None
    _named: str | None = None  # who answered, where no title is known

    def rest(self) -> None:
        """No question."""
        self._began = self._ended = self._first = self._notice = None
        self._remark, self._starting, self._thoughts = "", False, 0

    def begin(self, question: str, now: float) -> None:
        """It was asked."""
        self.rest()
        self._trouble = None
        self._began = now
        outlook = self.outlook
        self._forecast = None if outlook is None else outlook.first_word_seconds(*sizes(question))

    def told(self, notice: Notice | None) -> None:
        """The daemon says what is going on; None: it is being started."""
        self._notice, self._starting = notice, notice is None

    def words(self, text: str, thought: str, now: float, model_id: str | None = None) -> None:
        """Something came."""
        self._named = model_id or self._named
        self._notice, self._starting = None, False
        self._thoughts += len(thought.split())
        if text.strip() and self._first is None:
            self._first = now

    def end(self, reason: str | None, usage: Usage | None) -> None:
        """The answer is over: stop, length, cancelled or failed."""
        self._ended, self._usage = reason or "stop", usage

    def remark(self, sentence: str) -> None:
        """Said once the answer is over."""
        self._remark = sentence

    def trouble(self, error: GaloshError | None) -> None:
        """Why nothing can be asked now; None: it can."""
        self._trouble = error

    def sentence(self, now: float) -> str:
        """The line."""
        if self._ended is not None:
            return " ".join(part for part in (self._over(), self._remark) if part)
        if self._began is None:
            return self._resting()
        if self._first is not None:
            return say("popup.answering", model=self._model)
        waited = now - self._began
        if self._starting:
            return say("popup.starting")
        if self._thoughts:
            return say("popup.thinking", model=self._model, waited_seconds=waited,
                       words=self._thoughts)  # fmt: skip
        notice = "" if self._notice is None else f" · {_words_of(self._notice)}"
        return self._wait(waited) + notice

    def _wait(self, waited: float) -> str:
        if self._forecast is None:
            return say("popup.waiting", model=self._model, waited_seconds=waited)
        left = self._forecast - waited
        if left > 0:
            return say("popup.waiting-forecast", model=self._model, left_seconds=max(left, 0.1))
        if waited < 2 * self._forecast or waited < 2:
            return say("popup.waiting", model=self._model, waited_seconds=waited)
        return say("popup.waiting-longer", model=self._model, waited_seconds=waited)

    def _resting(self) -> str:
        outlook, model = self.outlook, self._model
        if self._trouble is not None:
            return f"{self._trouble.what} {self._trouble.next_step}"
        if outlook is not None and outlook.paused:
            return say("popup.paused")
        if outlook is None or outlook.title is None:
            return ""  # nobody has told yet, or the first question will choose the model
        if not outlook.awake:
            seconds = outlook.load_seconds
            if seconds is None:
                return say("popup.asleep-unknown", model=model)
            return say("popup.asleep", model=model, load_seconds=seconds)
        if self.hotkey:
            return say("popup.ready-hotkey", model=model, hotkey=self.hotkey)
        return say("popup.ready", model=model)

    def _over(self) -> str:
        if self._ended == "failed":
            return ""
        if self._ended == "cancelled":
            return say("popup.stopped", model=self._model)
        if self._ended == "length":
            return say("popup.cut-short", model=self._model)
        speed = None if self._usage is None else self._usage.tokens_per_second
        if speed is None or self._first is None or self._began is None:
            return say("popup.ready", model=self._model)
        first = self._first - self._began
        return say("popup.done", model=self._model, speed=f"{speed:.1f}", first_seconds=first)

    @property
    def _model(self) -> str:
        return (self.outlook and self.outlook.title) or self._named or say("popup.some-model")


def _words_of(notice: Notice) -> str:
    """A notice in the user's language; in the daemon's where ours has no such text."""
    try:
        return say(notice.key, **notice.facts)
    except (KeyError, ImportError):
        return notice.text
