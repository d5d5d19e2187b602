"""The folder of one download: the names in it and what they mean.

    downloads/<key>/plan.json      the plan, the target, where the part is, the chunk size
    downloads/<key>/part           the payload at its final length (beside the target if that
                                   is on another volume)
    downloads/<key>/journal        which chunks are complete
    downloads/<key>/lock           held by the writer, with its fencing token
    downloads/<key>/paused, cancelled, problem.json   a wish of the user, or what stopped it

Owns reading and writing of these small files. Never touches the network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.layer import FileLayer, write_whole
from galosh.download.plan import Plan

QUARANTINE_MARK = ".quarantined"


@dataclass(frozen=True)
class Stored:
    """What plan.json holds."""

    plan: Plan
    target: Path
    part: Path
    chunk_bytes: int


@dataclass(frozen=True)
class Folder:
    """The places of one download."""

    path: Path

    @classmethod
    def of(cls, paths: Paths, key: str) -> Folder:
        """The folder of `key`, whether it exists or not."""
        return cls(paths.downloads / key)

    @property
    def key(self) -> str:
        """The download's name."""
        return self.path.name

    @property
    def plan_file(self) -> Path:
        """Immutable while it lasts."""
        return self.path / "plan.json"

    @property
    def journal(self) -> Path:
        """See journal.py."""
        return self.path / "journal"

    @property
    def lock(self) -> Path:
        """See fence.py."""
        return self.path / "lock"

    @property
    def paused(self) -> Path:
        """There while the user wants no transfer."""
        return self.path / "paused"

    @property
    def cancelled(self) -> Path:
        """There from a cancel until the writer has cleaned up."""
        return self.path / "cancelled"

    @property
    def problem(self) -> Path:
        """What the user must see to, as error JSON."""
        return self.path / "problem.json"

    def place_of_part(self, layer: FileLayer, target: Path) -> Path:
        """Where the part goes: the final rename must stay on one volume."""
        if layer.volume(self.path)[3] == layer.volume(target.parent)[3]:
            return self.path / "part"
        return target.with_name(f".{target.name}.{self.key[:12]}.part")


def read_stored(layer: FileLayer, folder: Folder) -> Stored | None:
    """plan.json, or None if it is missing, empty or damaged (then the caller re-plans)."""
    try:
        data = layer.read_all(folder.plan_file)
        value = json.loads(data or b"")
        chunk_bytes = int(value["chunk_bytes"])
        if not 4096 <= chunk_bytes <= 1 << 26:
            return None
        return Stored(
            Plan.from_json(cast("Mapping[str, object]", value["plan"])),
            Path(str(value["target"])), Path(str(value["part"])), chunk_bytes,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def write_stored(layer: FileLayer, folder: Folder, stored: Stored) -> None:
    """Write plan.json durably."""
    value = {
        "plan": stored.plan.to_json(),
        "target": str(stored.target),
        "part": str(stored.part),
        "chunk_bytes": stored.chunk_bytes,
    }
    write_whole(layer, folder.plan_file, json.dumps(value, indent=1).encode())


def write_problem(layer: FileLayer, folder: Folder, error: GaloshError) -> None:
    """Keep what stopped the download for `downloads()`; a disk that refuses is no new error."""
    data = json.dumps({"code": error.code, "facts": error.facts}, default=str).encode()
    try:
        write_whole(layer, folder.problem, data)
    except OSError:
        return


def read_problem(layer: FileLayer, folder: Folder) -> GaloshError | None:
    """What stopped the download, if something did."""
    try:
        value = json.loads(layer.read_all(folder.problem) or b"")
        return GaloshError.from_json(value)
    except (ValueError, AttributeError, OSError):
        return None


def forget(layer: FileLayer, folder: Folder, part: Path | None) -> None:
    """Delete everything of this download but its lock, which its holder removes last.

    The part goes first: without it nothing that is left can be mistaken for a download.
    """
    if part is not None:
        layer.remove(part)
        layer.remove(part.with_name(part.name + QUARANTINE_MARK))
    for name in layer.list(folder.path):
        if name != folder.lock.name:
            layer.remove(folder.path / name)
