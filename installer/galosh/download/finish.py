"""The ends of a download: room before it, hash, repair, seal and receipt after it."""

from __future__ import annotations

import errno
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.download.folder import QUARANTINE_MARK, Folder, forget, read_stored, write_problem
from galosh.download.job import Job
from galosh.download.journal import Ledger, Reason
from galosh.download.keeper import Keeper, disk_broken
from galosh.download.layer import FileLayer, rename_patiently
from galosh.download.receipt import Receipt, write_receipt
from galosh.download.repair import Step, next_step, suspects
from galosh.download.space import Room, missing_bytes, too_large_for
from galosh.download.state import State, Wait

if TYPE_CHECKING:
    from galosh.download.conduct import Conductor


def make_room(conductor: Conductor, size_bytes: int) -> None:
    """Reserve the part, waiting while the disk lacks space.

    Raises GaloshError `download-file-too-large` for a filesystem that cannot hold the file.
    """
    job, keeper = conductor.job, conductor.keeper
    while True:
        room = _measure(conductor)
        limit = too_large_for(room.filesystem, size_bytes)
        if limit is not None:
            raise _too_large(job, size_bytes, limit)
        lacking = missing_bytes(size_bytes, room, conductor.limits)
        if lacking == 0:
            try:
                keeper.reserve(size_bytes)
                return
            except OSError as error:
                if error.errno == errno.EFBIG:
                    raise _too_large(job, size_bytes, None) from error
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                lacking = size_bytes - room.held_bytes
        _wait_for_room(conductor, room, lacking)


def _wait_for_room(conductor: Conductor, room: Room, lacking: int) -> None:
    job = conductor.job
    facts = {
        "file_name": job.plan.file_name,
        "folder": str(conductor.keeper.stored.part.parent),
        "free_bytes": room.free_bytes,
        "lacking_bytes": lacking,
        "promised_bytes": room.promised_bytes,
    }
    until = job.now() + conductor.limits.disk_check_seconds
    wait = Wait("download-disk-small", conductor.limits.disk_check_seconds, facts)
    with job.cond:
        job.waits[-1] = (wait, until)
        wanted, job.wanted = job.wanted, 0
    try:
        conductor.attend(lambda: job.now() >= until)
    finally:
        with job.cond:
            job.waits.pop(-1, None)
            job.wanted = wanted


def _measure(conductor: Conductor) -> Room:
    layer, part = conductor.layer, conductor.keeper.stored.part
    free, total, filesystem, volume = layer.volume(part)
    facts = layer.stat(part)
    promised = 0
    downloads = conductor.order.paths.downloads
    for name in layer.list(downloads):
        other = Folder(downloads / name)
        if name == conductor.folder.key:
            continue
        stored = read_stored(layer, other)
        if stored is None or stored.plan.size_bytes is None:
            continue
        idle = layer.stat(other.paused) is not None or layer.stat(other.problem) is not None
        if idle or layer.volume(stored.part)[3] != volume:
            continue
        has = layer.stat(stored.part)
        promised += max(0, stored.plan.size_bytes - (has[1] if has else 0))
    return Room(free, total, filesystem, facts[1] if facts else 0, promised)


def _too_large(job: Job, size_bytes: int, limit: int | None) -> GaloshError:
    folder = str(job.keeper.stored.part.parent)
    facts = {"size_bytes": size_bytes, "limit_bytes": limit, "folder": folder}
    return GaloshError("download-file-too-large", **job.error_facts(facts))


def verify_and_seal(conductor: Conductor) -> Receipt:
    """Hash, repair at most four steps, seal. Raises `download-quarantined`."""
    job, hasher = conductor.job, conductor.hasher
    tried: set[Step] = set()
    conductor.tell(State.VERIFYING)
    while True:
        # A digest from before the last repair does not count: the hash must have gone back.
        conductor.attend(
            lambda: hasher.digest is not None and job.rehash_from is None and _complete(job)
        )
        digest = hasher.digest
        if digest is None:
            continue
        if job.plan.sha256 in (None, digest):
            return _seal(conductor, digest)
        conductor.tell(State.REPAIRING)
        _repair(conductor, tried, digest)


def _complete(job: Job) -> bool:
    return job.schedule is not None and job.schedule.all_done and job.compare is None


def _repair(conductor: Conductor, tried: set[Step], digest: str) -> None:
    job, ledger = conductor.job, conductor.keeper.ledger
    doubtful = suspects(ledger.chunks, ledger.sessions)
    with job.cond:
        other = job.supply.independent(_used(ledger))
        if other is None:
            choice = job.supply.pick(0, job.now())
            other = None if choice is None else choice.index
    step = next_step(frozenset(tried), len(doubtful), other is not None)
    tried.add(step)
    if step is Step.REREAD:
        _reread(job)
    elif step is Step.REFETCH_SUSPECTS:
        job.invalidate(doubtful, Reason.DAMAGED_ON_THE_WAY)
        conductor.attend(lambda: _complete(job))
    elif step is Step.COMPARE and other is not None:
        _compare(conductor, other)
    else:
        raise _quarantine(conductor, digest)


