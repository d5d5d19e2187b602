"""How many threads to compute with, as the PC gets busy and quiet again. Pure.

Threads that wait for each other by spinning do well on a quiet PC and collapse when another
program takes one of their cores: on two cores with two busy loops 13 tokens/s instead of 87,
where one thread alone still gave 36 to 51. The sign of it is measured, not guessed: the
process gets less processor time than its threads ask for. Then fewer threads are tried, and
kept unless they are slower. More are tried again as soon as cores are seen idle; while none
is, or where the system does not tell, from time to time. A trial of more ends at its first slow
step, so that looking costs next to nothing; one of fewer goes on, since beside other programs
a single step is long or short by chance. As fast with fewer is better: the rest is the desktop's.
"""

from __future__ import annotations

_CROWDED_SHARE = 0.85
_BETTER = 0.95
_SLOWER = 1.15
_LONG_SECONDS = 0.3
# A window that is so many times slower than the one before, and without its cores, began in
# better times: its mean is of both, and says too little about now. The next step does.
_CHANGED = 1.3
# A step so many times as long as usual, and without its cores, is no window's middle.
_ALARMING = 3.0
_IDLE_CORES = 0.5
# Pauses, in first ones, between looks at fewer threads while there are not the cores for all.
_STARVED_PAUSES = 4


