"""Grammar rules for numbers between limits, digit by digit. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# JSON readers keep integers exact up to 2**53; no longer one is written.
MAX_DIGITS = 16
_EXACT_DIGITS = 15
_LARGEST = 10**MAX_DIGITS - 1


@dataclass(frozen=True)
class Limits:
    """Between which numbers; `low_open` and `high_open` shut the limit itself out."""

    low: float | int | None
    low_open: bool
    high: float | int | None
    high_open: bool

    @classmethod
    def read(cls, schema: Mapping[str, Any]) -> Limits | None:
        """From `minimum`, `exclusiveMinimum`, `maximum`, `exclusiveMaximum`; None without."""
        low, low_open = schema.get("minimum"), False
        above = schema.get("exclusiveMinimum")
        if above is not None and (low is None or above >= low):
            low, low_open = above, True
        high, high_open = schema.get("maximum"), False
        below = schema.get("exclusiveMaximum")
        if below is not None and (high is None or below <= high):
            high, high_open = below, True
        return None if low is None and high is None else cls(low, low_open, high, high_open)

    @property
    def are_whole(self) -> bool:
        """Whether the limits themselves are integers."""
        return all(limit is None or limit % 1 == 0 for limit in (self.low, self.high))


def integers(limits: Limits) -> str | None:
    """The rule of the integers within `limits`; None where there are none."""
    low = -_LARGEST if limits.low is None else math.ceil(limits.low)
    high = _LARGEST if limits.high is None else math.floor(limits.high)
    if limits.low_open and low == limits.low:
        low += 1
    if limits.high_open and high == limits.high:
        high -= 1
    low, high = max(low, -_LARGEST), min(high, _LARGEST)
    return _span(low, high)


def _span(low: int, high: int) -> str | None:
    parts = []
    if low < 0:
        parts.append(f'"-" ({_natural(max(1, -high), -low)})')
    if high >= 0:
        parts.append(_natural(max(0, low), high))
    return " | ".join(parts) if low <= high else None


def numbers(limits: Limits) -> str | None:
    """The rule of the decimal numbers within whole `limits`; None where there are none."""
    given = [abs(int(limit)) for limit in (limits.low, limits.high) if limit is not None]
    # As many as a reader's float keeps apart from a limit.
    places = max(1, _EXACT_DIGITS - len(str(max(given, default=0))))
    low = -_LARGEST if limits.low is None else max(int(limits.low), -_LARGEST)
    high = _LARGEST if limits.high is None else min(int(limits.high), _LARGEST)
    parts = []
    if low < 0:
        upper = (-low, limits.low_open)
        lower = (-high, limits.high_open) if high < 0 else (0, True)
        below = _decimals(lower, upper, places)
        parts += [f'"-" ({below})'] if below else []
    if high >= 0:
        lower = (low, limits.low_open) if low >= 0 else (0, False)
        above = _decimals(lower, (high, limits.high_open), places)
        parts += [above] if above else []
    return " | ".join(parts) if parts else None


def _decimals(lower: tuple[int, bool], upper: tuple[int, bool], places: int) -> str | None:
    """Decimals of so many places from `lower` to `upper`, both not negative, each with
    whether it is open."""
    (low, low_open), (high, high_open) = lower, upper
    parts = []
    if low < high:
        start = low
        if low_open:
            # Just above the limit: a fraction that is not nothing.
            half = places // 2
            parts.append(f'"{low}." "0"{{0,{half}}} [1-9] [0-9]{{0,{places - 1 - half}}}')
            start += 1
        if start < high:
            parts.append(f'({_natural(start, high - 1)}) ("." [0-9]{{1,{places}}})?')
    if low <= high and not high_open and not (low == high and low_open):
        parts.append(f'"{high}" ("." "0"{{1,{places}}})?')
    return " | ".join(parts) if parts else None


def _natural(low: int, high: int) -> str:
    """The numbers from `low` to `high`, 0 <= low <= high, without leading zeros."""
    parts = []
    for size in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (size - 1) if size > 1 else 0)
        last = min(high, 10**size - 1)
        parts.append(_same_length(str(first), str(last)))
    return " | ".join(parts)


def _same_length(low: str, high: str) -> str:
    """The digit strings from `low` to `high`, all of one length."""
    rest = len(low) - 1
    if not rest:
        return _digit(low, high)
    zeros, nines = "0" * rest, "9" * rest
    if low[0] == high[0]:
        return f'"{low[0]}" ({_same_length(low[1:], high[1:])})'
    parts = []
    first, last = int(low[0]), int(high[0])
    if low[1:] != zeros:
        parts.append(f'"{first}" ({_same_length(low[1:], nines)})')
        first += 1
    if high[1:] != nines:
        parts.append(f'"{last}" ({_same_length(zeros, high[1:])})')
        last -= 1
    if first <= last:
        parts.append(f"{_digit(str(first), str(last))} [0-9]{{{rest}}}")
    return " | ".join(parts)


def _digit(low: str, high: str) -> str:
    return f'"{low}"' if low == high else f"[{low}-{high}]"
