"""What the threads of one running download share, behind one lock (`cond`).

Owns the decisions' inputs (schedule, supply, waits, counters) and the ways a thread may
change them. The threads are `puller` (links), `hasher`, `flusher`; `conduct` starts and ends
them. Nothing here reads a socket.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.download.journal import Flag, Reason
from galosh.download.keeper import Keeper
from galosh.download.limits import Limits
from galosh.download.link import Routes, SessionFactory
from galosh.download.plan import Plan
from galosh.download.schedule import Lease, Schedule
from galosh.download.speed import Throttle
from galosh.download.state import Wait
from galosh.download.supply import Supply

if TYPE_CHECKING:
    from galosh.download.puller import Puller

_CHUNKS_PER_BELL = 4  # waking a thread costs more than it saves for every single one


class RemoteChangedError(Exception):
    """An unpinned remote file is another one now: forget all chunks and start again."""


class Job:
    """The shared state of one running download."""

    def __init__(
        self, plan: Plan, keeper: Keeper, limits: Limits, clock: Clock,
        factory: SessionFactory, max_rate_bytes: int,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.keeper = keeper
        self.limits = limits
        self.clock = clock
        self.factory = factory
        lock = threading.RLock()
        self.cond = threading.Condition(lock)
        # The hasher's own bell: a chunk rings for it alone, not for every thread.
        self.hash_bell = threading.Condition(lock)
        self.schedule: Schedule | None = None
        self.supply = Supply(plan, limits)
        self.routes = Routes()
        self.throttle = Throttle(max_rate_bytes, clock.monotonic_seconds())
        self.wanted = 1
        self.pullers: list[Puller] = []
        self.stopping = False
        self.epoch = 0  # rises when every link must let go of what it does
        self.whole: int | None = None  # the source to stream from the start
        self.failure: BaseException | None = None
        self.waits: dict[int, tuple[Wait, float]] = {}
        self.stored_chunks = 0
        self.refetched_bytes = 0
        self.etags: dict[int, str] = {}
        self.finished_pour = False
        self.rehash_from: int | None = None
        self.last_done_seconds = clock.monotonic_seconds()
        self.past_received = 0  # by pullers that are gone
        self.shared_hold: list[tuple[str, float]] = []
        self.learned = plan.size_bytes is not None
        self.may_pour = False  # no length to be had: stream on to the body's own end
        self.compare: int | None = None  # the source to compare everything with (repair)
        self.compared = False
        self.poured_bytes = 0
        self.poured_cleanly = False

    # Called by pullers.

    def next_lease(self, puller: Puller) -> Lease | None:
        """A lease, waiting for one if need be; None when the puller should end."""
        with self.cond:
            while not self.should_end(puller) and puller.number < self.wanted:
                schedule = self.schedule
                if schedule is not None:
                    lease = schedule.take(puller.usual_speed)
                    if lease is not None:
                        return lease
                self.cond.wait(self.limits.tick_seconds)
            return None

    def should_end(self, puller: Puller) -> bool:
        """True if this puller must let go now.

        One that is merely one too many first finishes its lease: what the line has
        already brought would be lost.
        """
        return self.stopping or self.failure is not None or puller.epoch != self.epoch

    def learn(self, index: int, size_bytes: int | None, etag: str | None) -> None:
        """The first reply said how long the file is (None: it did not)."""
        with self.cond:
            self.plan = replace(self.plan, size_bytes=size_bytes)
            self.supply.plan = self.plan
            self.may_pour = size_bytes is None
            self.learned = True
            if etag is not None:
                self.etags[index] = etag
            self.cond.notify_all()

    def release(self, lease: Lease) -> None:
        """See Schedule.release."""
        with self.cond:
            if self.schedule is not None:
                self.schedule.release(lease)
            self.cond.notify_all()

    def fail(self, error: BaseException) -> None:
        """End the download with this error; the first one counts."""
        with self.cond:
            if self.failure is None:
                self.failure = error
            self.cond.notify_all()
            self.hash_bell.notify_all()

    def fail_unless_source_left(self, position: int) -> None:
        """End the download if no source can serve `position`."""
        with self.cond:
            if self.supply.pick(position, self.now()) is None:
                code, facts = self.supply.verdict(position)
                self.fail(GaloshError(code, **self.error_facts(facts)))

    def error_facts(self, facts: Mapping[str, object]) -> dict[str, object]:
        """Facts every error of this download carries, and its own."""
        kept = self.keeper.ledger.kept_bytes
        about = {"file_name": self.plan.file_name, "origin": self.plan.to_json()["origin"]}
        return {**about, "kept_bytes": kept, "key": self.keeper.folder.key[:12], **facts}

    def pause_for(self, puller: Puller, wait: Wait) -> None:
        """Wait out `wait`, shown to the user; ends early when the puller should end."""
        until = self.now() + wait.next_try_seconds
        with self.cond:
            self.waits[puller.number] = (wait, until)
            self.cond.notify_all()
            while not self.should_end(puller):
                left = until - self.now()
                if left <= 0:
                    break
                self.cond.wait(min(left, self.limits.tick_seconds))
            self.waits.pop(puller.number, None)

    def changed(self, index: int, facts: Mapping[str, object]) -> None:
        """The remote file is not the planned one: next source, or start again if unpinned."""
        with self.cond:
            if self.plan.sha256 is None and self.plan.sources[index].member is None:
                self.fail(RemoteChangedError())
            else:
                self.supply.drop(index, "download-remote-changed", facts)

    def go_whole(self, position: int) -> None:
        """If only sources without Range are left, let go of all links and use one stream."""
        with self.cond:
            index = self.supply.must_be_whole(position)
            if index is not None and self.whole != index:
                self.whole = index
                self.epoch += 1
                self.cond.notify_all()

    def drop_links(self) -> None:
        """Every link ends at once and is made anew (sleep, change of network)."""
        with self.cond:
            pullers = list(self.pullers)
        self.routes.drop()
        for puller in pullers:
            puller.cut()

    def store(self, lease: Lease, data: memoryview, crc: int, session: int, flag: Flag) -> bool:
        """Record the complete chunk `lease.at`; False if another link was first.

        Raises OSError if the disk refuses; then nothing is recorded and it may be repeated.
        """
        with self.cond:
            assert self.schedule is not None
            if self.stopping or not self.schedule.complete(lease):
                return False
        chunk = lease.at
        self.keeper.store(chunk, data, crc, session, flag)
        with self.cond:
            self.schedule.mark_done(chunk)
            self.stored_chunks += 1
            self.last_done_seconds = self.now()
            complete = self.schedule.all_done
            if complete or self.stored_chunks % _CHUNKS_PER_BELL == 0:
                self.hash_bell.notify_all()
            if complete or self.keeper.unflushed_bytes >= self.limits.flush_bytes:
                self.cond.notify_all()
        return True

    def invalidate(self, chunks: list[int], reason: Reason) -> None:
        """Chunks turned out wrong: void them durably, then fetch them again."""
        self.keeper.invalidate(chunks, reason)
        with self.cond:
            assert self.schedule is not None
            for chunk in chunks:
                self.refetched_bytes += self.schedule.span(chunk)[1]
                self.schedule.mark_missing(chunk)
            if chunks:
                first = min(chunks)
                known = self.rehash_from
                self.rehash_from = first if known is None else min(known, first)
            self.cond.notify_all()
            self.hash_bell.notify_all()

    def wait_for_disk(self, puller: Puller, error: OSError) -> None:
        """The disk is full: keep everything, look again now and then."""
        free = self.keeper.layer.volume(self.keeper.stored.part)[0]
        facts = {
            "folder": str(self.keeper.stored.part.parent),
            "free_bytes": free,
            "reason": error.strerror,
        }
        # Its reply stays open, but nothing streams: the wait is what the user must see.
        puller.streaming = False
        self.pause_for(puller, Wait("download-disk-full", self.limits.disk_check_seconds, facts))
        puller.streaming = True

    def hold(self, index: int, cause: str, facts: Mapping[str, object], seconds: float) -> None:
        """A server asked to be left alone: all links and all processes obey."""
        host = self.plan.sources[index].host
        # A little later than asked, never sooner; not all at the same moment.
        seconds += random.random() * min(2.0, seconds * 0.1)  # noqa: S311 - not a secret
        with self.cond:
            self.supply.hold(host, cause, facts, self.now() + seconds)
            self.shared_hold.append((host, self.clock.wall_seconds() + seconds))
            self.cond.notify_all()

    def now(self) -> float:
        """Monotonic seconds."""
        return self.clock.monotonic_seconds()

    @property
    def received_bytes(self) -> int:
        """All body bytes that came in this run."""
        with self.cond:
            return self.past_received + sum(puller.received for puller in self.pullers)

    def join(self, seconds: float) -> None:
        """End all pullers and wait for them a little."""
        with self.cond:
            self.stopping = True
            self.cond.notify_all()
            self.hash_bell.notify_all()
            pullers = list(self.pullers)
        for puller in pullers:
            puller.cut()
        end = time.monotonic() + seconds
        for puller in pullers:
            puller.join(max(0.0, end - time.monotonic()))
