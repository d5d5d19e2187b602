"""The health of a plan's byte sources and which one serves a position now. Pure.

Sources are used in the plan's order. One that is held back (429), failing or struck out is
passed over while another covers the position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from galosh.download.limits import Limits
from galosh.download.plan import Plan

_FRUITLESS_BEFORE_NEXT = 3


@dataclass
class Health:
    """What is known of one source. dropped: the code that made it unusable."""

    strikes: int = 0
    fruitless: int = 0
    tls_failures: int = 0
    whole_only: bool = False
    served: bool = False
    dropped: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    held_until: float = 0.0
    hold_cause: str = ""


@dataclass(frozen=True)
class Choice:
    """A source for a position, and how long to wait before asking it."""

    index: int
    wait_seconds: float
    cause: str
    facts: Mapping[str, object]


class Supply:
    """Not thread-safe: its owner holds a lock around every call."""

    def __init__(self, plan: Plan, limits: Limits) -> None:
        self.plan = plan
        self.limits = limits
        self.health = [Health() for _ in plan.sources]

    def covers(self, index: int, position: int) -> bool:
        """True if the source has the byte at `position`."""
        start, end = self.coverage(index)
        return start <= position and (end is None or position < end)

    def coverage(self, index: int) -> tuple[int, int | None]:
        """[first, end) of the planned file's bytes that the source has."""
        source = self.plan.sources[index]
        if source.member is not None:
            return source.at, source.at + source.member[1]
        return source.at, self.plan.size_bytes

    def pick(self, position: int, now_seconds: float) -> Choice | None:
        """The source to ask for `position`; None if every one of them is unusable."""
        usable = [
            index
            for index, health in enumerate(self.health)
            if health.dropped is None and self.covers(index, position)
        ]
        if not usable:
            return None
        best = min(usable, key=lambda index: self._rank(index, now_seconds))
        health = self.health[best]
        wait = max(0.0, health.held_until - now_seconds)
        return Choice(best, wait, health.hold_cause, health.facts)

    def must_be_whole(self, position: int) -> int | None:
        """The source to stream from the start, if none that honours Range is left."""
        usable = [
            (index, health)
            for index, health in enumerate(self.health)
            if health.dropped is None and self.covers(index, position)
        ]
        if usable and all(health.whole_only for _, health in usable):
            return usable[0][0]
        return None

    def strike(self, index: int, cause: str, facts: Mapping[str, object]) -> bool:
        """A wrong reply; True if the source is out now."""
        health = self.health[index]
        health.strikes += 1
        if health.strikes >= self.limits.strikes_max:
            self.drop(index, cause, facts)
        return health.dropped is not None

    def drop(self, index: int, cause: str, facts: Mapping[str, object]) -> None:
        """The source cannot be used in this run."""
        self.health[index].dropped = cause
        self.health[index].facts = facts

    def hold(self, host: str, cause: str, facts: Mapping[str, object], until: float) -> None:
        """Leave every source on this host alone until then."""
        for source, health in zip(self.plan.sources, self.health, strict=True):
            if source.host == host and until > health.held_until:
                health.held_until = until
                health.hold_cause = cause
                health.facts = facts

    def good(self, index: int) -> None:
        """The source delivered what was asked."""
        health = self.health[index]
        health.strikes = health.fruitless = health.tls_failures = 0
        health.served = True

    def verdict(self, position: int) -> tuple[str, Mapping[str, object]]:
        """Why no source is left: the code and facts of the first one that counts."""
        for index, health in enumerate(self.health):
            if health.dropped is not None and self.covers(index, position):
                return health.dropped, health.facts
        return "download-plan-empty", {}

    def independent(self, used: set[int]) -> int | None:
        """A whole-file source that no byte came from yet, on another host than those used."""
        hosts = {self.plan.sources[index].host for index in used}
        for index, health in enumerate(self.health):
            source = self.plan.sources[index]
            whole = self.coverage(index)[0] == 0 and source.host not in hosts
            if whole and health.dropped is None and index not in used:
                return index
        return None

    def _rank(self, index: int, now_seconds: float) -> tuple[bool, bool, bool, int]:
        health = self.health[index]
        return (
            health.held_until > now_seconds,
            health.fruitless >= _FRUITLESS_BEFORE_NEXT,
            health.whole_only,
            index,
        )
