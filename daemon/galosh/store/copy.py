"""Copies model files into the models folder: all of them, or none.

A copy grows under a temporary name and is renamed when it is on disk; an interrupted one
leaves nothing that looks like a model.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError

_CHUNK_BYTES = 1024 * 1024
# What the rest of the system needs to go on working beside a full model folder.
_SPARE_BYTES = 64 * 1024 * 1024


def copy_files(sources: Sequence[Path], targets: Sequence[Path]) -> None:
    """Copy each source to its target (same folder for all, not existing).

    Raises GaloshError `store-name-taken`, `store-no-room` or a write error; then no target
    exists that did not before.
    """
    folder = targets[0].parent
    for target in targets:
        if os.path.lexists(target):
            raise GaloshError("store-name-taken", name=target.name)
    needed = sum(source.stat().st_size for source in sources) + _SPARE_BYTES
    free = durable.free_bytes(folder)
    if free is not None and free < needed:
        raise GaloshError("store-no-room", needed_bytes=needed, free_bytes=free)
    made: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The first part last: a set counts as a model once that is there.
        for source, target in reversed(list(zip(sources, targets, strict=True))):
            _copy(source, target)
            made.append(target)
    except OSError as error:
        for target in made:
            with contextlib.suppress(OSError):
                target.unlink()
        raise durable.explain_os_error(error, folder) from error


def _copy(source: Path, target: Path) -> None:
    temp = target.with_name(f"{durable.TEMP_MARK}{target.name}")
    try:
        with source.open("rb") as reader, temp.open("wb") as writer:
            shutil.copyfileobj(reader, writer, _CHUNK_BYTES)
            writer.flush()
            durable.sync_file(writer.fileno())
        durable.replace(temp, target)
    finally:
        temp.unlink(missing_ok=True)