def _reread(job: Job) -> None:
    keeper = job.keeper
    wrong = [
        chunk
        for chunk, entry in sorted(keeper.ledger.chunks.items())
        if zlib.crc32(keeper.read_chunk(chunk, entry.length)) != entry.crc
    ]
    job.invalidate(wrong, Reason.DAMAGED_ON_DISK)


def _compare(conductor: Conductor, other: int) -> None:
    job = conductor.job
    job.drop_links()
    with job.cond:
        job.compare, job.compared = other, False
        job.epoch += 1
    try:
        conductor.attend(lambda: job.compared)
    finally:
        with job.cond:
            job.compare = None
            job.epoch += 1


def _used(ledger: Ledger) -> set[int]:
    sessions = {entry.session for entry in ledger.chunks.values()}
    return {ledger.sessions[n].index for n in sessions if n < len(ledger.sessions)}


def _quarantine(conductor: Conductor, digest: str) -> GaloshError:
    """Set the file aside; nothing is deleted."""
    job, keeper = conductor.job, conductor.keeper
    part = keeper.stored.part
    aside = part.with_name(part.name + QUARANTINE_MARK)
    facts = {"wanted": job.plan.sha256, "found": digest, "path": str(aside)}
    error = GaloshError("download-quarantined", **job.error_facts(facts))
    job.join(2.0)
    write_problem(conductor.layer, conductor.folder, error)
    keeper.close()
    conductor.layer.rename(part, aside)
    conductor.layer.remove(conductor.folder.journal)
    conductor.layer.sync_folder(part.parent)
    return error


def _seal(conductor: Conductor, digest: str) -> Receipt:
    """Make it durable under its final name, write the receipt, clean up."""
    job, keeper, layer = conductor.job, conductor.keeper, conductor.layer
    target, part = conductor.order.target, keeper.stored.part
    if job.plan.sha256 is None and job.plan.expects == "gguf":
        _check_model(conductor, part)
    conductor.tell(State.SEALING)
    keeper.flush()
    job.join(2.0)
    crcs = tuple(entry.crc for _, entry in sorted(keeper.ledger.chunks.items()))
    if not keeper.held.is_ours():
        raise GaloshError("download-other-writer", **job.error_facts({}))
    keeper.close()
    layer.make_folder(target.parent)
    try:
        rename_patiently(layer, part, target, conductor.clock.sleep)
    except PermissionError as error:
        facts = {"path": str(target), "reason": error.strerror or str(error)}
        raise GaloshError("download-target-locked", **job.error_facts(facts)) from error
    layer.sync_folder(target.parent)
    receipt = _receipt(conductor, digest, crcs)
    write_receipt(layer, receipt)
    forget(layer, conductor.folder, None)
    layer.sync_folder(conductor.folder.path.parent)
    conductor.state = State.DONE
    conductor.watch.report(force=True)
    return receipt


def _receipt(conductor: Conductor, digest: str, crcs: tuple[int, ...]) -> Receipt:
    job, target = conductor.job, conductor.order.target
    facts = conductor.layer.stat(target)
    assert facts is not None
    used = sorted(_used(conductor.keeper.ledger))
    host = job.plan.sources[used[0]].host if used else ""
    return Receipt(
        target, digest, facts[0], job.plan.sha256 is not None, facts[2],
        conductor.clock.wall_seconds(), job.plan, conductor.keeper.stored.chunk_bytes, crcs,
        host, job.received_bytes, job.refetched_bytes,
    )  # fmt: skip


def _check_model(conductor: Conductor, part: Path) -> None:
    """Nobody stated a hash: the file must at least be a whole model."""
    from galosh.gguf import open_file, read_header
    from galosh.gguf.rules import check_data

    try:
        with open_file(part) as source:
            check_data(read_header(source), source)
    except GaloshError as error:
        facts = {"reason": error.why, "cause": error.code}
        raise GaloshError("download-not-sound", **conductor.job.error_facts(facts)) from error


def take_back_target(layer: FileLayer, keeper: Keeper, target: Path) -> None:
    """After a crash between the final rename and the receipt: the file goes back to being
    a part, so that it is verified like any other before it counts."""
    part, size = keeper.stored.part, keeper.stored.plan.size_bytes
    facts = layer.stat(target)
    if layer.stat(part) is not None or facts is None or facts[0] != size:
        return
    ledger = Ledger()
    ledger.apply_all(layer.read_all(keeper.folder.journal) or b"")
    if ledger.kept_bytes == size:
        layer.rename(target, part)
        layer.sync_folder(target.parent)


def explain_disk(error: OSError, job: Job) -> GaloshError:
    """The error for what the disk answered outside a chunk's own path."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        folder = job.keeper.stored.part.parent
        free = job.keeper.layer.volume(folder)[0]
        facts = {"folder": str(folder), "free_bytes": free, "reason": error.strerror}
        return GaloshError("download-disk-full", **job.error_facts(facts))
    if error.errno in (errno.EACCES, errno.EPERM):
        facts = {"folder": str(job.keeper.stored.part.parent), "reason": error.strerror}
        return GaloshError("download-disk-readonly", **job.error_facts(facts))
    return disk_broken(error, job.keeper.stored)
