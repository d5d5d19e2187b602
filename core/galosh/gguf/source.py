"""Where header bytes come from: the one Protocol, and memory as its simplest form.

Pure. A source may be a file, bytes, or the far end of HTTP Range requests; the header
reader asks for a stretch and gets it, or fewer bytes where the source ends.
"""

from __future__ import annotations

from typing import Protocol


class ByteSource(Protocol):
    """A stretch of bytes that can be read anywhere."""

    @property
    def size_bytes(self) -> int | None:
        """The whole length; None when the source does not know it."""

    @property
    def label(self) -> str:
        """The path or address, for an error's sentence."""

    def read(self, offset: int, length: int) -> bytes:
        """At least one and up to `length` bytes from `offset`; none only past the end.

        A short answer means "this much without another request": ask again for the rest.
        Raises GaloshError when the bytes cannot be had.
        """


def read_fully(source: ByteSource, offset: int, length: int) -> bytes:
    """`length` bytes from `offset`, in as many reads as it takes; fewer where it ends."""
    data = source.read(offset, length)
    while len(data) < length:
        more = source.read(offset + len(data), length - len(data))
        if not more:
            break
        data += more
    return data


class BytesSource:
    """Bytes in memory as a ByteSource."""

    def __init__(self, data: bytes, label: str = "bytes") -> None:
        self._data = data
        self._label = label

    @property
    def size_bytes(self) -> int | None:
        """See ByteSource."""
        return len(self._data)

    @property
    def label(self) -> str:
        """See ByteSource."""
        return self._label

    def read(self, offset: int, length: int) -> bytes:
        """See ByteSource."""
        return self._data[offset : offset + length]
