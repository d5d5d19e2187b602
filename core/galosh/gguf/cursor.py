"""Walks through the bytes of a header with hard limits. Pure.

Every length in a file is a claim by a stranger: it is compared with a limit and with the
size of the file before a byte is read or memory taken for it.
"""

from __future__ import annotations

import struct

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.gguf.source import ByteSource, read_fully

MAX_HEADER_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024


def damaged(label: str, reason: str, **facts: object) -> GaloshError:
    """The error for a file that contradicts itself; `reason` is a key below gguf.reason."""
    return GaloshError(
        "gguf-damaged", path=label, reason=say(f"gguf.reason.{reason}", **facts), rule=reason
    )


class Cursor:
    """A position in a ByteSource. All reads raise GaloshError, never anything else."""

    def __init__(self, source: ByteSource, length_bytes: int = 8) -> None:
        self._source = source
        self._base = 0
        self._data = b""
        self.position = 0
        self.length_bytes = length_bytes

    @property
    def label(self) -> str:
        """The source's name for an error's sentence."""
        return self._source.label

    def take(self, length: int) -> bytes:
        """The next `length` bytes.

        Raises GaloshError `gguf-truncated`, or `gguf-damaged` past the header limit.
        """
        start = self._fill(length)
        self.position += length
        return self._data[start : start + length]

    def number(self, layout: str) -> int:
        """One whole number in struct notation, little-endian."""
        value: int = self.scalar(layout)  # type: ignore[assignment]
        return value

    def scalar(self, layout: str) -> bool | int | float:
        """One value in struct notation, little-endian."""
        packed = struct.Struct("<" + layout)
        start = self._fill(packed.size)
        self.position += packed.size
        value: bool | int | float = packed.unpack_from(self._data, start)[0]
        return value

    def length(self) -> int:
        """A count or length as this version of the format writes it."""
        return self.number("Q" if self.length_bytes == 8 else "I")

    def text_bytes(self, limit_bytes: int, reason: str) -> bytes:
        """A length and that many bytes. Raises GaloshError `gguf-damaged` over the limit."""
        length = self.length()
        if length > limit_bytes:
            raise damaged(self.label, reason, size_bytes=length, limit_bytes=limit_bytes)
        return self.take(length)

    def skip(self, length: int) -> None:
        """Step over `length` bytes that must exist."""
        self._check_room(length)
        self.position += length

    def skip_texts(self, count: int) -> None:
        """Step over `count` strings without decoding them."""
        layout = struct.Struct("<Q" if self.length_bytes == 8 else "<I")
        width = self.length_bytes
        while count:
            start = self._fill(width)
            data, last = self._data, len(self._data) - width
            while count and start <= last:
                (length,) = layout.unpack_from(data, start)
                start += width + length
                count -= 1
            target = self._base + start
            self._check_room(target - self.position)
            self.position = target

    def align(self, alignment: int) -> int:
        """The position rounded up to `alignment`."""
        return (self.position + alignment - 1) // alignment * alignment

    def _fill(self, length: int) -> int:
        """Make the next `length` bytes present; returns where they start in the buffer."""
        start = self.position - self._base
        if start >= 0 and start + length <= len(self._data):
            return start
        self._check_room(length)
        wish = max(length, min(_CHUNK_BYTES, MAX_HEADER_BYTES - self.position))
        data = self._source.read(self.position, wish)
        if len(data) < length:
            rest = length - len(data)
            data += read_fully(self._source, self.position + len(data), rest)
        self._data, self._base = data, self.position
        if len(data) < length:
            raise self._truncated(self.position + length, self.position + len(self._data))
        return 0

    def _check_room(self, length: int) -> None:
        end = self.position + length
        if end > MAX_HEADER_BYTES:
            raise damaged(self.label, "header-too-long", limit_bytes=MAX_HEADER_BYTES)
        size = self._source.size_bytes
        if size is not None and end > size:
            raise self._truncated(end, size)

    def _truncated(self, needed: int, have: int) -> GaloshError:
        return GaloshError(
            "gguf-truncated", path=self.label, size_bytes=have, missing_bytes=needed - have
        )
