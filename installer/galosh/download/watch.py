"""Looks after a running download a few times a second: wishes of the user, sleep, stalls,
slow links, the number of links, and what is told about all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.download.schedule import Adaptive
from galosh.download.speed import Speed, eta_seconds
from galosh.download.state import Progress, State, Wait

if TYPE_CHECKING:
    from galosh.download.conduct import Conductor
    from galosh.download.puller import Puller

_FILES_SECONDS = 1.0  # how often the user's wishes on disk are looked at
_TOUCH_SECONDS = 5.0


class Watch:
    """Belongs to one run; called by the main thread only."""

    def __init__(self, conductor: Conductor) -> None:
        self.conductor = conductor
        self.adaptive: Adaptive | None = None
        limits, clock = conductor.limits, conductor.clock
        self._speed = Speed(limits.speed_window_seconds)
        self._last = (clock.monotonic_seconds(), clock.wall_seconds())
        self._files_at = -1.0
        self._touch_at = -1.0
        self._reported_at = -1.0
        self._told: tuple[State, str] = (State.NEW, "")
        self._stuck_mark = (clock.monotonic_seconds(), 0)
        self._links: dict[int, tuple[float, int]] = {}

    def tick(self) -> None:
        """One round. Raises GaloshError for a stop, a pause or a cancel."""
        job = self.conductor.job
        now = job.now()
        self._wishes(now)
        self._sleep(now)
        received = job.received_bytes
        self._speed.add(now, received)
        self._slow_links(now)
        self._stuck(now, received)
        self._count_links(now, received)
        self.conductor.share_holds()
        self.conductor.spawn()
        self.report()

    def report(self, *, force: bool = False) -> None:
        """Tell the follower, at most every tick."""
        follow, job = self.conductor.order.follow, self.conductor.job
        now = job.now()
        if not force and now - self._reported_at < self.conductor.limits.tick_seconds:
            return
        self._reported_at = now
        wait = self._wait(now)
        state = wait.state if wait is not None else self.conductor.state
        told = (state, wait.cause if wait is not None else "")
        if told != self._told and not force:
            self._told = told
            self.conductor.keeper.note_state(state, wait)
        if follow is not None:
            follow(self._progress(state, wait))

    def _progress(self, state: State, wait: Wait | None) -> Progress:
        conductor, job = self.conductor, self.conductor.job
        kept = conductor.keeper.ledger.kept_bytes
        size = job.plan.size_bytes
        speed = self._speed.per_second() if job.schedule is not None or job.may_pour else 0.0
        left = None if size is None else size - kept
        with job.cond:
            links = sum(1 for puller in job.pullers if puller.streaming)
        return Progress(
            state, kept, size, speed, eta_seconds(left, speed), links, wait,
            received_bytes=job.received_bytes, refetched_bytes=job.refetched_bytes,
            verified_bytes=conductor.hasher.hashed_bytes, resumable=job.whole is None,
            notice=conductor.notice or ("download-no-resume" if job.whole is not None else None),
        )  # fmt: skip

    def _wait(self, now: float) -> Wait | None:
        """The wait to show: only if every link waits, and the one that ends first."""
        job = self.conductor.job
        with job.cond:
            if not job.waits or any(puller.streaming for puller in job.pullers):
                return None
            wait, until = min(job.waits.values(), key=lambda pair: pair[1])
            return Wait(wait.cause, max(0.0, until - now), wait.facts)

    def _wishes(self, now: float) -> None:
        conductor = self.conductor
        order, folder, layer = conductor.order, conductor.folder, conductor.layer
        code = None
        if order.stop is not None and order.stop.is_set():
            code = "download-stopped"
        elif now - self._files_at >= _FILES_SECONDS:
            self._files_at = now
            if layer.stat(folder.cancelled) is not None:
                code = "download-cancelled"
            elif layer.stat(folder.paused) is not None:
                code = "download-paused"
        if code is not None:
            raise GaloshError(code, **conductor.job.error_facts({}))
        if now - self._touch_at >= _TOUCH_SECONDS:
            self._touch_at = now
            conductor.held.touch()

    def _sleep(self, now: float) -> None:
        """After a sleep every socket is half dead: drop them at once."""
        clock, limit = self.conductor.clock, self.conductor.limits.sleep_jump_seconds
        wall = clock.wall_seconds()
        steady, wall_step = now - self._last[0], wall - self._last[1]
        self._last = (now, wall)
        if steady > limit or wall_step - steady > limit:
            self.conductor.job.drop_links()
            self._stuck_mark = (now, self.conductor.job.received_bytes)
            self._links.clear()

    def _slow_links(self, now: float) -> None:
        """A link that drips is replaced, unless all of them drip."""
        job, limits = self.conductor.job, self.conductor.limits
        slow: list[Puller] = []
        fast = 0
        with job.cond:
            pullers = list(job.pullers)
        for puller in pullers:
            mark = self._links.get(id(puller))
            if mark is None or not puller.streaming:
                self._links[id(puller)] = (now, puller.received)
                continue
            age = now - mark[0]
            rate = (puller.received - mark[1]) / age if age > 0 else 0.0
            if age > 0.5:
                puller.usual_speed = rate
                if puller.lease is not None:
                    puller.lease.speed = rate
            if age >= limits.slow_seconds:
                self._links[id(puller)] = (now, puller.received)
                if rate < limits.slow_bytes_per_second:
                    slow.append(puller)
                else:
                    fast += 1
        if slow and (fast or len(slow) == len(pullers)):
            for puller in slow:
                puller.cut()

    def _stuck(self, now: float, received: int) -> None:
        """Two minutes without a chunk's worth of bytes: new links, names and redirects."""
        job, limits = self.conductor.job, self.conductor.limits
        since, before = self._stuck_mark
        enough = received - before >= self.conductor.keeper.stored.chunk_bytes
        if enough or job.schedule is None or job.schedule.all_done:
            self._stuck_mark = (now, received)
        elif now - since >= limits.stuck_seconds:
            self._stuck_mark = (now, received)
            job.drop_links()

    def _count_links(self, now: float, received: int) -> None:
        job, adaptive = self.conductor.job, self.adaptive
        if job.schedule is not None and job.schedule.all_done and job.compare is None:
            job.wanted = 0
            return
        if adaptive is None or job.whole is not None or job.compare is not None:
            job.wanted = 1
            return
        with job.cond:
            active = sum(1 for puller in job.pullers if puller.streaming)
            waiting = len(job.waits)
        if waiting:
            adaptive.narrow(now)
        else:
            adaptive.observe(now, received, active)
        job.wanted = adaptive.count
