"""How many threads one native context computes with, step by step.

Owns the thread counts of a context, its pool and the policy that changes the counts;
`galosh.worker.pace` is its pure part. Told of every batch right before and right after; must
never touch what the context remembers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from galosh.worker.idle import idle_seconds
from galosh.worker.pace import Pace
from galosh.worker.pool import Pool

# How speed is judged: over how many steps, and when other thread counts are tried again.
_WRITING_PACE = (4, (4, 128))
_BATCH_PACE = (1, (1, 16))
# A batch of no more is written, not read: tokens of answers side by side, or a guess.
_FEW_TOKENS = 8
_TRIAL_BATCH_TOKENS = 32
_STALE_SECONDS = 10.0
# The system counts idle time in steps of 10 ms; over less than this it says nothing.
_IDLE_WINDOW_SECONDS = 0.06


class Threads:
    """The threads of one native context."""

    def __init__(
        self, lib: Any, context_pointer: Any, decode: int, batch: int, adaptive: bool,
        idle: Callable[[], float | None] = idle_seconds,
    ) -> None:  # fmt: skip
        self._lib = lib
        self._context = context_pointer
        self._adaptive = adaptive
        self._idle = idle
        self._pool = Pool(lib, context_pointer)
        self.set(decode, batch)

    def set(self, decode: int, batch: int) -> None:
        """How many threads compute one token, and a batch of them, at most."""
        self._pool.serve(max(decode, batch))
        self._token = Pace(decode, *_WRITING_PACE)
        self._few = Pace(batch, *_WRITING_PACE)
        self._batch = Pace(batch, *_BATCH_PACE)
        self._several = self._batch  # what the native count of batches was last set for
        self._pace = self._token
        self._seen = 0.0
        self._idle_seen: tuple[float, float] | None = None
        self._apply()

    def before(self, tokens: int) -> None:
        """A batch of `tokens` is about to be computed."""
        if not self._adaptive:
            return
        pace = self._token
        if tokens > 1:
            pace = self._several = self._few if tokens <= _FEW_TOKENS else self._batch
        if pace is not self._pace:
            # Reading and writing tell each other how busy the PC is.
            pace.join(self._pace)
            self._pace = pace
            self._idle_seen = None
        if (self._token.threads, self._several.threads) != self._applied:
            self._apply()

    def note(self, wall_seconds: float, cpu_seconds: float, tokens: int, steps: int = 1) -> None:
        """`tokens` in so many batches of one size were computed, in this time."""
        self._seen = time.perf_counter()
        if self._adaptive:
            self._look_for_idle_cores()
            self._pace.note(wall_seconds, cpu_seconds, tokens, steps)

    @property
    def on_trial(self) -> bool:
        """Whether a number of threads is only being looked at, step by step."""
        return self._pace.on_trial

    def next_batch_tokens(self, limit: int) -> int:
        """How many tokens of a prompt to compute next: few while a thread count is on trial,
        or when it was long ago that the PC was seen to be busy or quiet."""
        stale = time.perf_counter() - self._seen > _STALE_SECONDS
        small = self._adaptive and (stale or self._batch.on_trial)
        return min(_TRIAL_BATCH_TOKENS, limit) if small else limit

    def free(self) -> None:
        """The context is about to be freed."""
        self._pool.free()

    def _apply(self) -> None:
        self._applied = self._token.threads, self._several.threads
        self._idle_seen = None
        self._lib.llama_set_n_threads(self._context, *self._applied)

    def _look_for_idle_cores(self) -> None:
        """Tell the pace how many cores nobody used, where it could use more of them."""
        if not self._pace.has_more:
            return
        now, before = self._seen, self._idle_seen
        if before is not None and now - before[0] < _IDLE_WINDOW_SECONDS:
            return
        idle = self._idle()
        if idle is None:
            return
        self._idle_seen = now, idle
        if before is not None and now - before[0] < 1.0:  # else it was idle between answers
            self._pace.see_idle_cores((idle - before[1]) / (now - before[0]))
