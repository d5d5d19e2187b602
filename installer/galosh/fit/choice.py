"""Which model to recommend here, out of those judged. Pure.

Quality first, among those that fit now, speak the user's language, talk at reading speed as
far as that is known, leave room for a conversation, and may be used for anything. Quality is
the catalogue's own first choice, then parameters (a mixture of experts counted between its
two numbers). Each rule gives way only when it leaves nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from galosh.catalogue import Entry
from galosh.fit.budget import Verdict
from galosh.fit.speed import READING_WORDS_PER_SECOND, Rate

_FREE_LICENCES = ("apache-", "mit", "bsd", "cc0", "cc-by-4")
# A shorter conversation than this is no default.
TALK_TOKENS = 4096


@dataclass(frozen=True)
class Candidate:
    """A catalogue entry as it would be on this PC. words: per second, in the user's language.

    estimated: memory comes from the size, no header was at hand. context_tokens, cache_type:
    the best settings that fit, or the wanted ones when none do. first_word_seconds: from a
    question of some pages to the answer's first word.
    """

    entry: Entry
    size_bytes: int | None
    lasting_bytes: int | None
    verdict: Verdict | None
    words: Rate | None
    estimated: bool
    on_disk: bool = False
    context_tokens: int = 0
    cache_type: str = "f16"
    first_word_seconds: float | None = None

    @property
    def kind(self) -> str:
        """The verdict's kind; `unknown` without one."""
        return self.verdict.kind if self.verdict else "unknown"


def ordered(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Smallest first."""
    return tuple(sorted(candidates, key=lambda one: (strength(one.entry), one.entry.id)))


def best(candidates: Sequence[Candidate], language: str) -> Candidate | None:
    """The one to recommend; None when none fits now."""
    left = [one for one in candidates if one.kind == "fits" and _is_there(one)]
    for rule in _rules(language):
        left = [one for one in left if rule(one)] or left
    return max(left, key=lambda one: (strength(one.entry), one.entry.id), default=None)


def worth_showing(candidates: Sequence[Candidate], language: str) -> tuple[Candidate, ...]:
    """Best first: as `best` would choose, were those before it not there."""
    rules = _rules(language)

    def rank(one: Candidate) -> tuple[object, ...]:
        return (*(rule(one) for rule in rules), strength(one.entry), one.entry.id)

    return tuple(sorted(candidates, key=rank, reverse=True))


def would_win(candidate: Candidate, candidates: Sequence[Candidate], language: str) -> bool:
    """Whether it would be the one to recommend if it turned out to fit."""
    if candidate.verdict is None:
        return False
    fits = dataclasses.replace(candidate.verdict, kind="fits")
    hoped = dataclasses.replace(candidate, verdict=fits, context_tokens=0)
    others = [hoped if one is candidate else one for one in candidates]
    return best(others, language) is hoped


def _rules(language: str) -> tuple[Callable[[Candidate], bool], ...]:
    return (
        lambda one: language in one.entry.languages,
        lambda one: one.words is None or one.words.mid >= READING_WORDS_PER_SECOND,
        lambda one: not 0 < one.context_tokens < TALK_TOKENS,
        lambda one: is_free(one.entry.licence),
        lambda one: one.entry.default,
    )


def _is_there(one: Candidate) -> bool:
    return one.on_disk or not one.entry.gone


def strength(entry: Entry) -> float:
    """Parameters; of a mixture of experts the mean between all and those used at a time."""
    total = entry.parameters_total or 0
    return math.sqrt(total * (entry.parameters_active or total))


def is_free(licence: str) -> bool:
    """Whether a licence lets everybody use the model for anything."""
    return licence.lower().startswith(_FREE_LICENCES)
