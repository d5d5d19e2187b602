"""Model files for tests: small, true GGUF files with reproducible contents.

Owns the bytes of made-up models. Never needs a model library.
"""

from __future__ import annotations

import hashlib
import random
import struct

_MIB = 1024 * 1024
_I8 = 24  # ggml tensor type of one byte per value


def noise(size_bytes: int, seed: int = 1) -> bytes:
    """Reproducible bytes that do not compress."""
    source = random.Random(seed)
    blocks = [source.randbytes(min(_MIB, size_bytes - at)) for at in range(0, size_bytes, _MIB)]
    return b"".join(blocks)


def gguf(size_bytes: int, seed: int = 1) -> bytes:
    """A GGUF version 3 file of exactly `size_bytes` (at least 256): one tensor of noise."""

    def string(text: str) -> bytes:
        raw = text.encode()
        return struct.pack("<Q", len(raw)) + raw

    def header(values: int) -> bytes:
        raw = b"GGUF" + struct.pack("<IQQ", 3, 1, 2)
        raw += string("general.architecture") + struct.pack("<I", 8) + string("llama")
        raw += string("general.name") + struct.pack("<I", 8) + string(f"made-up {seed}")
        raw += string("token_embd.weight") + struct.pack("<IQIQ", 1, values, _I8, 0)
        return raw + bytes(-len(raw) % 32)

    values = size_bytes - len(header(0))
    return header(values) + noise(values, seed)


def sha256(data: bytes) -> str:
    """The digest as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
