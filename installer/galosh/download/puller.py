"""A puller: one thread, one link, one chunk buffer.

Takes leases, asks for ranges, fills the buffer, stores complete chunks. A cut costs nothing
that came: it goes on at the very byte where the last reply ended. Never holds more than one
chunk, never writes a byte the gate did not grant.
"""

from __future__ import annotations

import errno
import hashlib
import random
import threading
import zlib

from galosh.base.errors import GaloshError
from galosh.download.backoff import Backoff
from galosh.download.explain import explain
from galosh.download.gate import Ask, Refusal, head_fits
from galosh.download.job import Job
from galosh.download.journal import Flag
from galosh.download.keeper import disk_broken
from galosh.download.link import Answer, Link, TroubleError
from galosh.download.plan import ByteSource, public_url
from galosh.download.schedule import Lease
from galosh.download.state import Wait
from galosh.download.trouble import Action, Kind, Reaction, Trouble, react

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Puller(threading.Thread):
    """See the module. `number` counts from 0; `received` are body bytes so far."""

    def __init__(self, job: Job, number: int) -> None:
        super().__init__(name=f"galosh-pull-{number}", daemon=True)
        self.job = job
        self.number = number
        self.epoch = job.epoch
        self.link = Link(job.plan, job.routes, job.limits, job.clock, job.factory)
        self.backoff = Backoff(job.limits)
        self.received = 0
        self.usual_speed = 0.0
        self.streaming = False
        self.lease: Lease | None = None
        self._cut = False
        self._buffer = memoryview(bytearray(job.keeper.stored.chunk_bytes))
        self._filled = 0
        self._joined = False
        self._fresh_refusals = 0

    def run(self) -> None:
        """Thread body."""
        job = self.job
        try:
            from galosh.download.whole import compare_pass, learn_size, stream_whole

            if job.compare is not None:
                compare_pass(self, job.compare)
            elif job.whole is not None:
                stream_whole(self, job.whole)
            elif not job.learned:
                learn_size(self)
            else:
                self._serve_leases()
        except BaseException as error:
            job.fail(error)
        finally:
            self.link.reset()
            with job.cond:
                if self in job.pullers:
                    job.pullers.remove(self)
                    job.past_received += self.received
                job.waits.pop(self.number, None)
                job.cond.notify_all()

    def cut(self) -> None:
        """From another thread: let go of the connection now."""
        self._cut = True
        self.link.shut()

    def _serve_leases(self) -> None:
        while True:
            lease = self.job.next_lease(self)
            if lease is None:
                return
            self.lease = lease
            try:
                self._filled = 0
                self._joined = False
                while lease.left and not self.job.should_end(self):
                    self._ask_for(lease)
            finally:
                # A chunk that is not complete is given up with the lease.
                self.job.refetched_bytes += self._filled
                self.lease = None
                self.job.release(lease)

    def _ask_for(self, lease: Lease) -> None:
        """One request for what is left of the lease, from the best source."""
        job = self.job
        position = lease.at * job.keeper.stored.chunk_bytes + self._filled
        index = self.choose(position)
        if index is None:
            return
        source = job.plan.sources[index]
        end = self._end_of(lease, index)
        before = self.received
        try:
            answer = self.open(index, self._ask(source, index, position, end))
            self._joined = self._joined or self._filled > 0
            self.streaming = True
            self._pump(lease, answer, index, end)
        except TroubleError as error:
            self.handle(error.trouble, index, position, self.received - before)
        else:
            self.well_done(index)
        finally:
            self.streaming = False
            self.link.done(keep=False)

    def choose(self, position: int) -> int | None:
        """A source that may be asked now; None after waiting for one (or at the end)."""
        job = self.job
        with job.cond:
            choice = job.supply.pick(position, job.now())
        if choice is None:
            job.fail_unless_source_left(position)
            return None
        if choice.wait_seconds > 0:
            job.pause_for(self, Wait(choice.cause, choice.wait_seconds, choice.facts))
            return None
        return choice.index

    def open(self, index: int, ask: Ask) -> Answer:
        """Send the request. Raises TroubleError; checks the validator of earlier sessions."""
        self._cut = False
        answer = self.link.open(index, ask)
        job = self.job
        if answer.etag is not None and answer.host == job.plan.sources[index].host:
            with job.cond:
                job.etags.setdefault(index, answer.etag)
                mark, host = short_hash(answer.etag), self._place(answer, index)
                ledger = job.keeper.ledger
                known = {one.crc for one in ledger.sessions if one.extra == host and one.crc
                         and one.generation == ledger.generation}  # fmt: skip
            if known and mark not in known and ledger.chunks:
                self.link.done(keep=False)
                raise TroubleError(Trouble(Kind.REFUSED, answer.host, Refusal.CHANGED))
        return answer

    def _ask(self, source: ByteSource, index: int, position: int, end: int) -> Ask:
        shift = (source.member[0] if source.member else 0) - source.at
        total = source.remote_size_bytes
        if source.member is None and source.at == 0 and total is None:
            total = self.job.plan.size_bytes
        return Ask(
            position + shift, end + shift, ranged=True, total_bytes=total,
            etag=self.job.etags.get(index, source.etag),
            lead_max_bytes=self.job.limits.lead_max_bytes,
        )  # fmt: skip

    def _end_of(self, lease: Lease, index: int) -> int:
        schedule = self.job.schedule
        assert schedule is not None
        end = min(lease.end * schedule.chunk_bytes, schedule.size_bytes)
        covered = self.job.supply.coverage(index)[1]
        return end if covered is None else min(end, covered)

    def session_of(self, answer: Answer, index: int) -> int:
        """The journal's session number for bytes of this answer."""
        validator = short_hash(answer.etag) if answer.etag else 0
        return self.job.keeper.session(index, validator, self._place(answer, index))

    def _place(self, answer: Answer, index: int) -> int:
        """A mark for where bytes come from: validators are compared within one place."""
        return short_hash(f"{answer.host} {public_url(self.job.plan.sources[index].url)}")

    def _pump(self, lease: Lease, answer: Answer, index: int, end: int) -> None:
        """Read granted bytes into the buffer and store every chunk that fills."""
        job, schedule = self.job, self.job.schedule
        assert schedule is not None
        assert answer.grant.take_bytes is not None
        self.skip(answer, answer.grant.skip_bytes)
        session = self.session_of(answer, index)
        position = lease.at * schedule.chunk_bytes + self._filled
        end = min(end, position + answer.grant.take_bytes)
        while position < end:
            length = schedule.span(lease.at)[1]
            wanted = min(length - self._filled, end - position)
            count = self.read(answer, self._buffer[self._filled : self._filled + wanted])
            self._filled += count
            position += count
            if lease.at == 0:
                self._check_head(answer)
            if self._filled == length:
                if not self._store(lease, length, session):
                    return
                if lease.left == 0 or job.should_end(self):
                    break  # the rest was given to another link, or we are not wanted
        self.link.done(keep=answer.body.ended)

    def read(self, answer: Answer, view: memoryview) -> int:
        """At least one byte; counts and throttles. Raises TroubleError at a cut."""
        try:
            count = answer.body.read_into(view)
        except Exception as error:
            raise TroubleError(explain(error, f"http://{answer.host}/")) from error
        if count == 0:
            raise TroubleError(Trouble(Kind.CUT, answer.host, detail="the body was cut"))
        self.received += count
        job = self.job
        delay = job.throttle.delay_seconds(count, job.now())
        if delay > 0:
            with job.cond:
                job.cond.wait_for(lambda: job.should_end(self), min(delay, 5.0))
        if self._cut:
            raise TroubleError(Trouble(Kind.CUT, answer.host, detail="let go"))
        return count

    def skip(self, answer: Answer, left: int) -> None:
        """Read and drop what comes before the bytes asked for."""
        trash = memoryview(bytearray(min(left, 1 << 16)))
        while left > 0:
            count = self.read(answer, trash[: min(left, len(trash))])
            self.job.refetched_bytes += count
            left -= count

    def _check_head(self, answer: Answer) -> None:
        if self._filled >= min(64, self.job.plan.size_bytes or 64):
            self.check_head(self._buffer[: min(64, self._filled)], answer)

    def check_head(self, head: memoryview, answer: Answer) -> None:
        """The file's first bytes must be what was planned. Raises TroubleError."""
        if not head_fits(self.job.plan.expects, bytes(head)):
            web = bytes(head).lstrip()[:1] == b"<"
            refusal = Refusal.WEB_PAGE if web else Refusal.NOT_MODEL
            raise TroubleError(Trouble(Kind.REFUSED, answer.host, refusal, 200))

    def _store(self, lease: Lease, length: int, session: int) -> bool:
        """Store the full buffer as chunk `lease.at`; False if the lease is void."""
        data = self._buffer[:length]
        flag = Flag.JOINED if self._joined else Flag.NONE
        stored = self.store(lease, data, session, flag)
        self._filled = 0
        self._joined = False
        if stored:
            lease.at += 1
        else:
            self.job.refetched_bytes += length
        return stored

    def record(self, chunk: int, data: memoryview, crc: int, session: int) -> None:
        """Store a chunk of a file whose size is not known yet."""
        job = self.job
        while not job.should_end(self):
            try:
                job.keeper.store(chunk, data, crc, session, Flag.NONE)
                return
            except OSError as error:  # noqa: PERF203 - waits for the user to make room
                if error.errno not in _FULL:
                    raise storage_error(error, job) from error
                job.wait_for_disk(self, error)

    def store(self, lease: Lease, data: memoryview, session: int, flag: Flag) -> bool:
        """Record a chunk, waiting out a full disk. Raises GaloshError for a broken one."""
        job = self.job
        crc = zlib.crc32(data)
        while True:
            try:
                return job.store(lease, data, crc, session, flag)
            except OSError as error:  # noqa: PERF203 - waits for the user to make room
                if error.errno not in _FULL:
                    raise storage_error(error, job) from error
                job.wait_for_disk(self, error)
                if job.should_end(self):
                    return False

    def well_done(self, index: int) -> None:
        """A request went as asked."""
        self.backoff.reset()
        self._fresh_refusals = 0
        with self.job.cond:
            self.job.supply.good(index)

    def handle(self, trouble: Trouble, index: int, position: int, moved_bytes: int) -> None:
        """Do what a trouble calls for; returns when it is time to go on."""
        job = self.job
        self.streaming = False  # a wait is shown only when nothing streams
        if self._cut:
            self.link.reset()
            return
        if moved_bytes >= job.limits.backoff_reset_bytes:
            self.well_done(index)
        reaction = react(trouble)
        action = self._action(trouble, reaction)
        if action is Action.RETRY:
            self._retry(trouble, reaction, index, moved_bytes)
        elif action is Action.RENEW:
            job.routes.drop(index)
        elif action is Action.HOLD:
            job.hold(index, reaction.cause, reaction.facts, reaction.seconds)
        elif action is Action.WHOLE:
            with job.cond:
                job.supply.health[index].whole_only = True
            job.go_whole(position)
        elif action is Action.STRIKE:
            job.routes.drop(index)
            with job.cond:
                out = job.supply.strike(index, reaction.cause, reaction.facts)
            if not out:
                self._back_off(reaction, 0)
        elif action is Action.DROP:
            with job.cond:
                job.supply.drop(index, reaction.cause, reaction.facts)
        elif action is Action.CHANGED:
            job.changed(index, reaction.facts)
        else:
            job.fail(GaloshError(reaction.cause, **job.error_facts(reaction.facts)))
        job.fail_unless_source_left(position)

    def _action(self, trouble: Trouble, reaction: Reaction) -> Action:
        """The reaction's action, in the light of what went before."""
        if reaction.cause == "download-renewal-refused" and trouble.fresh:
            # A signature may end in the moment it is used; twice in a row it is refused.
            self._fresh_refusals += 1
            return Action.RENEW if self._fresh_refusals == 1 else Action.STRIKE
        if trouble.refusal is Refusal.WRONG_TOTAL and self.job.plan.sha256 is None:
            return Action.CHANGED
        return reaction.action

    def _retry(self, trouble: Trouble, reaction: Reaction, index: int, moved_bytes: int) -> None:
        job = self.job
        if trouble.kind is Kind.CUT and self.link.used and moved_bytes == 0:
            # A kept connection that the server closed meanwhile: no failure of the line.
            self.link.reset()
            return
        self.link.reset()
        with job.cond:
            health = job.supply.health[index]
            if moved_bytes < job.limits.backoff_reset_bytes:
                health.fruitless += 1
            if trouble.kind is Kind.TLS:
                health.tls_failures += 1
                if health.tls_failures >= job.limits.tls_tries:
                    job.supply.drop(index, reaction.cause, reaction.facts)
                    return
            idle = job.now() - job.last_done_seconds
            given_up = idle > job.limits.give_up_seconds
            if reaction.cause == "download-server-down" and given_up:
                job.supply.drop(index, reaction.cause, reaction.facts)
                return
        if self.backoff.fruitless >= 2:
            job.routes.drop(index)
        self._back_off(reaction, moved_bytes)

    def _back_off(self, reaction: Reaction, moved_bytes: int) -> None:
        chance = random.random()  # noqa: S311 - spreads clients, hides nothing
        delay = self.backoff.fail(moved_bytes, chance)
        if delay > 0:
            self.job.pause_for(self, Wait(reaction.cause, delay, reaction.facts))


def short_hash(text: str) -> int:
    """32 bits of a text's SHA-256, never 0 (0 means none)."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") or 1


def storage_error(error: OSError, job: Job) -> BaseException:
    """The GaloshError for what the disk answered."""
    if error.errno == errno.EFBIG:
        size = job.plan.size_bytes
        folder = str(job.keeper.stored.part.parent)
        return GaloshError(
            "download-file-too-large", **job.error_facts({"size_bytes": size, "folder": folder})
        )
    return disk_broken(error, job.keeper.stored)
