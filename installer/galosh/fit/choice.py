"""Which model to recommend here, out of those judged. Pure.

Quality first (parameters, a mixture of experts counted between its two numbers), among those
that fit now, speak the user's language, may be used for anything, and talk at reading speed
as far as that is known. Each rule gives way only when it leaves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from galosh.catalogue import Entry
from galosh.fit.budget import Verdict
from galosh.fit.speed import READING_WORDS_PER_SECOND, Rate

_FREE_LICENCES = ("apache-", "mit", "bsd", "cc0", "cc-by-4")


@dataclass(frozen=True)
class Candidate:
    """A catalogue entry as it would be on this PC. words: per second, in the user's language.

    estimated: memory comes from the size, no header was at hand.
    """

    entry: Entry
    size_bytes: int | None
    lasting_bytes: int | None
    verdict: Verdict | None
    words: Rate | None
    estimated: bool
    on_disk: bool = False


def ordered(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Smallest first."""
    return tuple(sorted(candidates, key=lambda one: (strength(one.entry), one.entry.id)))


def best(candidates: Sequence[Candidate], language: str) -> Candidate | None:
    """The one to recommend; None when none fits now."""
    left = [one for one in candidates if one.verdict and one.verdict.kind == "fits"]
    rules: tuple[Callable[[Candidate], bool], ...] = (
        lambda one: language in one.entry.languages,
        lambda one: one.words is None or one.words.mid >= READING_WORDS_PER_SECOND,
        lambda one: is_free(one.entry.licence),
    )
    for rule in rules:
        left = [one for one in left if rule(one)] or left
    return max(left, key=lambda one: (strength(one.entry), one.entry.id), default=None)


def strength(entry: Entry) -> float:
    """Parameters; of a mixture of experts the mean between all and those used at a time."""
    total = entry.parameters_total or 0
    return math.sqrt(total * (entry.parameters_active or total))


def is_free(licence: str) -> bool:
    """Whether a licence lets everybody use the model for anything."""
    return licence.lower().startswith(_FREE_LICENCES)
