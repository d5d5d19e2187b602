"""Reads the start of a remote file in few, growing requests. Pure: it is given `fetch`.

Owns the window sizes. Keeps what it got, so no byte is asked for twice, and never asks
for more than `WINDOW_ENDS_BYTES[-1]`: a header is at the front or it is not a header.
"""

from __future__ import annotations

from collections.abc import Callable

from galosh.gguf.cursor import damaged

_MIB = 1024 * 1024
# Cumulative. Vocabularies of 50k tokens fit the first window, of 260k the second, which
# stays below 8 MiB so that a forecast never costs more than that for a usual model.
WINDOW_ENDS_BYTES = (2 * _MIB, 15 * _MIB // 2, 16 * _MIB, 32 * _MIB, 64 * _MIB)

Fetch = Callable[[int, int], bytes]


class RangeSource:
    """A ByteSource over `fetch(offset, length) -> bytes`, such as one Range request.

    `fetch` returns at most `length` bytes, fewer only where the file ends, and raises
    GaloshError when the server cannot be used.
    """

    def __init__(self, fetch: Fetch, size_bytes: int | None, label: str) -> None:
        self._fetch = fetch
        self._size_bytes = size_bytes
        self._label = label
        self._have = bytearray()
        self._ended = False

    @property
    def size_bytes(self) -> int | None:
        """The length the server stated, or found by reading to the end."""
        return len(self._have) if self._ended and self._size_bytes is None else self._size_bytes

    @property
    def label(self) -> str:
        """See ByteSource."""
        return self._label

    @property
    def fetched_bytes(self) -> int:
        """How much has come over the line so far."""
        return len(self._have)

    @property
    def prefix(self) -> bytes:
        """Everything fetched so far: the start of the file, for an engine's dry run."""
        return bytes(self._have)

    def read(self, offset: int, length: int) -> bytes:
        """See ByteSource: answers from what is there; fetches only when that is nothing.

        Raises GaloshError `gguf-damaged` past the last window, and whatever `fetch` raises.
        """
        while offset >= len(self._have) and not self._ended:
            if len(self._have) >= WINDOW_ENDS_BYTES[-1]:
                raise damaged(self._label, "header-too-long", limit_bytes=WINDOW_ENDS_BYTES[-1])
            self._grow()
        return bytes(self._have[offset : offset + length])

    def _grow(self) -> None:
        start = len(self._have)
        end = next(end for end in WINDOW_ENDS_BYTES if end > start)
        if self._size_bytes is not None:
            end = min(end, self._size_bytes)
        data = self._fetch(start, end - start) if end > start else b""
        self._have += data[: end - start]
        reached_end = self._size_bytes is not None and len(self._have) >= self._size_bytes
        self._ended = reached_end or len(data) < end - start
