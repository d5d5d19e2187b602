"""What the guided setup shows, as plain objects, and the seam to whoever shows it. Pure.

The controller drives a Delegate and never prints; a terminal, a window or a test's
recorder implement it. Texts in these objects are ready for the user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from galosh.engine.report import Report


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. verdict: `ok`, `warn` or `fail`."""

    key: str
    title: str
    value: str
    verdict: str
    advice: str

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class PlannedStep:
    """One step of the plan; estimate in seconds, None when nothing is known about it."""

    key: str
    title: str
    estimate_seconds: float | None
    done: bool


@dataclass(frozen=True)
class StepTime:
    """How long a step took; reused: it found its work done."""

    key: str
    seconds: float
    reused: bool


@dataclass(frozen=True)
class FirstAnswer:
    """The first real answer with what was measured on it; unknown is None."""

    question: str
    text: str
    tokens_per_second: float | None
    memory_bytes: int | None

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Summary:
    """How a setup ended. finished False: the user said no to the plan.

    queued: the model that the daemon fetches now, to take over when it is there.
    """

    finished: bool
    answer: FirstAnswer | None = None
    next_things: tuple[str, ...] = ()
    times: tuple[StepTime, ...] = ()
    queued: str | None = None

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "finished": self.finished,
            "answer": None if self.answer is None else self.answer.to_json(),
            "next_things": list(self.next_things),
            "steps": [asdict(time) for time in self.times],
            "queued": self.queued,
        }


class Delegate(Report, Protocol):
    """Shows a setup. step/progress/line (Report) come between `begin` and `end`."""

    def found(self, findings: Sequence[Finding]) -> None:
        """What this PC is."""

    def planned(self, steps: Sequence[PlannedStep]) -> None:
        """What will be done."""

    def ask_to_begin(self) -> bool:
        """Whether the user agrees to the plan."""

    def ask_about_login(self) -> bool:
        """Whether the user wants the icon started at login; nobody to ask: no."""

    def note(self, text: str) -> None:
        """One sentence worth knowing."""

    def begin(self, key: str, title: str, /) -> None:
        """A step of the plan begins."""

    def end(self, time: StepTime) -> None:
        """It succeeded."""

    def question(self, text: str) -> None:
        """The first question, about to be asked."""

    def answer(self, piece: str) -> None:
        """The next piece of the first answer."""

    def finish(self, summary: Summary) -> None:
        """Everything is done."""
