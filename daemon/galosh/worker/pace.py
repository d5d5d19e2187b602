"""How many threads to compute with, as the PC gets busy and quiet again. Pure.

Threads that wait for each other by spinning do well on a quiet PC and collapse when another
program takes one of their cores: on two cores with two busy loops 13 tokens/s instead of 87,
where one thread alone still gave 36 to 51. The sign of it is measured, not guessed: the
process gets less processor time than its threads ask for. Then fewer threads are tried, and
kept only if they are faster; more are tried again from time to time. A trial ends at its
first bad step, so that looking costs next to nothing.
"""

from __future__ import annotations

_CROWDED_SHARE = 0.85
_BETTER = 0.95
_HOPELESS = 1.5
_LONG_SECONDS = 0.3


class Pace:
    """Chooses among `most` threads, half of them, and so on down to one.

    window: steps (tokens, or batches) over which a speed is judged; fewer where they are
    slow. pause: after how many steps another number is tried again, the first time and,
    where trials keep failing, at the latest.
    """

    def __init__(self, most: int, window: int, pause: tuple[int, int]) -> None:
        self._counts = [most]
        while self._counts[-1] > 1:
            self._counts.append(self._counts[-1] // 2)
        self._window = window
        self._at = 0
        self._home: int | None = None  # where a trial goes back to
        self._home_seconds = 0.0
        self._first_pause, self._longest_pause = pause
        self._pause = {-1: self._first_pause, 1: self._first_pause}
        self._since = {-1: 0, 1: 0}
        self._clear()

    @property
    def threads(self) -> int:
        """The number to compute with now."""
        return self._counts[self._at]

    @property
    def on_trial(self) -> bool:
        """Whether this number of threads is only being looked at."""
        return self._home is not None

    def note(self, wall_seconds: float, cpu_seconds: float, amount: int = 1) -> None:
        """Tell of one step: what it took, and how many tokens it was."""
        if len(self._counts) == 1 or amount < 1:
            return
        self._steps += 1
        self._tokens += amount
        self._wall_seconds += wall_seconds
        self._cpu_seconds += cpu_seconds
        mean = self._wall_seconds / self._tokens
        if self._home is not None:
            hopeless = wall_seconds / amount > self._home_seconds * _HOPELESS
            if hopeless or self._window_is_full():
                self._end_trial(self._home, mean, hopeless)
        elif self._window_is_full():
            self._consider(mean)

    def join(self, other: Pace) -> None:
        """Take over what `other` has found out about the PC, where both have the choice."""
        if self.threads != other.threads and other.threads in self._counts:
            self._at = self._counts.index(other.threads)
            self._home = None
            self._clear()

    def _window_is_full(self) -> bool:
        return self._steps >= self._window or self._wall_seconds >= _LONG_SECONDS

    def _consider(self, mean: float) -> None:
        asked_seconds = self._wall_seconds * self.threads
        crowded = self._cpu_seconds < asked_seconds * _CROWDED_SHARE
        self._since[-1] += self._steps
        self._since[1] += self._steps
        if crowded and self._at + 1 < len(self._counts) and self._due(1):
            self._begin_trial(1, mean)
        elif self._at > 0 and self._due(-1):
            self._begin_trial(-1, mean)
        self._clear()

    def _due(self, direction: int) -> bool:
        # The first look at fewer threads does not wait: a crowd hurts at once.
        first = direction == 1 and self._pause[1] == self._first_pause
        return first or self._since[direction] >= self._pause[direction]

    def _begin_trial(self, direction: int, mean: float) -> None:
        self._home, self._home_seconds = self._at, mean
        self._at += direction

    def _end_trial(self, home: int, mean: float, hopeless: bool) -> None:
        direction = self._at - home
        self._since[direction] = 0
        if not hopeless and mean < self._home_seconds * _BETTER:
            self._pause = {-1: self._first_pause, 1: self._first_pause}
        else:
            self._pause[direction] = min(2 * self._pause[direction], self._longest_pause)
            self._at = home
        self._home = None
        self._clear()

    def _clear(self) -> None:
        self._steps = self._tokens = 0
        self._wall_seconds = self._cpu_seconds = 0.0
