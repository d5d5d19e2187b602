"""Guesses how an answer goes on by what was said before, and stops where that does not pay. Pure.

Owns the guesses of one answer. What follows the last words elsewhere in the prompt or in
the answer itself is proposed; the model checks several tokens in one step, which costs more
than a step of one and far less than as many steps. How much more, and how often a guess
holds, is learned as it goes. Guesses are paid out of what they have earned: an answer that
gives them no chance loses a token's time and a hundredth at most.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Collection, Sequence

# How long a match is compared back, and how many places of one pair of tokens are looked at.
_LONGEST = 12
_PLACES = 16
# After a word was replaced, the text goes on a little further on.
_SKIP = 8
_PAIR_SHIFT = 32
# By the length of the match: 1, 2, 3-4, 5-8, more. Chances before anything was seen.
_CHANCES = (0.4, 0.3, 0.5, 0.75, 0.9)
_PRIOR_WEIGHT = 3.0
_MEMORY = 24.0
_RELAXED = 0.004
_FIRST_ROW_COST = 0.35
# How many steps are remembered, and after how many without a guess the cost is doubted.
_STEPS = 9
_FORGET_STEPS = 24
# In steps of one token.
_START_CREDIT = 1.0
_EARNED = 0.01
_MOST_CREDIT = 12.0
_LEAST_GAIN = 1.03


class Drafter:
    """See the module."""

    def __init__(self, tokens: Sequence[int], row_cost: RowCost | None = None) -> None:
        """`tokens` is what was said so far: the prompt, and what was written. `row_cost` is
        what answers before this one have learned."""
        self._tokens: list[int] = []
        # The last place after each pair of tokens, and before it the places before.
        self._last: dict[int, int] = {}
        self._before = array("i")
        self._source: int | None = None
        self._strength = 0
        self._chances = [Chance(chance) for chance in _CHANCES]
        self._guessed_by = self._chances[0]
        self._purse = Purse(row_cost or RowCost())
        for token in tokens:
            self._append(token)
        if self._tokens:
            self._find(None)

    def propose(self, most: int) -> list[int]:
        """The tokens that may come next: 0 to `most` of them."""
        if self._source is None:
            return []
        self._guessed_by = self._chances[_kind(self._strength)]
        limit = min(most, len(self._tokens) - self._source)
        count = self._purse.best_length(limit, self._guessed_by)
        return self._tokens[self._source : self._source + count]

    def add(self, token: int) -> None:
        """A token was taken into the answer."""
        source = self._source
        self._append(token)
        if source is not None and self._tokens[source] == token:
            self._source = source + 1
            self._strength += 1
        else:
            self._find(source)

    def note_plain(self, step_seconds: float, steps: int) -> None:
        """So many steps in a row without guesses took so long each."""
        self._purse.note_plain(step_seconds, steps)
        for chance in self._chances:
            chance.relax(steps)

    def note(self, proposed: int, accepted: int, step_seconds: float) -> None:
        """A step that checked `proposed` tokens and took `accepted` of them took so long."""
        if self._purse.note(proposed, accepted, step_seconds):
            self._guessed_by.note(proposed, accepted)

    def _append(self, token: int) -> None:
        tokens = self._tokens
        tokens.append(token)
        place = len(tokens)
        if place < 2:
            self._before.append(0)
            return
        pair = tokens[-2] << _PAIR_SHIFT | token
        self._before.append(self._last.get(pair, 0))
        self._last[pair] = place

    def _find(self, old: int | None) -> None:
        """Look for the longest match of what was said last; `old` is what was followed."""
        tokens, end = self._tokens, len(self._tokens)
        best, best_key = None, (1, False, 0)
        place = self._before[end - 1]
        for _ in range(_PLACES):
            if place == 0:
                break
            near = old is not None and 0 <= place - old < _LONGEST
            key = (self._match(place), near, place)
            if key > best_key:
                best, best_key = place, key
            place = self._before[place - 1]
        if best is None and old is not None:
            skipped = tokens[old : min(old + _SKIP, end - 1)]
            if tokens[-1] in skipped:
                best = old + skipped.index(tokens[-1]) + 1
        self._source, self._strength = best, best_key[0]

    def _match(self, place: int) -> int:
        """How many of the last tokens are those before `place`, too."""
        tokens, end = self._tokens, len(self._tokens)
        length = 2
        while (
            length < min(_LONGEST, place) and tokens[place - 1 - length] == tokens[end - 1 - length]
        ):
            length += 1
        return length


class RowCost:
    """What a guessed token costs, in steps of one token: a property of model and PC, so it
    outlives an answer. By the quicker of the last steps, since what other programs do to a
    step only ever makes it longer."""

    def __init__(
        self, first: float = _FIRST_ROW_COST, most: float = 1.0, *, doubts: bool = True
    ) -> None:
        """What it is taken for until it is measured, and the most it can be. doubts: whether
        it is forgotten bit by bit while nobody guesses."""
        self._first = first
        self._most = most
        self._doubts = doubts
        self._guesses: deque[tuple[int, float]] = deque(maxlen=_STEPS)
        self._steps: deque[float] = deque(maxlen=_STEPS)
        self._plain = 0
        self.value = self.fair = first
        self.step_seconds: float | None = None

    def note_plain(self, step_seconds: float, steps: int = 1) -> None:
        """So many steps in a row without guesses took so long each."""
        self._steps.append(step_seconds)
        self.step_seconds = _quick(self._steps)
        self._plain += steps
        if self._plain >= _FORGET_STEPS:
            self._plain -= _FORGET_STEPS
            if self._doubts and self._guesses:
                self._guesses.popleft()  # nobody guesses while it is thought dear: try again
        self._weigh()

    def note(self, proposed: int, step_seconds: float) -> bool:
        """A step with guesses took so long; False where there is nothing to compare it with."""
        if not self.step_seconds:
            return False
        self._plain = 0
        self._guesses.append((proposed, step_seconds))
        self._weigh()
        return True

    def _weigh(self) -> None:
        step = self.step_seconds or math.inf
        costs = [(seconds / step - 1) / proposed for proposed, seconds in self._guesses]
        costs.append(self._first)
        self.value = min(self._most, max(0.0, _quick(costs)))
        self.fair = min(self._most, max(0.0, _middle(costs)))


class Purse:
    """What a guess may cost: paid out of what guesses have earned, in steps of one token."""

    def __init__(self, row_cost: RowCost) -> None:
        self._row_cost = row_cost
        self._credit = _START_CREDIT

    @property
    def knows_steps(self) -> bool:
        """Whether a step without guesses was seen."""
        return self._row_cost.step_seconds is not None

    def note_plain(self, step_seconds: float, steps: int = 1) -> None:
        """So many steps in a row without guesses took so long each."""
        self._credit = min(_MOST_CREDIT, self._credit + steps * _EARNED)
        self._row_cost.note_plain(step_seconds, steps)

    def note(self, proposed: int, accepted: int, step_seconds: float) -> bool:
        """A step with guesses took so long; False where there is nothing to compare it with."""
        if not self._row_cost.note(proposed, step_seconds):
            return False
        gain = accepted - self._row_cost.fair * proposed
        self._credit = min(_MOST_CREDIT, self._credit + gain)
        return True

    def best_length(self, limit: int, chance: Chance) -> int:
        """How many tokens to guess, `limit` at most; 0: none pays."""
        if not self.knows_steps:
            return 0
        best, best_gain = 0, _LEAST_GAIN
        expected, hold = 1.0, 1.0
        for count in range(1, limit + 1):
            hold *= chance.value
            expected += hold
            cost = self._row_cost.value * count
            if cost > self._credit:
                break
            gain = expected / (1 + cost)
            if gain > best_gain:
                best, best_gain = count, gain
        return best


class Chance:
    """How often one more token of a guess holds."""

    def __init__(self, first: float) -> None:
        self._first = first
        self._tried = _PRIOR_WEIGHT
        self._held = first * _PRIOR_WEIGHT

    @property
    def value(self) -> float:
        """Between 0 and 1."""
        return self._held / self._tried

    def relax(self, steps: int) -> None:
        """Time goes by: what was hopeless may be worth another try."""
        kept = (1 - _RELAXED) ** steps
        self._held += (1 - kept) * (self._first * self._tried - self._held)

    def note(self, proposed: int, accepted: int) -> None:
        """Of so many guessed tokens so many held, up to the first that did not."""
        self._held += accepted
        self._tried += accepted + (accepted < proposed)
        if self._tried > _MEMORY:
            self._held *= _MEMORY / self._tried
            self._tried = _MEMORY


def _kind(strength: int) -> int:
    return (strength > 1) + (strength > 2) + (strength > 4) + (strength > 8)


def _middle(values: Collection[float]) -> float:
    """The median; `statistics` takes milliseconds of every start to import."""
    ordered = sorted(values)
    return (ordered[len(ordered) // 2] + ordered[~(len(ordered) // 2)]) / 2


def _quick(values: Collection[float]) -> float:
    """The value that a third of them do not reach."""
    return sorted(values)[len(values) // 3]
