"""Model files with something wrong in them."""

from __future__ import annotations

import struct
from pathlib import Path

_KEY = b"tokenizer.chat_template"
_STRING = 8
_UINT32, _INT32 = 4, 5


def with_template(model: Path, target: Path, source: str) -> Path:
    """A copy of `model` with another chat template of the same length (padded by a comment)."""
    data = bytearray(model.read_bytes())
    start = data.index(_KEY) + len(_KEY)
    kind, length = struct.unpack_from("<IQ", data, start)
    assert kind == _STRING
    text = source.encode()
    padding = length - len(text) - 4
    assert padding >= 0, "the new template must be shorter"
    start += 12
    data[start : start + length] = text + b"{#" + b"x" * padding + b"#}"
    target.write_bytes(data)
    return target


def with_lie(
    model: Path,
    target: Path,
    tensor: str,
    *,
    dims: tuple[int, int] | None = None,
    kind: int | None = None,
    offset: int | None = None,
) -> Path:
    """A copy of `model` whose table says something else about a tensor of two dimensions."""
    data = bytearray(model.read_bytes())
    name = struct.pack("<Q", len(tensor)) + tensor.encode()
    at = data.index(name) + len(name)
    count, *was = struct.unpack_from("<IQQIQ", data, at)
    assert count == 2
    own = dims or (was[0], was[1])
    told = (was[2] if kind is None else kind, was[3] if offset is None else offset)
    struct.pack_into("<IQQIQ", data, at, 2, *own, *told)
    target.write_bytes(data)
    return target


def with_number(model: Path, target: Path, key: str, value: int) -> Path:
    """A copy of `model` with another 32-bit number in its metadata."""
    data = bytearray(model.read_bytes())
    at = data.index(key.encode()) + len(key)
    (kind,) = struct.unpack_from("<I", data, at)
    assert kind in (_UINT32, _INT32)
    struct.pack_into("<I", data, at + 4, value)
    target.write_bytes(data)
    return target
