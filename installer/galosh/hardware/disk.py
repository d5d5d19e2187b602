"""Space on a target volume, the same way on every system."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from galosh.base.texts import say
from galosh.hardware.facts import Fact


def existing_parent(path: Path) -> Path:
    """`path` itself or the nearest folder above it that exists, links resolved."""
    return next(
        (Path(os.path.realpath(folder)) for folder in (path, *path.parents) if _exists(folder)),
        Path(path.anchor or "."),
    )


def _exists(folder: Path) -> bool:
    try:
        return folder.exists()
    except (OSError, ValueError):
        return False


def read_space(path: Path) -> tuple[Fact[int], Fact[int]]:
    """(total, free) bytes of the volume; free means for this user."""
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        why = say("hardware.why.error", program=str(path), reason=error.strerror or str(error))
        return Fact(None, why), Fact(None, why)
    return Fact(usage.total, "disk_usage"), Fact(usage.free, "disk_usage")
