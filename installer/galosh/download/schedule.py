"""Which link fetches which chunks next. Pure; its owner holds a lock around every call.

- Lowest free chunk first, in ranges of 16-64 MiB, inside a window beyond the first gap.
- End-game: when nothing is free, the largest remainder is split at a chunk edge; a single
  last chunk on a slow link is raced by a second link, and the first complete copy counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from galosh.download.limits import Limits

_FREE, _LEASED, _DONE = 0, 1, 2


@dataclass
class Lease:
    """Chunks [at, end) still to be fetched by one link; `at` is the one under way.

    race: the chunk belongs to another lease too. revoked: somebody else completed it.
    speed: bytes per second of the link (None: not known yet), for the end-game.
    """

    at: int
    end: int
    race: bool = False
    revoked: bool = False
    speed: float | None = None

    @property
    def left(self) -> int:
        """Chunks not complete yet."""
        return 0 if self.revoked else max(0, self.end - self.at)


class Schedule:
    """The state of every chunk of one file of known size."""

    def __init__(self, size_bytes: int, chunk_bytes: int, limits: Limits) -> None:
        self.size_bytes = size_bytes
        self.chunk_bytes = chunk_bytes
        self.limits = limits
        self.count = -(-size_bytes // chunk_bytes)
        self._cells = bytearray(self.count)
        self._first_gap = 0
        self._left = self.count
        self._leases: list[Lease] = []

    @property
    def all_done(self) -> bool:
        """True if no chunk is missing."""
        return self._left == 0

    @property
    def first_gap(self) -> int:
        """The first chunk that is not done (`count` if none)."""
        while self._first_gap < self.count and self._cells[self._first_gap] == _DONE:
            self._first_gap += 1
        return self._first_gap

    def is_done(self, chunk: int) -> bool:
        """True if `chunk` is complete."""
        return self._cells[chunk] == _DONE

    def span(self, chunk: int) -> tuple[int, int]:
        """(first byte, length) of a chunk."""
        start = chunk * self.chunk_bytes
        return start, min(self.chunk_bytes, self.size_bytes - start)

    def mark_done(self, chunk: int) -> None:
        """The chunk is complete, whoever brought it."""
        if self._cells[chunk] != _DONE:
            self._cells[chunk] = _DONE
            self._left -= 1

    def mark_missing(self, chunk: int) -> None:
        """The chunk does not count any more (damage, repair)."""
        if self._cells[chunk] == _DONE:
            self._left += 1
            self._first_gap = min(self._first_gap, chunk)
        self._cells[chunk] = _FREE

    def take(self, speed: float = 0.0) -> Lease | None:
        """A lease for an idle link, or None if there is nothing for it now.

        speed: bytes per second one link reaches, to size the range.
        """
        lease = self._next_range(speed) or self._split(speed) or self._race()
        if lease is not None:
            self._leases.append(lease)
        return lease

    def take_rest(self) -> Lease:
        """One lease over the whole file: for a server that ignores Range."""
        lease = Lease(0, self.count)
        for chunk in range(self.count):
            if self._cells[chunk] == _FREE:
                self._cells[chunk] = _LEASED
        self._leases.append(lease)
        return lease

    def complete(self, lease: Lease) -> bool:
        """`lease.at` has been fetched; False if another link was first (drop the copy).

        On True the caller records the chunk and then calls `mark_done`.
        """
        if lease.revoked or lease.at >= lease.end:
            return False
        if self._cells[lease.at] == _DONE:
            return False
        for other in self._leases:
            if other is not lease and other.at == lease.at and other.left:
                other.revoked = True
        return True

    def release(self, lease: Lease) -> None:
        """The link gives the lease up; what is not complete is free again."""
        if lease in self._leases:
            self._leases.remove(lease)
        held = {chunk for other in self._leases for chunk in range(other.at, other.end)}
        for chunk in range(lease.at, lease.end):
            if self._cells[chunk] == _LEASED and chunk not in held:
                self._cells[chunk] = _FREE

    def _next_range(self, speed: float) -> Lease | None:
        size = self.chunk_bytes
        start = self._cells.find(_FREE, self.first_gap)
        if start < 0 or (start - self.first_gap) * size >= self.limits.window_bytes:
            return None
        wish = int(speed * self.limits.range_goal_seconds)
        wish = max(self.limits.range_min_bytes, min(self.limits.range_max_bytes, wish))
        limit = min(self.count, start + max(1, wish // size))
        end = start
        while end < limit and self._cells[end] == _FREE:
            self._cells[end] = _LEASED
            end += 1
        return Lease(start, end)

    def _split(self, speed: float) -> Lease | None:
        """Half of what is left of the lease that would take longest.

        Only if it takes long enough: what the line has already brought of the half that
        is taken away is lost.
        """
        best: Lease | None = None
        longest = self.limits.split_seconds
        for lease in self._leases:
            pace = lease.speed if lease.speed is not None else speed
            if lease.race or lease.left < 3 or (lease.speed is None and not speed):
                continue
            seconds = lease.left * self.chunk_bytes / max(pace, 1.0)
            if seconds > longest:
                best, longest = lease, seconds
        if best is None:
            return None
        middle = best.at + 1 + best.left // 2
        part = Lease(middle, best.end)
        best.end = middle
        return part

    def _race(self) -> Lease | None:
        """A second copy of the last chunk of a link far slower than the others."""
        speeds = sorted(lease.speed for lease in self._leases if lease.speed is not None)
        if len(speeds) < 2:
            return None
        median = speeds[len(speeds) // 2]
        raced = {lease.at for lease in self._leases if lease.race}
        for lease in self._leases:
            slow = lease.speed is not None and lease.speed < median * self.limits.race_share
            if lease.left and slow and not lease.race and lease.at not in raced:
                return Lease(lease.at, lease.at + 1, race=True)
        return None


class Adaptive:
    """How many links to use: one more as long as it pays. Pure: the time is passed in.

    Starts with one, doubles while each step raises the speed enough, then steps back to the
    last count that paid and tries again now and then.
    """

    def __init__(self, most: int, limits: Limits, now_seconds: float) -> None:
        self._most = max(1, most)
        self._limits = limits
        self._count = 1
        self._before: tuple[int, float] | None = None  # (count, speed) of the last step
        self._mark: tuple[float, int] | None = None
        self._next_rise = now_seconds

    @property
    def count(self) -> int:
        """Links wanted now."""
        return self._count

    def narrow(self, now_seconds: float) -> None:
        """Trouble (429, a lost network, a slow disk): one link until things are well."""
        self._count = 1
        self._before = None
        self._mark = None
        self._next_rise = now_seconds + self._limits.adapt_seconds

    def observe(self, now_seconds: float, received_bytes: int, active: int) -> None:
        """`received_bytes` in all have come by now over `active` working links."""
        if self._mark is None or active < self._count:
            self._mark = (now_seconds, received_bytes)
            return
        since, before = self._mark
        if now_seconds - since < self._limits.adapt_seconds:
            return
        self._mark = None
        self._judge((received_bytes - before) / (now_seconds - since), now_seconds)

    def _judge(self, speed: float, now_seconds: float) -> None:
        if self._before is not None:
            count, earlier = self._before
            self._before = None
            if speed < earlier * (1 + self._limits.adapt_gain):
                self._count = count
                self._next_rise = now_seconds + self._limits.adapt_again_seconds
                return
        if self._count < self._most and speed > 0 and now_seconds >= self._next_rise:
            self._before = (self._count, speed)
            self._count = min(self._most, self._count * 2)
