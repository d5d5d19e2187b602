"""Model files with something wrong in them."""

from __future__ import annotations

import struct
from pathlib import Path

_KEY = b"tokenizer.chat_template"
_STRING = 8


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
