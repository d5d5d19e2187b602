"""How many threads one native context computes with, step by step.

Owns the thread counts of a context and the policy that changes them; `galosh.worker.pace`
is its pure part. Told of every batch right before and right after; must never touch what
the context remembers.
"""

from __future__ import annotations

import time
from typing import Any

from galosh.worker.pace import Pace

# How speed is judged: over how many steps, and when other thread counts are tried again.
_TOKEN_PACE = (4, (4, 128))
_BATCH_PACE = (1, (1, 16))
_TRIAL_BATCH_TOKENS = 32
_STALE_SECONDS = 10.0


class Threads:
    """The threads of one native context."""

    def __init__(
        self, lib: Any, context_pointer: Any, decode: int, batch: int, adaptive: bool
    ) -> None:
        self._lib = lib
        self._context = context_pointer
        self._adaptive = adaptive
        self.set(decode, batch)

    def set(self, decode: int, batch: int) -> None:
        """How many threads compute one token, and a batch of them, at most."""
        self._token = Pace(decode, *_TOKEN_PACE)
        self._batch = Pace(batch, *_BATCH_PACE)
        self._pace = self._token
        self._seen = 0.0
        self._apply()

    def before(self, tokens: int) -> None:
        """A batch of `tokens` is about to be computed."""
        if not self._adaptive:
            return
        pace = self._token if tokens == 1 else self._batch
        if pace is not self._pace:
            # Reading and writing tell each other how busy the PC is.
            pace.join(self._pace)
            self._pace = pace
        if (self._token.threads, self._batch.threads) != self._applied:
            self._apply()

    def note(self, wall_seconds: float, cpu_seconds: float, tokens: int) -> None:
        """A batch of `tokens` was computed, in this time."""
        self._seen = time.perf_counter()
        self._pace.note(wall_seconds, cpu_seconds, tokens)

    def next_batch_tokens(self, limit: int) -> int:
        """How many tokens of a prompt to compute next: few while a thread count is on trial,
        or when it was long ago that the PC was seen to be busy or quiet."""
        stale = time.perf_counter() - self._seen > _STALE_SECONDS
        small = self._adaptive and (stale or self._batch.on_trial)
        return min(_TRIAL_BATCH_TOKENS, limit) if small else limit

    def free(self) -> None:
        """The context is about to be freed."""

    def _apply(self) -> None:
        self._applied = self._token.threads, self._batch.threads
        self._lib.llama_set_n_threads(self._context, *self._applied)
