"""Answers this PC has given, and what they say about its forecasts. Pure.

The ratio of a real speed to the calculated one, its median over many answers, pulled towards
1 while there are few: one odd run must not move anything. Runs beside other answers, with
drafts that were taken over, or on a busy PC say nothing about the calculation.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from galosh.fit.measured import Circumstances
from galosh.fit.speed import Rate

_LEAST_READ = 32
_LEAST_WRITTEN = 16
# So many runs weigh as much as the calculation itself: of this model, of others.
_OWN_WEIGHT, _OTHERS_WEIGHT = 1.0, 4.0
_OWN_LEAST = 2  # with so many of its own, a model counts as measured here
_NARROWEST = 0.06  # a record is never so even that it promises more


@dataclass(frozen=True)
class Run:
    """One answer. prompt_tokens: the whole prompt, of which `cached_tokens` were not read
    anew. together: answers at the same time. load: other programs that were running."""

    identity: str
    circumstances: Circumstances
    prompt_tokens: int
    cached_tokens: int
    prefill_seconds: float
    completion_tokens: int
    decode_seconds: float
    at: float = 0.0
    load: float | None = None
    together: int = 1
    drafted_tokens: int = 0
    expected_prefill_seconds: float | None = None
    expected_decode_seconds: float | None = None

    @property
    def read_tokens(self) -> int:
        """Tokens of the prompt that were really read."""
        return max(0, self.prompt_tokens - self.cached_tokens)

    @property
    def is_plain(self) -> bool:
        """Whether it ran by itself on a quiet PC."""
        quiet = self.load is None or self.load <= 0.5
        return quiet and self.together <= 1

    @property
    def prefill_ratio(self) -> float | None:
        """Real speed of reading against the calculated one; None where that says nothing."""
        long_enough = self.read_tokens >= _LEAST_READ
        return self._ratio(self.expected_prefill_seconds, self.prefill_seconds, long_enough)

    @property
    def decode_ratio(self) -> float | None:
        """Real speed of writing against the calculated one; None where that says nothing."""
        long_enough = self.completion_tokens >= _LEAST_WRITTEN and not self.drafted_tokens
        return self._ratio(self.expected_decode_seconds, self.decode_seconds, long_enough)

    @property
    def prefill_rate(self) -> float | None:
        """Tokens read per second; None where there were too few."""
        enough = self.read_tokens >= _LEAST_READ and self.prefill_seconds > 0
        return self.read_tokens / self.prefill_seconds if enough else None

    @property
    def decode_rate(self) -> float | None:
        """Tokens written per second; None where there were too few."""
        enough = self.completion_tokens >= _LEAST_WRITTEN and self.decode_seconds > 0
        return self.completion_tokens / self.decode_seconds if enough else None

    def _ratio(self, expected: float | None, real: float, long_enough: bool) -> float | None:
        if not (self.is_plain and long_enough and expected and real > 0):
            return None
        return expected / real

    def expecting(self, prefill_seconds: float, decode_seconds: float) -> Run:
        """The same beside what was calculated."""
        return replace(
            self,
            expected_prefill_seconds=prefill_seconds,
            expected_decode_seconds=decode_seconds,
        )


@dataclass(frozen=True)
class Correction:
    """A factor on calculated speeds, and the spread of this PC's own; own: from runs of the
    model itself."""

    factor: float = 1.0
    low: float | None = None
    high: float | None = None
    own: bool = False

    def rate(self, calculated: float, off: float) -> Rate:
        """The corrected speed as a range; `off`: how far a calculation may be off."""
        mid = calculated * self.factor
        low = mid * (1 - off) if self.low is None else min(mid, calculated * self.low)
        high = mid * (1 + off) if self.high is None else max(mid, calculated * self.high)
        return Rate(low, mid, high)


def correction(own: Sequence[float | None], others: Sequence[float | None]) -> Correction:
    """What ratios of the model's own runs and of other models' say together."""
    mine = [ratio for ratio in own if ratio]
    theirs = [ratio for ratio in others if ratio]
    base = _pulled(theirs, 0.0, _OTHERS_WEIGHT)
    if len(mine) < _OWN_LEAST:
        return Correction(math.exp(base))
    factor = math.exp(_pulled(mine, base, _OWN_WEIGHT))
    ordered = sorted(mine)
    tenth = len(ordered) // 10
    low = min(ordered[tenth], factor * (1 - _NARROWEST))
    high = max(ordered[-1 - tenth], factor * (1 + _NARROWEST))
    return Correction(factor, low, high, own=True)


def _pulled(ratios: Sequence[float], towards: float, weight: float) -> float:
    """The logarithm of the median, pulled towards a value that counts as `weight` runs."""
    if not ratios:
        return towards
    middle = math.log(statistics.median(ratios))
    return (len(ratios) * middle + weight * towards) / (len(ratios) + weight)


def own_rate(rates: Sequence[float | None]) -> Rate | None:
    """The speed that a model's own answers had; None while there are too few."""
    known = sorted(rate for rate in rates if rate)
    if len(known) < _OWN_LEAST:
        return None
    mid, tenth = statistics.median(known), len(known) // 10
    low, high = known[tenth], known[-1 - tenth]
    return Rate(min(low, mid * (1 - _NARROWEST)), mid, max(high, mid * (1 + _NARROWEST)))
