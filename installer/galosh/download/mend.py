"""A finished file checked again, and what rotted fetched again: chunks, not the whole.

`verify` compares the file with the CRCs and the hash in its receipt. `start_mending` turns a
damaged file back into an unfinished download in which only the damaged chunks are missing;
`fetch` of the returned plan then completes and seals it like any other.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download import fence, journal
from galosh.download.folder import Folder, Stored, write_stored
from galosh.download.journal import Flag
from galosh.download.layer import FileLayer, RealLayer, write_whole
from galosh.download.plan import Plan
from galosh.download.receipt import Receipt, read_receipt


@dataclass(frozen=True)
class Verified:
    """What a check found. damaged: numbers of the chunks that differ; size_differs: the
    file is longer or shorter than it was."""

    receipt: Receipt
    sha256: str
    damaged: tuple[int, ...]
    size_differs: bool

    @property
    def sound(self) -> bool:
        """True if the file is what it was when it was fetched."""
        return self.sha256 == self.receipt.sha256 and not self.size_differs

    @property
    def damaged_bytes(self) -> int:
        """What mending has to fetch."""
        return len(self.damaged) * self.receipt.chunk_bytes


def verify(
    target: Path, *, io: FileLayer | None = None, follow: Callable[[int, int], None] | None = None
) -> Verified:
    """Read `target` whole and compare. follow: (bytes checked, size) now and then.

    Raises GaloshError `download-no-receipt` if the file was not fetched by galosh.
    """
    layer = io or RealLayer()
    receipt, facts = read_receipt(layer, target), layer.stat(target)
    if receipt is None or facts is None:
        raise GaloshError("download-no-receipt", path=str(target))
    digest, damaged = hashlib.sha256(), []
    file = layer.open(target, create=False)
    try:
        for chunk, crc in enumerate(receipt.chunk_crcs):
            data = file.read(chunk * receipt.chunk_bytes, receipt.chunk_bytes)
            digest.update(data)
            if zlib.crc32(data) != crc:
                damaged.append(chunk)
            if follow is not None and chunk % 64 == 0:
                follow(chunk * receipt.chunk_bytes, receipt.size_bytes)
    finally:
        file.close()
    return Verified(receipt, digest.hexdigest(), tuple(damaged), facts[0] != receipt.size_bytes)


def start_mending(paths: Paths, found: Verified, *, io: FileLayer | None = None) -> Plan:
    """Make the damaged file the part of a download; the plan to fetch (tokens come anew).

    Until that fetch ends the file is away from its place. Raises GaloshError
    `download-running` if it is being fetched just now; OSError.
    """
    layer = io or RealLayer()
    receipt, plan = found.receipt, found.receipt.plan
    folder = Folder.of(paths, plan.key)
    layer.make_folder(folder.path)
    held = fence.take(layer, folder.lock, SystemClock())
    if held is None:
        raise GaloshError("download-running", key=plan.key[:12], file_name=plan.file_name)
    try:
        part = folder.place_of_part(layer, receipt.path)
        write_stored(layer, folder, Stored(plan, receipt.path, part, receipt.chunk_bytes))
        write_whole(layer, folder.journal, _journal(found))
        layer.rename(receipt.path, part)
        layer.sync_folder(receipt.path.parent)
        layer.sync_folder(part.parent)
    finally:
        held.release()
    return plan


def _journal(found: Verified) -> bytes:
    receipt, damaged = found.receipt, set(found.damaged)
    size, step = receipt.size_bytes, receipt.chunk_bytes
    records = [journal.session(0, 0, 0, 0)]
    for chunk, crc in enumerate(receipt.chunk_crcs):
        if chunk not in damaged:
            length = min(step, size - chunk * step)
            records.append(journal.done(chunk, length, crc, 0, 0, Flag.NONE))
    records.append(journal.sync(len(records), 0))
    return b"".join(record.encode() for record in records)
