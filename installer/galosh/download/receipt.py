"""The receipt beside a finished file: what it is, where it came from, when it was checked.

Holds the CRC-32 of every chunk too, so that a file damaged later is repaired piece by piece
instead of fetched again. Never holds a token or a signed URL.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from galosh.download.layer import FileLayer, write_whole
from galosh.download.plan import Plan

SUFFIX = ".receipt.json"


@dataclass(frozen=True)
class Receipt:
    """A finished download. verified False: nobody stated a hash, ours is kept for later.

    mtime_seconds: the file's own time when it was checked; a file changed since then is not
    vouched for. chunk_crcs: CRC-32 of each chunk of `chunk_bytes`.
    """

    path: Path
    sha256: str
    size_bytes: int
    verified: bool
    mtime_seconds: float
    checked_seconds: float
    plan: Plan
    chunk_bytes: int
    chunk_crcs: tuple[int, ...]
    source_host: str = ""
    received_bytes: int = 0
    refetched_bytes: int = 0

    def to_json(self) -> dict[str, object]:
        """The form kept on disk."""
        packed = struct.pack(f"<{len(self.chunk_crcs)}I", *self.chunk_crcs)
        return {
            "format": 1,
            "file_name": self.path.name,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "verified": self.verified,
            "mtime_seconds": self.mtime_seconds,
            "checked_seconds": self.checked_seconds,
            "source_host": self.source_host,
            "received_bytes": self.received_bytes,
            "refetched_bytes": self.refetched_bytes,
            "plan": self.plan.to_json(),
            "chunk_bytes": self.chunk_bytes,
            "chunk_crcs": base64.b64encode(packed).decode(),
        }


def receipt_path(target: Path) -> Path:
    """Where the receipt of `target` lies."""
    return target.with_name(target.name + SUFFIX)


def write_receipt(layer: FileLayer, receipt: Receipt) -> None:
    """Write it durably beside the file."""
    data = json.dumps(receipt.to_json(), indent=1).encode()
    write_whole(layer, receipt_path(receipt.path), data)


def read_receipt(layer: FileLayer, target: Path) -> Receipt | None:
    """The receipt of `target`, whether or not the file still matches it."""
    try:
        value = json.loads(layer.read_all(receipt_path(target)) or b"")
        packed = base64.b64decode(str(value["chunk_crcs"]), validate=True)
        return Receipt(
            path=target,
            sha256=str(value["sha256"]),
            size_bytes=int(value["size_bytes"]),
            verified=bool(value["verified"]),
            mtime_seconds=float(value["mtime_seconds"]),
            checked_seconds=float(value["checked_seconds"]),
            plan=Plan.from_json(cast("Mapping[str, object]", value["plan"])),
            chunk_bytes=int(value["chunk_bytes"]),
            chunk_crcs=struct.unpack(f"<{len(packed) // 4}I", packed[: len(packed) // 4 * 4]),
            source_host=str(value["source_host"]),
            received_bytes=int(value["received_bytes"]),
            refetched_bytes=int(value["refetched_bytes"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def standing_receipt(layer: FileLayer, target: Path, plan: Plan) -> Receipt | None:
    """The receipt if `target` is there, unchanged since its check, and is what `plan` wants."""
    receipt = read_receipt(layer, target)
    facts = layer.stat(target)
    if receipt is None or facts is None:
        return None
    size, _, mtime = facts
    if size != receipt.size_bytes or abs(mtime - receipt.mtime_seconds) > 2.0:
        return None
    if plan.sha256 is not None:
        return receipt if receipt.sha256 == plan.sha256 else None
    same = receipt.plan.key == plan.key and _etag(receipt.plan) == _etag(plan)
    return receipt if same and plan.size_bytes in (None, size) else None


def _etag(plan: Plan) -> str | None:
    return plan.sources[0].etag if plan.sources else None
