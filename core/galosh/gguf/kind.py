"""What a file is, told from its first bytes. Pure; needs no more than `HEAD_BYTES`.

Knows GGUF, the three formats the engine used before it (GGML, GGMF, GGJT of 2023), and
the things people end up with instead of a model: a web page, a pointer file, an archive.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

from galosh.gguf.quant import FILE_TYPES

HEAD_BYTES = 4096
_SAFETENSORS_HEADER_LIMIT_BYTES = 100_000_000


class FileKind(enum.Enum):
    """The kinds of file that `identify` tells apart."""

    GGUF = "gguf"
    GGUF_BIG_ENDIAN = "gguf-big-endian"
    GGML = "ggml"
    GGMF = "ggmf"
    GGJT = "ggjt"
    GGLA = "ggla"
    ZIP = "zip"
    HTML = "html"
    SAFETENSORS = "safetensors"
    PICKLE = "pickle"
    GIT_LFS = "git-lfs"
    JSON = "json"
    ZEROS = "zeros"
    EMPTY = "empty"
    UNKNOWN = "unknown"


LEGACY_KINDS = frozenset({FileKind.GGML, FileKind.GGMF, FileKind.GGJT, FileKind.GGLA})

# The magics were written as little-endian numbers, so they stand reversed on disk.
_LEGACY_MAGICS = {
    b"lmgg": FileKind.GGML,
    b"fmgg": FileKind.GGMF,
    b"tjgg": FileKind.GGJT,
    b"algg": FileKind.GGLA,
}


def identify(head: bytes) -> FileKind:
    """The kind of the file that starts with `head` (`HEAD_BYTES` of it are enough)."""
    if not head:
        return FileKind.EMPTY
    magic = head[:4]
    if magic == b"GGUF":
        return FileKind.GGUF_BIG_ENDIAN if _version_is_swapped(head) else FileKind.GGUF
    if magic == b"FUGG":
        return FileKind.GGUF_BIG_ENDIAN
    if magic in _LEGACY_MAGICS:
        return _LEGACY_MAGICS[magic]
    if magic in (b"PK\x03\x04", b"PK\x05\x06"):
        return FileKind.ZIP
    if len(head) >= 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return FileKind.PICKLE
    if _is_safetensors(head):
        return FileKind.SAFETENSORS
    if not head.strip(b"\0"):
        return FileKind.ZEROS
    return _identify_text(head)


def _version_is_swapped(head: bytes) -> bool:
    if len(head) < 8:
        return False
    version: int = struct.unpack_from("<I", head, 4)[0]
    return version != 0 and version & 0xFFFF == 0


def _is_safetensors(head: bytes) -> bool:
    if len(head) < 9:
        return False
    (length,) = struct.unpack_from("<Q", head)
    return 2 <= length <= _SAFETENSORS_HEADER_LIMIT_BYTES and head[8:9] == b"{"


def _identify_text(head: bytes) -> FileKind:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<?xml", b"<!--")):
        return FileKind.HTML
    if text.startswith(b"version https://git-lfs"):
        return FileKind.GIT_LFS
    if text.startswith((b'{"', b"{\n", b"{ ", b"{}", b'["', b"[{")):
        return FileKind.JSON
    return FileKind.UNKNOWN


@dataclass(frozen=True)
class LegacyModel:
    """What the first bytes of a model file of 2023 tell. Unknown is None."""

    format_name: str
    version: int | None
    size_name: str | None
    quantisation: str | None

    @property
    def title(self) -> str:
        """For example `GGJT v3, 13B, Q5_1`."""
        name = self.format_name if self.version is None else f"{self.format_name} v{self.version}"
        return ", ".join(part for part in (name, self.size_name, self.quantisation) if part)

    @property
    def heir(self) -> str:
        """The catalogue's id of what does its work today, on a PC that could run it."""
        return _HEIRS.get(self.size_name or "", _HEIR)


# What a PC ran in 2023 with four bits it runs today with one of these.
_HEIRS = {
    "3B": "qwen3.5-2b", "7B": "qwen3.5-4b", "13B": "qwen3.5-9b", "30B": "gemma4-26b-a4b",
    "65B": "qwen3.6-35b-a3b",
}  # fmt: skip
_HEIR = "qwen3.5-4b"

# Layers of the LLaMA models of 2023, by which people named them.
_SIZES = {26: "3B", 32: "7B", 40: "13B", 60: "30B", 80: "65B"}


def read_legacy(head: bytes) -> LegacyModel | None:
    """The format, version, size and quantisation of a GGML, GGMF, GGJT or GGLA file.

    None when `head` is none of them. Values that make no sense are left out.
    """
    kind = _LEGACY_MAGICS.get(head[:4])
    if kind is None:
        return None
    version: int | None = None
    offset = 4
    if kind is not FileKind.GGML:
        if len(head) < 8:
            return LegacyModel(kind.name, None, None, None)
        (version,) = struct.unpack_from("<I", head, offset)
        offset = 8
        if version > 1000:
            version = None
    if kind is FileKind.GGLA or len(head) < offset + 28:
        return LegacyModel(kind.name, version, None, None)
    vocabulary, _, _, _, layers, _, file_type = struct.unpack_from("<7i", head, offset)
    if not 0 < vocabulary < 1_000_000:
        return LegacyModel(kind.name, version, None, None)
    # Later writers added the version of the number format in thousands.
    quantisation = FILE_TYPES.get(file_type % 1000)
    return LegacyModel(kind.name, version, _SIZES.get(layers), quantisation)
