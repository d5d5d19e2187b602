"""One stream from the start: for servers that ignore Range, or do not say how long a file is.

Chunks that are complete already are compared, not written again; after a cut the stream
starts over, but what is kept never shrinks. No byte is ever written at an offset the stream
has not reached by itself.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from galosh.download.gate import Ask
from galosh.download.journal import Flag, Reason
from galosh.download.link import Answer, TroubleError
from galosh.download.schedule import Lease, Schedule
from galosh.download.trouble import Kind, Trouble

if TYPE_CHECKING:
    from galosh.download.puller import Puller


def learn_size(puller: Puller) -> None:
    """Ask for the first byte: the reply says how long the file is."""
    job = puller.job
    while not job.should_end(puller) and not job.learned:
        index = puller.choose(0)
        if index is None:
            continue
        try:
            answer = puller.open(index, Ask(0, 1, ranged=True, total_bytes=None))
            job.learn(index, answer.grant.total_bytes, answer.etag)
        except TroubleError as error:
            puller.handle(error.trouble, index, 0, 0)
        finally:
            puller.link.done(keep=False)


def compare_pass(puller: Puller, index: int) -> None:
    """Fetch everything once more and replace the chunks that differ from what is kept."""
    job, schedule = puller.job, puller.job.schedule
    assert schedule is not None
    source = job.plan.sources[index]
    shift = (source.member[0] if source.member else 0) - source.at
    total = source.remote_size_bytes if source.member else schedule.size_bytes
    first, last = job.supply.coverage(index)
    chunk = -(-first // schedule.chunk_bytes)
    end = schedule.size_bytes if last is None else last
    while chunk < schedule.count and not job.should_end(puller):
        start = chunk * schedule.chunk_bytes
        if start >= end or puller.choose(start) is None:
            break
        before = puller.received
        try:
            ask = Ask(start + shift, end + shift, ranged=True, total_bytes=total)
            answer = puller.open(index, ask)
            puller.streaming = True
            puller.skip(answer, answer.grant.skip_bytes)
            session = puller.session_of(answer, index)
            while chunk < schedule.count:
                _compare_chunk(puller, answer, chunk, session)
                chunk += 1
        except TroubleError as error:
            puller.handle(error.trouble, index, start, puller.received - before)
        finally:
            puller.streaming = False
            puller.link.done(keep=False)
    with job.cond:
        job.compared = True
        job.cond.notify_all()


def _compare_chunk(puller: Puller, answer: Answer, chunk: int, session: int) -> None:
    job, schedule = puller.job, puller.job.schedule
    assert schedule is not None
    data = memoryview(bytearray(schedule.span(chunk)[1]))
    _fill(puller, answer, data, check_head=False)
    entry = job.keeper.ledger.chunks.get(chunk)
    job.refetched_bytes += len(data)
    if entry is not None and entry.crc == zlib.crc32(data):
        return
    if entry is not None:
        job.invalidate([chunk], Reason.DAMAGED_ON_THE_WAY)
    puller.store(Lease(chunk, chunk + 1), data, session, Flag.NONE)


def stream_whole(puller: Puller, index: int) -> None:
    """Stream source `index` until every chunk is complete or the puller should end."""
    job = puller.job
    source = job.plan.sources[index]
    while not job.should_end(puller):
        with job.cond:
            idle = job.learned and job.schedule is None and not job.may_pour
            complete = job.schedule is not None and job.schedule.all_done
            if idle or complete or job.finished_pour:
                job.cond.wait(job.limits.tick_seconds)
                continue
        total = source.remote_size_bytes if source.member else job.plan.size_bytes
        if puller.choose(0) is None:
            continue
        before = puller.received
        try:
            ask = Ask(0, None, ranged=False, total_bytes=total, etag=job.etags.get(index))
            answer = puller.open(index, ask)
            puller.streaming = True
            if not job.learned:
                job.learn(index, answer.grant.total_bytes, answer.etag)
                continue
            puller.skip(answer, source.member[0] if source.member else 0)
            if job.schedule is not None:
                _stream_known(puller, answer, index, job.schedule)
            else:
                _pour(puller, answer, index)
        except TroubleError as error:
            puller.handle(error.trouble, index, 0, puller.received - before)
        else:
            puller.well_done(index)
        finally:
            puller.streaming = False
            puller.link.done(keep=False)


def _stream_known(puller: Puller, answer: Answer, index: int, schedule: Schedule) -> None:
    job = puller.job
    session = puller.session_of(answer, index)
    buffer = memoryview(bytearray(schedule.chunk_bytes))
    lease = schedule.take_rest()
    puller.lease = lease
    try:
        for chunk in range(schedule.count):
            data = buffer[: schedule.span(chunk)[1]]
            _fill(puller, answer, data, check_head=chunk == 0)
            lease.at = chunk
            if schedule.is_done(chunk):
                job.refetched_bytes += len(data)
                if zlib.crc32(data) == job.keeper.ledger.chunks[chunk].crc:
                    continue
                job.invalidate([chunk], Reason.DAMAGED_ON_THE_WAY)
            if not puller.store(lease, data, session, Flag.NONE) or job.should_end(puller):
                return
    finally:
        puller.lease = None
        job.release(lease)


def _pour(puller: Puller, answer: Answer, index: int) -> None:
    """A body of unknown length. Its own end must be a clean one (chunked), or the final
    check must prove the file."""
    job = puller.job
    session = puller.session_of(answer, index)
    size = job.keeper.stored.chunk_bytes
    buffer = memoryview(bytearray(size))
    lease = Lease(0, 1 << 31)
    total, chunk, ended = 0, 0, False
    while not ended and not job.should_end(puller):
        filled = 0
        while filled < size:
            try:
                filled += puller.read(answer, buffer[filled:])
            except TroubleError as error:  # noqa: PERF203 - the end of the body
                if error.trouble.detail != "the body was cut":
                    raise
                ended = True
                break
        if chunk == 0:
            puller.check_head(buffer[: min(64, filled)], answer)
        total += filled
        if filled:
            lease.at = chunk
            _pour_chunk(puller, chunk, buffer[:filled], session)
        chunk += 1
    if ended:
        with job.cond:
            job.poured_bytes = total
            job.poured_cleanly = answer.body.delimited
            job.finished_pour = True
            job.cond.notify_all()


def _pour_chunk(puller: Puller, chunk: int, data: memoryview, session: int) -> None:
    job = puller.job
    crc = zlib.crc32(data)
    known = job.keeper.ledger.chunks.get(chunk)
    if known is not None:
        job.refetched_bytes += min(known.length, len(data))
        if (known.crc, known.length) == (crc, len(data)):
            return
        job.keeper.invalidate([chunk], Reason.REMOTE_CHANGED)
    puller.record(chunk, data, crc, session)


def _fill(puller: Puller, answer: Answer, data: memoryview, *, check_head: bool) -> None:
    filled = 0
    while filled < len(data):
        filled += puller.read(answer, data[filled:])
    if check_head:
        puller.check_head(data[: min(64, len(data))], answer)
    if puller.job.should_end(puller):
        raise TroubleError(Trouble(Kind.CUT, answer.host, detail="let go"))
