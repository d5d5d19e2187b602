"""What a measured row says: figures, target, pass or miss. Pure.

A ratio is taken round by round within one run and the median of the rounds counts, so that a
PC that gets busier half-way moves both sides. A row that could not be measured is no pass.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Relation = Literal["at least", "at most"]


@dataclass(frozen=True)
class Verdict:
    """One figure against its target; value None: not measured, and `note` says why."""

    name: str
    value: float | None
    relation: Relation
    target: float
    unit: str = ""
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the target was met."""
        if self.value is None:
            return False
        return (
            self.value >= self.target
            if self.relation == "at least"
            else (self.value <= self.target)
        )

    def line(self) -> str:
        """`pass  decode: 0.981 (at least 0.97)`."""
        unit = f" {self.unit}" if self.unit else ""
        shown = "not measured" if self.value is None else f"{number(self.value)}{unit}"
        mark = "pass" if self.passed else "MISS"
        note = f"; {self.note}" if self.note else ""
        return f"{mark}  {self.name}: {shown} ({self.relation} {number(self.target)}{unit}){note}"

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "name": self.name, "value": self.value, "relation": self.relation,
            "target": self.target, "unit": self.unit, "passed": self.passed, "note": self.note,
        }  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row of the table: its verdicts, and every figure they were taken from."""

    name: str
    verdicts: tuple[Verdict, ...]
    figures: Mapping[str, object] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every verdict is a pass; a row without any is none."""
        return bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        verdicts = [verdict.to_json() for verdict in self.verdicts]
        return {"row": self.name, "verdicts": verdicts, "figures": dict(self.figures)}


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """The median of the rounds' ratios ours / theirs; None without a whole round."""
    pairs = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if other > 0]
    return median([mine / other for mine, other in pairs]) if pairs else None


def growth(first: float, last: float) -> float:
    """How much `last` is over `first`, as a share of it; shrinking is 0."""
    return max(0.0, (last - first) / first) if first > 0 else 0.0


def number(value: float) -> str:
    """Three digits that matter, never in powers of ten."""
    if value == int(value) and abs(value) < 1_000_000:
        return str(int(value))
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.3f}"
