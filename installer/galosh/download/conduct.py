"""The writer of one download: starts the threads, watches them, tells the user, ends well.

Owns the order reserve - fetch - verify - repair - seal and everything that needs a clock:
sleep, stalls, slow links, the number of links, flush and lock. Reads no socket itself.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download import finish
from galosh.download.fence import Held
from galosh.download.folder import Folder, Stored, read_stored, write_problem, write_stored
from galosh.download.hasher import Flusher, Hasher
from galosh.download.holds import add_holds, read_holds
from galosh.download.job import Job, RemoteChangedError
from galosh.download.journal import Ledger
from galosh.download.keeper import FencedOutError, Keeper
from galosh.download.layer import FileLayer
from galosh.download.limits import Limits
from galosh.download.link import SessionFactory
from galosh.download.plan import Plan, public_url
from galosh.download.puller import Puller, short_hash
from galosh.download.receipt import Receipt
from galosh.download.schedule import Adaptive, Schedule
from galosh.download.space import is_remote
from galosh.download.state import Progress, State, Wait
from galosh.download.watch import Watch

Follow = Callable[[Progress], None]
_GENERATIONS_MAX = 3  # a file that changes more often cannot be fetched
# Ends that a restart goes on from by itself: no problem of the user's.
_PASSING = ("download-stopped", "download-paused", "download-cancelled")


@dataclass(frozen=True)
class Order:
    """Everything a fetch was called with."""

    plan: Plan
    target: Path
    paths: Paths
    connections: int
    max_rate_bytes: int
    follow: Follow | None
    stop: threading.Event | None
    clock: Clock
    layer: FileLayer
    factory: SessionFactory
    limits: Limits


class Conductor:
    """One run of one download, as the holder of its lock."""

    def __init__(self, order: Order, folder: Folder, held: Held) -> None:
        self.order = order
        self.folder = folder
        self.held = held
        self.limits = order.limits
        self.layer = order.layer
        self.clock = order.clock
        self.state = State.NEW
        self.notice: str | None = None
        self._generations = 0
        self.keeper = Keeper(order.layer, folder, self._prepare(), held)
        self.job = self._new_job(order.plan)
        self.hasher = Hasher(self.job)
        self.watch = Watch(self)

    def run(self) -> Receipt:
        """Fetch to the end. Raises GaloshError; everything fetched is kept."""
        try:
            self._open()
            while True:
                try:
                    return self._round()
                except RemoteChangedError:  # noqa: PERF203 - happens once, if ever
                    self._start_generation()
        except GaloshError as error:
            if error.code == "download-disk-broken" and not self.held.is_there():
                raise FencedOutError from error  # the other writer moved the files
            self._note_end(error)
            raise
        except OSError as error:
            if isinstance(error, FileNotFoundError) or not self.held.is_there():
                raise FencedOutError from error
            problem = finish.explain_disk(error, self.job)
            self._note_end(problem)
            raise problem from error
        finally:
            self._close()

    def attend(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready` (asked under the lock), looking after everything meanwhile.

        Raises what ended the download.
        """
        job = self.job
        self.watch.tick()
        while True:
            with job.cond:
                if job.failure is not None:
                    raise job.failure
                if ready():
                    return
                job.cond.wait_for(
                    lambda: job.failure is not None or ready(), self.limits.tick_seconds
                )
            self.watch.tick()

    def tell(self, state: State, wait: Wait | None = None) -> None:
        """A new state, for the user and for followers."""
        self.state = state
        with contextlib.suppress(OSError, FencedOutError):
            self.keeper.note_state(state, wait)
        self.watch.report(force=True)

    # Steps, in order.

    def _prepare(self) -> Stored:
        """The folder with its plan file, adopting what is there."""
        order, layer, folder = self.order, self.layer, self.folder
        stored = read_stored(layer, folder)
        if stored is None:
            part = folder.place_of_part(layer, order.target)
            size = self.limits.chunk_for(order.plan.size_bytes)
            wanted = Stored(order.plan, order.target, part, self._chunk_in_use(size))
        elif self._other_remote(stored.plan):
            wanted = replace(stored, plan=self._keep_size(stored.plan), target=order.target)
        else:
            known = stored.plan.size_bytes if order.plan.size_bytes is None else None
            plan = order.plan if known is None else replace(order.plan, size_bytes=known)
            wanted = replace(stored, plan=plan, target=order.target)
        for wish in (folder.paused, folder.cancelled, folder.problem):
            layer.remove(wish)
        if stored != wanted:
            write_stored(layer, folder, wanted)
        return wanted

    def _chunk_in_use(self, usual: int) -> int:
        """The chunk size of a journal whose plan file was lost."""
        ledger = Ledger()
        ledger.apply_all(self.layer.read_all(self.folder.journal) or b"")
        lengths = [entry.length for entry in ledger.chunks.values()]
        return max(lengths) if len(lengths) > 1 and max(lengths) >= 4096 else usual

    def _other_remote(self, known: Plan) -> bool:
        """Unpinned, and the new plan shows another file than the one under way."""
        plan = self.order.plan
        if plan.sha256 is not None or not plan.sources or not known.sources:
            return False
        pairs = (
            (plan.size_bytes, known.size_bytes),
            (plan.sources[0].etag, known.sources[0].etag),
        )
        return any(a is not None and b is not None and a != b for a, b in pairs)

    def _keep_size(self, known: Plan) -> Plan:
        self._changed_before = True
        return known

    _changed_before = False

    def _open(self) -> None:
        finish.take_back_target(self.layer, self.keeper, self.order.target)
        self.keeper.open()
        if self._changed_before:
            self._start_generation()
        self.tell(State.RESOLVING)
        holds = read_holds(self.layer, self.order.paths.downloads, self.clock.wall_seconds())
        for host, left in holds.items():
            until = self.job.now() + left
            self.job.supply.hold(host, "download-rate-held", {"host": host}, until)

    def _new_job(self, plan: Plan) -> Job:
        order = self.order
        known = self.keeper.stored.plan.size_bytes
        if plan.size_bytes is None and known is not None and not self._changed_before:
            plan = replace(plan, size_bytes=known)
        return Job(plan, self.keeper, self.limits, self.clock, order.factory, order.max_rate_bytes)

    def _round(self) -> Receipt:
        job = self.job
        if not job.learned:
            self.attend(lambda: job.learned)
            self._save_plan()
        if job.plan.size_bytes is None:
            self._pour()
        assert job.plan.size_bytes is not None
        self.tell(State.RESERVING)
        finish.make_room(self, job.plan.size_bytes)
        with job.cond:
            job.schedule = self._schedule(job.plan.size_bytes)
            job.last_done_seconds = job.now()
        self.watch.adaptive = self._adaptive()
        self.tell(State.FETCHING)
        self.hasher.start()
        flusher = Flusher(job)
        flusher.start()
        self.attend(lambda: job.schedule is not None and job.schedule.all_done)
        receipt = finish.verify_and_seal(self)
        flusher.join(self.limits.flush_seconds)
        return receipt

    def _pour(self) -> None:
        """No length is to be had: one stream to the body's own end."""
        job = self.job
        self.tell(State.FETCHING)
        self.attend(lambda: job.finished_pour)
        if not job.poured_cleanly and job.plan.sha256 is None and job.plan.expects != "gguf":
            raise GaloshError("download-length-unknown", **job.error_facts({}))
        with job.cond:
            job.learn(0, job.poured_bytes, None)
            job.epoch += 1
        self._save_plan()

    def _schedule(self, size_bytes: int) -> Schedule:
        keeper = self.keeper
        schedule = Schedule(size_bytes, keeper.stored.chunk_bytes, self.limits)
        for chunk, entry in list(keeper.ledger.chunks.items()):
            if chunk < schedule.count and entry.length == schedule.span(chunk)[1]:
                schedule.mark_done(chunk)
        return schedule

    def _adaptive(self) -> Adaptive:
        filesystem = self.layer.volume(self.keeper.stored.part)[2]
        most = 1 if is_remote(filesystem) else max(1, min(8, self.order.connections))
        return Adaptive(most, self.limits, self.job.now())

    def _save_plan(self) -> None:
        stored = replace(self.keeper.stored, plan=self.job.plan)
        write_stored(self.layer, self.folder, stored)
        self.keeper.stored = stored
        self.keeper.size_bytes = self.job.plan.size_bytes

    def _start_generation(self) -> None:
        """The unpinned remote file changed: void everything, ask anew how long it is."""
        self._end_threads()
        source = self.order.plan.sources[0]
        self._generations += 1
        if self._generations > _GENERATIONS_MAX:
            facts = {"host": source.host, "reason": f"{_GENERATIONS_MAX} times while it came"}
            raise GaloshError("download-remote-changed", **self.job.error_facts(facts))
        etag = None if source.etag is None else short_hash(source.etag)
        place = short_hash(f"{source.host} {public_url(source.url)}")
        self.keeper.new_generation(0, etag or 0, place)
        stated = self.order.plan if self._changed_before else None
        self._changed_before = False
        plan = stated or replace(
            self.order.plan, size_bytes=None,
            sources=tuple(replace(one, etag=None) for one in self.order.plan.sources),
        )  # fmt: skip
        self.job = Job(
            plan, self.keeper, self.limits, self.clock, self.order.factory,
            self.order.max_rate_bytes,
        )  # fmt: skip
        self._save_plan()
        self.hasher = Hasher(self.job)
        self.watch = Watch(self)
        self.notice = "download-started-over"

    def _end_threads(self) -> None:
        self.job.join(2.0)
        for thread in (self.hasher,):
            if thread.is_alive():
                thread.join(5.0)

    def _note_end(self, error: GaloshError) -> None:
        with contextlib.suppress(OSError, FencedOutError, GaloshError):
            self.keeper.flush()
        if error.code == "download-cancelled":
            return
        if error.code not in _PASSING and self.held.is_ours():
            write_problem(self.layer, self.folder, error)
        state = State.PAUSED if error.code in _PASSING else State.NEEDS_USER
        with contextlib.suppress(OSError, FencedOutError):
            self.keeper.note_state(state, None)

    def _close(self) -> None:
        self._end_threads()
        with contextlib.suppress(OSError, FencedOutError, GaloshError):
            self.keeper.flush()
        with contextlib.suppress(OSError):
            self.keeper.close()

    def spawn(self) -> None:
        """Start pullers up to the wanted number."""
        job = self.job
        with job.cond:
            if job.stopping or job.failure is not None:
                return
            taken = {puller.number for puller in job.pullers}
            new = [Puller(job, n) for n in range(job.wanted) if n not in taken]
            job.pullers.extend(new)
        for puller in new:
            puller.start()

    def share_holds(self) -> None:
        """Pass on what servers asked of this process to the others."""
        job = self.job
        with job.cond:
            holds, job.shared_hold = job.shared_hold, []
        if holds:
            folder = self.order.paths.downloads
            add_holds(self.layer, folder, self.clock.wall_seconds(), holds)
