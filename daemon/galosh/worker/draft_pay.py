"""Whether guesses of a small model pay, and how long they should be. Pure.

What a guess costs (the small model's steps, and the rows the large one checks) and how often
it holds is only known once it was tried, so a few guesses are made whatever is expected of
them; then they go on, or rest until the next trial. What was learned is kept from answer to
answer: it is about the two models and the PC, not about the text.
"""

from __future__ import annotations

from galosh.worker.draft import Chance, Purse, RowCost

_FIRST_CHANCE = 0.7
_FIRST_ROW_COST = 0.5
# A small model that takes longer than this for a token is not small.
_MOST_ROW_COST = 3.0
_TRIAL_GUESSES = 3
_TRIAL_TOKENS = 2
_STEPS_BETWEEN_TRIALS = 1024


class DraftPay:
    """See the module."""

    def __init__(self) -> None:
        self._purse = Purse(RowCost(_FIRST_ROW_COST, _MOST_ROW_COST, doubts=False))
        self._chance = Chance(_FIRST_CHANCE)
        self._trials = _TRIAL_GUESSES
        self._plain_steps = 0

    def length(self, most: int) -> int:
        """How many tokens to guess, `most` at most; 0: none."""
        if self._trials > 0 and self._purse.knows_steps:
            return min(most, _TRIAL_TOKENS)
        return self._purse.best_length(most, self._chance)

    def note(self, proposed: int, accepted: int, step_seconds: float) -> None:
        """A step that checked `proposed` guesses and took `accepted`, guessing included."""
        self._trials = max(0, self._trials - 1)
        self._plain_steps = 0
        if self._purse.note(proposed, accepted, step_seconds):
            self._chance.note(proposed, accepted)

    def note_plain(self, step_seconds: float, steps: int) -> None:
        """So many steps in a row without guesses took so long each."""
        self._purse.note_plain(step_seconds, steps)
        self._plain_steps += steps
        if self._plain_steps >= _STEPS_BETWEEN_TRIALS:
            self._plain_steps, self._trials = 0, 1
