"""Who goes first, and how much of a batch each answer may read. Pure.

Owns the order among answers: the quick prompt before the rest, then short rests that fit
into one batch, then whoever came first. While anybody writes, what is read at a time stays
so small that the words keep coming.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# A step in which somebody waits for his next word should take no longer than this.
_STEP_SECONDS = 0.15
_LEAST_TOKENS = 16
_FIRST_TOKENS = 32
# Products and attention are computed in tiles of up to so many tokens.
_TILE_TOKENS = 64
# How much a new measurement of the speed counts.
_WEIGHT = 0.3


class Claim(NamedTuple):
    """An answer that wants a place: its priority, when it came, what it has still to read."""

    priority: int
    arrival: int
    tokens: int


def order(claims: Sequence[Claim], batch_tokens: int) -> list[int]:
    """The claims' numbers, in the order in which they may read."""

    def key(number: int) -> tuple[int, bool, int]:
        claim = claims[number]
        return -claim.priority, claim.tokens > batch_tokens, claim.arrival

    return sorted(range(len(claims)), key=key)


def deal(claims: Sequence[Claim], room: int, batch_tokens: int) -> list[int]:
    """How many tokens each claim may read now, `room` together."""
    shares = [0] * len(claims)
    for number in order(claims, batch_tokens):
        shares[number] = _even(claims[number].tokens, room)
        room -= shares[number]
    return shares


def _even(tokens: int, room: int) -> int:
    """How many of `tokens` to read now: no last part of a few, each of which costs twice as
    much as one of many."""
    if tokens <= room or room < 1:
        return min(tokens, room)
    parts = -(-tokens // room)
    tiles = -(-tokens // (parts * _TILE_TOKENS))
    return min(room, tiles * _TILE_TOKENS)


def last(claims: Sequence[Claim]) -> int:
    """The number of the claim that has to wait first: the least urgent, then the youngest."""
    return min(range(len(claims)), key=lambda n: (claims[n].priority, -claims[n].arrival))


class ReadingPace:
    """How many tokens can be read while others write, by the speed seen so far."""

    def __init__(self) -> None:
        self._token_seconds: float | None = None

    def note(self, seconds: float, tokens: int) -> None:
        """A step that read `tokens` took so long."""
        mean = seconds / tokens
        before = self._token_seconds
        self._token_seconds = mean if before is None else before + _WEIGHT * (mean - before)

    def beside_writers(self, batch_tokens: int) -> int:
        """The most tokens to read in a step beside somebody who writes."""
        if self._token_seconds is None:
            return min(_FIRST_TOKENS, batch_tokens)
        wanted = int(_STEP_SECONDS / max(self._token_seconds, 1e-6))
        return max(1, min(batch_tokens, max(_LEAST_TOKENS, wanted)))
