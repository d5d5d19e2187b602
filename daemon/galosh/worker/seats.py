"""Which answer sits at which sequence of the context, and what idle sequences remember.

Owns the seats: finding for a new answer the longest beginning that is held, shared or kept,
and what happens to a sequence whose answer has ended. The pool stays lean: what is kept
outside gives its cells back when somebody else sits down, since attention walks over all
cells in use. Never ends an answer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from galosh.worker.context import Context
from galosh.worker.generate import Answer
from galosh.worker.prefixes import MIN_TOKENS, Prefix, Prefixes, common_tokens

# So many tokens of a file are restored in the time one is read: measured 60 at the least. A
# state comes back whole, also for a beginning of it.
_RESTORED_PER_READ = 50


@dataclass(eq=False)
class Seat:
    """A sequence: who sits there, when it was last used, whether all it holds is kept
    outside, and whether that was tried."""

    sequence: int
    answer: Answer | None = None
    used: int = 0
    kept: bool = True
    tried: bool = True


class Seats:
    """See the module."""

    def __init__(self, context: Context, prefixes: Prefixes) -> None:
        self._context = context
        self._prefixes = prefixes
        self._seats = [Seat(number) for number in range(context.sequences)]
        self._clock = 0

    @property
    def any_free(self) -> bool:
        """Whether an answer could sit down."""
        return any(seat.answer is None for seat in self._seats)

    @property
    def unsettled(self) -> bool:
        """Whether an idle sequence holds something that could be kept outside."""
        return any(self._is_unkept(seat) and not seat.tried for seat in self._idle())

    def sit(self, answer: Answer, running: Sequence[Answer]) -> None:
        """Give an answer a sequence that holds as much of its beginning as is known."""
        limit = len(answer.tokens) - 1 if answer.options.reuse else 0
        idle, held = self._best_idle(answer.tokens, limit)
        other, shared = self._best_running(answer.tokens, limit, running)
        prefix, kept = self._prefixes.find(answer.tokens, limit)
        if prefix is not None and prefix.count > _RESTORED_PER_READ * (kept - max(held, shared)):
            prefix, kept = None, 0
        answer.shared = answer.restored_tokens = 0
        if held < max(shared, kept):
            idle = None
        # First: what is restored behind these cells would be continued in them, and attention
        # that sums in another order rounds otherwise.
        self._give_back_idle(idle)
        if idle is not None:
            seat = self._take_over(idle, held)
        else:
            seat = self._vacate()
            if other is not None and other.sequence is not None and shared >= kept:
                self._context.share(other.sequence, seat.sequence, shared)
                answer.shared = shared
            elif prefix is not None:
                answer.restored_tokens = self._restore(seat, prefix, kept)
        self._prefixes.stop_ahead()
        self._occupy(seat, answer)
        self._follow(answer, limit, running)

    def join_leader(self, answer: Answer, running: Sequence[Answer]) -> bool:
        """Share what the answer's leader has read by now; True: nothing to wait for."""
        if answer.leader is None or answer.sequence is None:
            return True
        leader, length = answer.leader
        if leader.sequence is None:
            # It ended or was paused; what it has read may be found elsewhere.
            self.leave(answer)
            self.sit(answer, running)
        elif len(self._context.held[leader.sequence]) >= length:
            self._context.share(leader.sequence, answer.sequence, length)
            answer.leader, answer.shared = None, length
            answer.cached_tokens = length
        return answer.leader is None

    def leave(self, answer: Answer, reset: bool = False) -> None:
        """The answer is over, or has to wait; what it held stays, unless `reset`."""
        for seat in self._seats:
            if seat.answer is answer:
                seat.answer, answer.sequence = None, None
                self._clock += 1
                seat.used = self._clock
                seat.kept = seat.tried = False
                if reset:
                    self._reset(seat)

    def keep(self, answer: Answer) -> None:
        """Keep what an answer holds now, outside the context."""
        for seat in self._seats:
            if seat.answer is answer:
                self._keep(seat)
                seat.kept = False  # it goes on

    def drop_idle(self) -> bool:
        """Give the cells of the idle sequence back that was not used for longest."""
        idle = [seat for seat in self._idle() if self._context.held[seat.sequence]]
        if not idle:
            return False
        self._clear(min(idle, key=lambda seat: seat.used))
        return True

    def settle(self, everybody: bool = False, deadline: float | None = None) -> None:
        """Keep outside what idle sequences hold (with `everybody`: all sequences), the last
        used first, until `deadline` (time.monotonic)."""
        for seat in sorted(self._seats, key=lambda seat: -seat.used):
            late = deadline is not None and time.monotonic() > deadline
            if (everybody or seat.answer is None) and self._is_unkept(seat) and not late:
                self._keep(seat)

    def _idle(self) -> list[Seat]:
        return [seat for seat in self._seats if seat.answer is None]

    def _is_unkept(self, seat: Seat) -> bool:
        wanted = seat.answer is None or seat.answer.options.reuse
        return wanted and not seat.kept and len(self._context.held[seat.sequence]) >= MIN_TOKENS

    def _best_idle(self, tokens: Sequence[int], limit: int) -> tuple[Seat | None, int]:
        best, most = None, 0
        for seat in self._idle():
            held = self._context.held[seat.sequence]
            common = common_tokens(held, tokens, limit)
            if common > most:
                oldest = self._context.oldest(seat.sequence)
                common = self._context.usable(oldest, len(held), common)
            if common > most:
                best, most = seat, common
        return best, most

    def _best_running(
        self, tokens: Sequence[int], limit: int, running: Sequence[Answer]
    ) -> tuple[Answer | None, int]:
        best, most = None, 0
        for other in running if self._context.can_share else ():
            if other.sequence is not None:
                held = self._context.held[other.sequence]
                common = common_tokens(held, tokens, limit)
                if common > most:
                    best, most = other, common
        return best, most

    def _take_over(self, idle: Seat, length: int) -> Seat:
        held = self._context.held[idle.sequence]
        if not idle.kept and len(held) - length >= MIN_TOKENS:
            # What follows would be lost: another sequence shares the beginning, else it is kept.
            empty = next((s for s in self._idle() if not self._context.held[s.sequence]), None)
            if empty is not None and self._context.can_share:
                self._context.share(idle.sequence, empty.sequence, length)
                return empty
            self._keep(idle)
        self._context.cut(idle.sequence, length)
        return idle

    def _vacate(self) -> Seat:
        """An empty sequence; the idle one used longest ago makes place."""
        held = self._context.held
        seat = min(self._idle(), key=lambda s: (bool(held[s.sequence]), not s.kept, s.used))
        self._clear(seat)
        return seat

    def _restore(self, seat: Seat, prefix: Prefix, length: int) -> int:
        """How many tokens of a kept prefix the sequence holds now."""
        state = self._prefixes.state(prefix)
        if state is None:
            return 0
        tokens = unpacked(prefix)
        while not self._context.restore(seat.sequence, tokens, state):
            if not self.drop_idle():
                return 0
        return length if self._context.cut(seat.sequence, length) else 0

    def _occupy(self, seat: Seat, answer: Answer) -> None:
        seat.answer, seat.kept, seat.tried = answer, False, False
        answer.sequence = seat.sequence
        if not answer.started:
            answer.cached_tokens = len(self._context.held[seat.sequence])

    def _follow(self, answer: Answer, limit: int, running: Sequence[Answer]) -> None:
        """Wait for an answer that is reading the same beginning right now."""
        answer.leader = None
        assert answer.sequence is not None
        most = len(self._context.held[answer.sequence]) + MIN_TOKENS
        for other in running if self._context.can_share else ():
            if other.sequence is None or other.priority < answer.priority or other.leader:
                continue
            common = common_tokens(other.tokens, answer.tokens, limit)
            if common > most and len(self._context.held[other.sequence]) < common:
                answer.leader, most = (other, common), common

    def _give_back_idle(self, needed: Seat | None) -> None:
        for seat in self._idle():
            # A few tokens would cost every other prompt the next 256 cells.
            few = len(self._context.held[seat.sequence]) < MIN_TOKENS
            if seat is not needed and (seat.kept or few):
                self._reset(seat)

    def _clear(self, seat: Seat) -> None:
        if self._is_unkept(seat):
            self._keep(seat)
        self._reset(seat)

    def _reset(self, seat: Seat) -> None:
        self._context.reset(seat.sequence)
        seat.kept = True

    def _keep(self, seat: Seat) -> None:
        tokens = self._context.held[seat.sequence]
        seat.tried = True
        seat.kept = len(tokens) < MIN_TOKENS or self._prefixes.holds(tokens)
        if seat.kept or not self._prefixes.takes(self._context.snapshot_bytes(seat.sequence)):
            return
        oldest = self._context.snapshot_oldest(seat.sequence)
        state = self._context.snapshot(seat.sequence)
        seat.kept = state is not None and self._prefixes.add(tokens, oldest, state)


def unpacked(prefix: Prefix) -> list[int]:
    """The tokens of a prefix."""
    return list(memoryview(prefix.tokens).cast("i"))
