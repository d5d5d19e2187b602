"""A journal as lines of text: a CRC-32, a blank, one JSON object. Pure.

- A line counts only if it is whole and its checksum is right; reading stops at the first that
  is not, so what a crash tore off costs nothing that was acknowledged.
- A person can read it, and a text can be put together again from it by hand.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]

_DIGITS = 8


def encode(record: Record) -> bytes:
    """The line of a record."""
    body = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return b"%08x %s\n" % (zlib.crc32(body), body)


@dataclass(frozen=True)
class Read:
    """The records at the start of a journal, and how many bytes they take.

    damaged: behind them lies more than one line that was being written.
    """

    records: tuple[Record, ...]
    good_bytes: int
    damaged: bool = False


def decode(data: bytes) -> Read:
    """What a journal says, up to the first line that is torn or damaged."""
    records: list[Record] = []
    at = 0
    while at < len(data):
        end = data.find(b"\n", at)
        record = _record(data[at:end]) if end >= 0 else None
        if record is None:
            return Read(tuple(records), at, damaged=end >= 0)
        records.append(record)
        at = end + 1
    return Read(tuple(records), at)


def _record(line: bytes) -> Record | None:
    if len(line) <= _DIGITS + 1:
        return None
    body = line[_DIGITS + 1 :]
    if line[: _DIGITS + 1] != b"%08x " % zlib.crc32(body):
        return None
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
