"""Changes the metadata of a real model file: entries dropped or replaced, tokens renamed.

Reads the file by its own few lines, independent of galosh's reader; weights are copied as
they are.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from tests.fakes.gguf_writer import text_bytes, value_bytes

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_ALIGNMENT = 32


def edited(
    source: Path,
    target: Path,
    changes: Mapping[str, object | None],
    tokens: Mapping[str, str] | None = None,
) -> Path:
    """A copy with metadata changed (None: dropped). tokens: texts of the vocabulary that get
    another text of the same length."""
    data = source.read_bytes()
    tensors, count = struct.unpack_from("<QQ", data, 8)
    at, kept = 24, []
    for _ in range(count):
        start = at
        key, at = _string(data, at)
        at = _skip(data, at)
        if key not in changes:
            kept.append(data[start:at])
    table = at
    for _ in range(tensors):
        _, at = _string(data, at)
        (dims,) = struct.unpack_from("<I", data, at)
        at += 4 + 8 * dims + 12
    weights = data[at + -at % _ALIGNMENT :]
    given = {key: value for key, value in changes.items() if value is not None}
    for key, value in given.items():
        kept.append(text_bytes(key.encode(), "<", "Q") + value_bytes(value, "<", "Q"))
    body = b"".join(kept)
    for old, new in (tokens or {}).items():
        assert len(old.encode()) == len(new.encode())
        before = struct.pack("<Q", len(old.encode()))
        assert body.count(before + old.encode()) == 1, old
        body = body.replace(before + old.encode(), before + new.encode())
    head = data[:8] + struct.pack("<QQ", tensors, len(kept)) + body + data[table:at]
    target.write_bytes(head + bytes(-len(head) % _ALIGNMENT) + weights)
    return target


def _string(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<Q", data, at)
    return data[at + 8 : at + 8 + length].decode("utf-8", "replace"), at + 8 + length


def _skip(data: bytes, at: int) -> int:
    (kind,) = struct.unpack_from("<I", data, at)
    at += 4
    if kind == _STRING:
        return _string(data, at)[1]
    if kind != _ARRAY:
        return at + _SIZES[kind]
    inner, count = struct.unpack_from("<IQ", data, at)
    at += 12
    if inner != _STRING:
        return at + int(_SIZES[inner] * count)
    for _ in range(count):
        (length,) = struct.unpack_from("<Q", data, at)
        at += 8 + int(length)
    return at
