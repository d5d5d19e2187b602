"""Looks for model files in the models folder: directly below it, or one folder deep.

Follows no folder links. A split model is found by its first part; parts without their first
are found too, so that they can be named as incomplete.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from galosh.base.durable import TEMP_MARK
from galosh.store.names import SUFFIX, part_names, split_part


def scan(folder: Path) -> tuple[Path, ...]:
    """The (first) files of all models below `folder`, sorted; none if it cannot be read."""
    found: dict[Path, None] = {}
    for path in sorted(_files(folder)):
        part = split_part(path.name)
        first = path if part is None else path.with_name(part_names(path.name)[0])
        if part is not None and part.index != 1 and not first.exists():
            first = path  # nothing better to show for this set
            if any(split_part(p.name) and _same_set(p, path) for p in found):
                continue
        found[first] = None
    return tuple(found)


def files_of(path: Path) -> tuple[Path, ...]:
    """All files of the model whose first file is `path`, there or not."""
    return tuple(path.with_name(name) for name in part_names(path.name))


def stamp(path: Path) -> tuple[int, int] | None:
    """(size in bytes of all files, latest change in nanoseconds); None when it is away."""
    size_bytes, changed = 0, 0
    try:
        path.stat()
    except (OSError, ValueError):
        return None
    for file in files_of(path):
        try:
            facts = file.stat()
        except (OSError, ValueError):
            continue  # a missing part is told by the check of the whole
        size_bytes += facts.st_size
        changed = max(changed, facts.st_mtime_ns)
    return size_bytes, changed


def _files(folder: Path) -> Iterator[Path]:
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from (Path(e.path) for e in _entries(Path(entry.path)) if _is_model(e))
        elif _is_model(entry):
            yield Path(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith((".", TEMP_MARK))]
    except OSError:
        return []


def _is_model(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(SUFFIX) and not entry.is_dir()


def _same_set(one: Path, other: Path) -> bool:
    return one.parent == other.parent and part_names(one.name) == part_names(other.name)
