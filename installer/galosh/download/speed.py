"""Speed and time left, from what arrived lately. Pure: the time is passed in."""

from __future__ import annotations

from collections import deque


class Speed:
    """Bytes per second over a short window; falls to zero when nothing arrives."""

    def __init__(self, window_seconds: float) -> None:
        self._window = window_seconds
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now_seconds: float, total_bytes: int) -> None:
        """`total_bytes` have arrived in all by `now_seconds`."""
        self._seen.append((now_seconds, total_bytes))
        # One sample older than the window stays: it is the window's left edge.
        while len(self._seen) > 2 and self._seen[1][0] <= now_seconds - self._window:
            self._seen.popleft()

    def per_second(self) -> float:
        """Bytes per second now."""
        if len(self._seen) < 2:
            return 0.0
        (start, first), (end, last) = self._seen[0], self._seen[-1]
        return max(0.0, (last - first) / (end - start)) if end > start else 0.0


class Throttle:
    """A cap on the bytes per second of all links together (token bucket)."""

    def __init__(self, bytes_per_second: int, now_seconds: float) -> None:
        self._rate = bytes_per_second
        self._ready_at = now_seconds

    def delay_seconds(self, moved_bytes: int, now_seconds: float) -> float:
        """Account for `moved_bytes`; seconds the mover should wait before it goes on."""
        if self._rate <= 0:
            return 0.0
        # A quarter second of credit at most: an idle minute is not spent in one burst.
        start = max(self._ready_at, now_seconds - 0.25)
        self._ready_at = start + moved_bytes / self._rate
        return max(0.0, self._ready_at - now_seconds)


def eta_seconds(left_bytes: int | None, bytes_per_second: float) -> float | None:
    """Time left at this speed; None if it cannot be told."""
    if left_bytes is None or bytes_per_second < 1.0:
        return None
    return left_bytes / bytes_per_second
