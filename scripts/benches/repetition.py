"""How much a text repeats itself. Pure.

A model that raves says the same passage again and again. Two numbers tell: of all passages of
four words, how many are different; and how long the longest passage is that comes twice.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

_PASSAGE = 4
# Human prose of this length stays above 0.95 and below 6 words; lists and rhymes come lower.
_LEAST_DISTINCT, _MOST_AGAIN = 0.6, 0.3
_TOO_SHORT, _NO_MATTER = 12, 6


@dataclass(frozen=True)
class Repetition:
    """words: how many the text has. distinct: different passages over all. longest: words of
    the longest passage that comes again (it may overlap itself)."""

    words: int
    distinct: float
    longest: int

    @property
    def raves(self) -> bool:
        """Whether a reader would call it raving."""
        if self.words < _TOO_SHORT:
            return False
        return self.distinct < _LEAST_DISTINCT or self.longest > max(
            _NO_MATTER, _MOST_AGAIN * self.words
        )


def measure(text: str) -> Repetition:
    """The repetition in a text."""
    words = re.findall(r"\w+", text.lower())
    passages = [tuple(words[at : at + _PASSAGE]) for at in range(len(words) - _PASSAGE + 1)]
    distinct = len(set(passages)) / len(passages) if passages else 1.0
    return Repetition(len(words), distinct, _longest(words))


def _longest(words: list[str]) -> int:
    """The longest common beginning of two suffixes that are neighbours in order."""
    suffixes = sorted(range(len(words)), key=lambda at: words[at:])
    best = 0
    for one, other in itertools.pairwise(suffixes):
        length = 0
        for left, right in zip(words[one:], words[other:], strict=False):
            if left != right:
                break
            length += 1
        best = max(best, length)
    return best
