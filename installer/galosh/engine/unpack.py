"""Unpacks a source archive, and nothing but files and folders below its target.

Owns one rule: whatever an archive names, no file, link or device comes to be outside of the
folder, or points out of it; one such member, and nothing is unpacked at all. Python's own
filter would do the same, which older 3.10 and 3.11 lack.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath

from galosh.base.errors import GaloshError


def unpack_tar(archive: Path, folder: Path) -> None:
    """Raises GaloshError `engine-archive-unsafe`; OSError, tarfile.TarError."""
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
        for member in members:
            if not _is_safe(member):
                name = ascii(member.name)[:200]
                raise GaloshError("engine-archive-unsafe", file=archive.name, member=name)
        for member in members:
            target = folder / member.name
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            assert source is not None
            with source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
            target.chmod(0o755 if member.mode & 0o100 else 0o644)


def _is_safe(member: tarfile.TarInfo) -> bool:
    if not (member.isreg() or member.isdir()):
        return False  # the sources we unpack hold no links, let alone devices
    path = PurePosixPath(member.name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and ":" not in member.name
