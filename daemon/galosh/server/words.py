"""One piece of an answer as every dialect gets it: text, thought, chances. Pure.

The worker is not trusted with shapes: what is no token with its chance is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from galosh.server.tools import Call
from galosh.supervisor.request import TextPiece

# What OpenAI writes for a chance too small to tell.
_LEAST = -9999.0


@dataclass(frozen=True)
class Chance:
    """One token and the logarithm of its probability."""

    text: str
    logprob: float

    @property
    def utf8(self) -> list[int] | None:
        """The bytes of its text; None where it is a part of a character."""
        return None if "\N{REPLACEMENT CHARACTER}" in self.text else list(self.text.encode())


@dataclass(frozen=True)
class Entry:
    """A token that was taken, and the likeliest ones at its place."""

    taken: Chance
    top: tuple[Chance, ...] = ()


@dataclass(frozen=True)
class Words:
    """A piece of an answer, or all of it. thought: what the model says to itself before it
    answers. entries: the tokens it is made of, where they were asked for. calls: functions
    that the client is to run, each whole."""

    text: str = ""
    thought: str = ""
    entries: tuple[Entry, ...] = ()
    calls: tuple[Call, ...] = ()


def words_of(piece: TextPiece) -> Words:
    """What the supervisor handed on."""
    if piece.logprobs is None:
        return Words(piece.text)
    return Words(piece.text, entries=entries_of(piece.logprobs))


def joined(pieces: Iterable[Words]) -> Words:
    """Several pieces as one."""
    found = list(pieces)
    return Words(
        "".join(words.text for words in found),
        "".join(words.thought for words in found),
        tuple(entry for words in found for entry in words.entries),
        tuple(call for words in found for call in words.calls),
    )


def entries_of(value: object) -> tuple[Entry, ...]:
    """The entries in what the worker sent."""
    found = []
    for item in value if isinstance(value, list) else ():
        taken = _chance(item)
        if taken is not None and isinstance(item, Mapping):
            top = item.get("top")
            others = [_chance(other) for other in top] if isinstance(top, list) else []
            found.append(Entry(taken, tuple(other for other in others if other is not None)))
    return tuple(found)


def _chance(item: object) -> Chance | None:
    if not isinstance(item, Mapping):
        return None
    text, value = item.get("text"), item.get("logprob")
    if not isinstance(text, str) or not isinstance(value, (int, float)):
        return None
    return Chance(text, max(_LEAST, float(value)) if math.isfinite(value) else _LEAST)