class Pace:
    """Chooses among `most` threads, half of them, and so on down to one.

    window: steps (tokens, or batches) over which a speed is judged; fewer where they are
    slow. pause: after how many steps another number is tried again, the first time and,
    where trials keep failing, at the latest.
    """

    def __init__(self, most: int, window: int, pause: tuple[int, int]) -> None:
        self._counts = _counts(most)
        self._window = window
        self._at = 0
        self._home: int | None = None  # where a trial goes back to
        self._home_seconds = 0.0
        self._starved = False
        self._looking = False  # the next step is judged alone
        self._changing = False
        self._usual_seconds: float | None = None  # of a token, with the present number
        self._first_pause, self._longest_pause = pause
        self._pause = {-1: self._first_pause, 1: self._first_pause}
        self._since = {-1: 0, 1: 0}
        self._idle_cores: float | None = None
        self._clear()

    @property
    def threads(self) -> int:
        """The number to compute with now."""
        return self._counts[self._at]

    @property
    def on_trial(self) -> bool:
        """Whether this number of threads is only being looked at: step by step."""
        return self._home is not None or self._looking

    @property
    def has_more(self) -> bool:
        """Whether it computes with fewer threads than it may, and not for a look only."""
        return self._at > 0 and self._home is None

    def see_idle_cores(self, cores: float) -> None:
        """Tell how many cores nobody used lately."""
        if self._idle_cores is not None and cores >= _IDLE_CORES > self._idle_cores:
            self._pause[-1] = self._first_pause  # what failed on a busy PC proves nothing now
        self._idle_cores = cores

    def note(
        self, wall_seconds: float, cpu_seconds: float, amount: int = 1, steps: int = 1
    ) -> None:
        """Tell of one step, or some: what they took, and how many tokens they were."""
        if len(self._counts) == 1 or amount < 1:
            return
        self._steps += steps
        self._tokens += amount
        self._wall_seconds += wall_seconds
        self._cpu_seconds += cpu_seconds
        mean = self._wall_seconds / self._tokens
        if self._home is not None:
            slower = self._at < self._home and wall_seconds / amount > self._home_seconds * _SLOWER
            if slower or self._window_is_full():
                self._end_trial(self._home, mean, slower)
        elif self._looking:
            self._looking = False
            self._consider(mean)
        elif self._is_alarming(wall_seconds, cpu_seconds, amount):
            self._look()
        elif self._window_is_full():
            if self._has_changed(mean) and self._is_crowded(self._wall_seconds, self._cpu_seconds):
                self._look()
            else:
                self._consider(mean)

    def join(self, other: Pace) -> None:
        """Take over what `other` has found out about the PC, where both have the choice."""
        if self.threads != other.threads and other.threads in self._counts:
            self._at = self._counts.index(other.threads)
            self._home = self._usual_seconds = None
            self._looking = False
            self._clear()

    def _window_is_full(self) -> bool:
        return self._steps >= self._window or self._wall_seconds >= _LONG_SECONDS

    def _has_changed(self, mean: float) -> bool:
        return self._usual_seconds is not None and mean > self._usual_seconds * _CHANGED

    def _is_crowded(self, wall_seconds: float, cpu_seconds: float) -> bool:
        """Whether the threads got less of the processor than they asked for."""
        return cpu_seconds < wall_seconds * self.threads * _CROWDED_SHARE

    def _look(self) -> None:
        self._looking = True
        self._clear()

    def _is_alarming(self, wall_seconds: float, cpu_seconds: float, amount: int) -> bool:
        """Whether one step alone tells that the cores are gone: a window of such steps would
        take as long as twenty tokens."""
        usual = self._usual_seconds
        if usual is None or wall_seconds / amount < usual * _ALARMING:
            return False
        return self._is_crowded(wall_seconds, cpu_seconds)

    def _consider(self, mean: float) -> None:
        self._changing = self._has_changed(mean)
        self._usual_seconds = mean
        got_cores = self._cpu_seconds / self._wall_seconds if self._wall_seconds else 0.0
        crowded = self._is_crowded(self._wall_seconds, self._cpu_seconds)
        self._starved = round(got_cores) < self.threads
        self._since[-1] += self._steps
        self._since[1] += self._steps
        if crowded and self._at + 1 < len(self._counts) and self._fewer_are_due():
            self._begin_trial(self._fewer(got_cores), mean)
        elif self._at > 0 and self._more_are_due():
            self._begin_trial(self._more(), mean)
        self._clear()

    def _fewer_are_due(self) -> bool:
        # The first look at fewer threads does not wait: a crowd hurts at once. Nor does one at
        # a crowd that is new: what failed before proves nothing now.
        first = self._pause[1] == self._first_pause
        return first or self._changing or self._since[1] >= self._pause[1]

    def _more_are_due(self) -> bool:
        if self._idle_cores is None or self._idle_cores >= _IDLE_CORES:
            return self._since[-1] >= self._pause[-1]
        return self._since[-1] >= self._longest_pause

    def _fewer(self, got_cores: float) -> int:
        """As many as there are cores to be had; the next lower number if that was tried."""
        at = self._at + 1
        if self._pause[1] == self._first_pause:
            while at + 1 < len(self._counts) and self._counts[at] > max(1, round(got_cores)):
                at += 1
        return at

    def _more(self) -> int:
        """One for each idle core, and at least the next higher number."""
        at, room = self._at - 1, self.threads + round(self._idle_cores or 0.0)
        while at > 0 and self._counts[at - 1] <= room:
            at -= 1
        return at

    def _begin_trial(self, at: int, mean: float) -> None:
        self._home, self._home_seconds = self._at, mean
        self._at = at

    def _end_trial(self, home: int, mean: float, slower: bool) -> None:
        direction = 1 if self._at > home else -1
        self._since[direction] = 0
        if not slower and mean < self._home_seconds * (_BETTER if direction < 0 else 1.0):
            self._pause = {-1: self._first_pause, 1: self._first_pause}
            self._usual_seconds = mean
            if direction > 0 and self._idle_cores is not None:
                self._idle_cores = 0.0  # what was seen idle was so before the crowd came
        else:
            self._at = home
            if direction < 0 or not self._changing:  # else one step is all that it was held against
                self._wait_longer(direction)
        self._home = None
        self._clear()

    def _wait_longer(self, direction: int) -> None:
        most = self._longest_pause
        if direction > 0 and self._starved:
            most = min(most, _STARVED_PAUSES * self._first_pause)
        self._pause[direction] = min(2 * self._pause[direction], most)

    def _clear(self) -> None:
        self._steps = self._tokens = 0
        self._wall_seconds = self._cpu_seconds = 0.0


def _counts(most: int) -> list[int]:
    """Thread counts worth trying, most first: one less, three quarters, halves of it."""
    found = {most, 1}
    half = most
    while half > 1:
        found |= {half, half * 3 // 4}
        half //= 2
    if most > 2:
        found.add(most - 1)
    return sorted(found - {0}, reverse=True)
