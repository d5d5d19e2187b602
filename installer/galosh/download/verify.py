"""Hashes a file that is there again and, if it is damaged, fetches only what differs.

Owns the way back from a file to an unfinished download. Rules: a file is only ever changed
as the part of a download, under its lock; the final name never holds bytes that were not
hashed; without a known hash nothing is changed.

- With a receipt, its chunk CRCs say which chunks are damaged: only those are fetched.
- Without one, every chunk is compared with the source (the engine's compare pass).
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download import fence
from galosh.download import journal as records
from galosh.download.deliver import Options
from galosh.download.fetch import fetch
from galosh.download.folder import Folder, Stored, write_stored
from galosh.download.journal import Flag
from galosh.download.layer import FileLayer, RealLayer
from galosh.download.limits import Limits
from galosh.download.plan import Plan
from galosh.download.receipt import Receipt, read_receipt, write_receipt

Told = Callable[[int], None]


@dataclass(frozen=True)
class Checked:
    """What re-hashing found. expected None: nobody ever said what the hash should be.

    damaged: the chunks whose CRC differs from the receipt's (empty without a receipt).
    """

    path: Path
    size_bytes: int
    sha256: str
    expected: str | None
    chunk_bytes: int
    chunk_crcs: tuple[int, ...]
    damaged: tuple[int, ...]
    receipt: Receipt | None

    @property
    def sound(self) -> bool:
        """Whether it is the file it should be, as far as anybody knows."""
        return self.expected in (None, self.sha256)


def check_again(path: Path, pinned: str | None = None, told: Told | None = None) -> Checked:
    """Read the whole of `path`; its hash against the receipt's, else against `pinned`.

    told: called with the bytes read so far. Raises OSError.
    """
    receipt = read_receipt(RealLayer(), path)
    size = path.stat().st_size
    chunk_bytes = receipt.chunk_bytes if receipt is not None else Limits().chunk_for(size)
    digest, crcs, seen = hashlib.sha256(), [], 0
    with path.open("rb") as file:
        while data := file.read(chunk_bytes):
            digest.update(data)
            crcs.append(zlib.crc32(data))
            seen += len(data)
            if told is not None:
                told(seen)
    known = receipt.chunk_crcs if receipt is not None else ()
    damaged = tuple(
        chunk for chunk, crc in enumerate(known) if chunk >= len(crcs) or crcs[chunk] != crc
    )
    # The catalogue's word counts more than what was noted when the file came.
    expected = pinned or (receipt.sha256 if receipt is not None else None)
    return Checked(
        path, size, digest.hexdigest(), expected, chunk_bytes, tuple(crcs), damaged, receipt
    )


def vouch(checked: Checked, plan: Plan) -> Receipt:
    """Note beside a sound file that it was hashed, with the CRCs a later repair needs."""
    facts = checked.path.stat()
    receipt = Receipt(
        path=checked.path,
        sha256=checked.sha256,
        size_bytes=checked.size_bytes,
        verified=checked.expected is not None,
        mtime_seconds=facts.st_mtime,
        checked_seconds=SystemClock().wall_seconds(),
        plan=plan if checked.receipt is None else checked.receipt.plan,
        chunk_bytes=checked.chunk_bytes,
        chunk_crcs=checked.chunk_crcs,
        source_host="" if checked.receipt is None else checked.receipt.source_host,
    )
    write_receipt(RealLayer(), receipt)
    return receipt


def repair(checked: Checked, plan: Plan, paths: Paths, options: Options | None = None) -> Receipt:
    """Make the damaged file right again from `plan`'s sources; blocks.

    The file becomes the part of a download in which only the damaged chunks are missing: a
    stop or a kill on the way loses nothing, and any later pull goes on from there.

    Raises GaloshError: what `fetch` raises, `download-not-repairable` for a plan of another
    hash or without sources, and `download-running` while somebody else fetches the file.
    """
    options = options or Options()
    if not plan.sources or plan.sha256 is None or plan.sha256 != checked.expected:
        raise GaloshError("download-not-repairable", file_name=checked.path.name,
                          origin=plan.origin)  # fmt: skip
    layer = options.io or RealLayer()
    sized = plan if plan.size_bytes is not None else _with_size(plan, checked)
    _take_apart(layer, checked, sized, paths)
    return fetch(
        sized, checked.path, paths,
        connections=options.connections, max_rate_bytes=options.max_rate_bytes,
        follow=options.follow, stop=options.stop, clock=options.clock, io=options.io,
        session=options.session, limits=options.limits,
    )  # fmt: skip


def _with_size(plan: Plan, checked: Checked) -> Plan:
    size = checked.size_bytes if checked.receipt is None else checked.receipt.size_bytes
    return dataclasses.replace(plan, size_bytes=size)


def _take_apart(layer: FileLayer, checked: Checked, plan: Plan, paths: Paths) -> None:
    """The damaged file as the part of an unfinished download."""
    folder = Folder.of(paths, plan.key)
    layer.make_folder(folder.path)
    held = fence.take(layer, folder.lock, SystemClock())
    if held is None:
        raise GaloshError("download-running", key=folder.key, file_name=checked.path.name)
    try:
        if layer.stat(folder.plan_file) is None:
            part = folder.place_of_part(layer, checked.path)
            _write_journal(layer, folder, checked, plan)
            layer.rename(checked.path, part)
            stored = Stored(plan, checked.path, part, checked.chunk_bytes)
            write_stored(layer, folder, stored)
            layer.sync_folder(folder.path)
            layer.sync_folder(checked.path.parent)
    finally:
        held.release()


def _write_journal(layer: FileLayer, folder: Folder, checked: Checked, plan: Plan) -> None:
    """DONE for every chunk that is right, or that cannot be told to be wrong."""
    size = plan.size_bytes or 0
    wrong = set(checked.damaged)
    found = [records.session(0, 0, 0, 0)]
    for chunk, crc in enumerate(checked.chunk_crcs):
        length = min(checked.chunk_bytes, checked.size_bytes - chunk * checked.chunk_bytes)
        wanted = min(checked.chunk_bytes, size - chunk * checked.chunk_bytes)
        if chunk not in wrong and length == wanted:
            found.append(records.done(chunk, length, crc, 0, 0, Flag.NONE))
    # No SYNC: the engine proves each chunk by its CRC before it counts.
    layer.remove(folder.journal)
    journal = layer.open(folder.journal, append=True)
    try:
        journal.append(b"".join(record.encode() for record in found))
        journal.sync()
    finally:
        journal.close()
