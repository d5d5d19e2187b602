"""Reads a few bytes out of a zip that stays where it is, by ranges or from memory.

Owns the finding of members: their place, their contents if they are small. Never trusts what
it reads further than the caller checks it: a zip may lie about sizes and offsets.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from galosh.base.errors import GaloshError

Fetch = Callable[[int, int], bytes]

_BLOCK_BYTES = 64 * 1024
_MEMBERS_MAX = 20_000
_SMALL_BYTES = 8 * 1024 * 1024
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


@dataclass(frozen=True)
class ZipMember:
    """One member. offset: of its data in the zip if it is stored as it is, else None."""

    name: str
    size_bytes: int
    offset: int | None


class RangeFile(io.RawIOBase):
    """A seekable file over `fetch(offset, length) -> bytes`; keeps the blocks it got."""

    def __init__(self, fetch: Fetch, size_bytes: int) -> None:
        super().__init__()
        self._fetch = fetch
        self._size_bytes = size_bytes
        self._at = 0
        self._blocks: dict[int, bytes] = {}

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The place the next read starts at."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; see `io.RawIOBase`."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}[whence]
        self._at = base + offset
        if self._at < 0:
            raise ValueError("before the start")
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes from here on; all that is left for -1."""
        left = max(0, self._size_bytes - self._at)
        size = left if size is None or size < 0 else min(size, left)
        number, skip = divmod(self._at, _BLOCK_BYTES)
        data = bytearray()
        while len(data) < size + skip:
            data += self._block(number)
            number += 1
        self._at += size
        return bytes(data[skip : skip + size])

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            start = number * _BLOCK_BYTES
            length = min(_BLOCK_BYTES, self._size_bytes - start)
            data = self._fetch(start, length)
            if len(data) != length:
                raise EOFError("the remote file ended early")
            self._blocks[number] = data
        return self._blocks[number]


class RemoteZip:
    """A zip over a `RangeFile` or in memory.

    Raises GaloshError `download-wheel-damaged` for everything that is no sound zip.
    """

    def __init__(self, file: RangeFile | io.BytesIO, label: str) -> None:
        self._file = file
        self._label = label
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, EOFError, ValueError, OverflowError, struct.error) as error:
            raise self._damaged(str(error)) from error
        if len(self._zip.filelist) > _MEMBERS_MAX:
            raise self._damaged(f"{len(self._zip.filelist)} members")

    def names(self) -> list[str]:
        """The members' names in the order of the directory."""
        return [info.filename for info in self._zip.filelist if not info.is_dir()]

    def member(self, name: str) -> ZipMember:
        """Where a member is and how long."""
        info = self._zip.getinfo(name)
        offset = None
        if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
            offset = self._data_offset(info)
        return ZipMember(name, info.file_size, offset)

    def read_text(self, name: str) -> str:
        """A small member as text."""
        info = self._zip.getinfo(name)
        if info.file_size > _SMALL_BYTES:
            raise self._damaged(f"{name}: {info.file_size} bytes")
        try:
            with self._zip.open(info) as member:
                data = member.read(_SMALL_BYTES + 1)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise self._damaged(f"{name}: {error}") from error
        return data.decode("utf-8", "replace")

    def _data_offset(self, info: zipfile.ZipInfo) -> int:
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL_HEADER.size)
        if len(header) != _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            raise self._damaged(f"{info.filename}: header")
        fields = _LOCAL_HEADER.unpack(header)
        offset = int(info.header_offset + _LOCAL_HEADER.size + fields[-2] + fields[-1])
        self._file.seek(0, io.SEEK_END)
        if info.compress_size != info.file_size or offset + info.file_size > self._file.tell():
            raise self._damaged(f"{info.filename}: place")
        return offset

    def _damaged(self, reason: str) -> GaloshError:
        return GaloshError("download-wheel-damaged", file=self._label, reason=reason[:200])
