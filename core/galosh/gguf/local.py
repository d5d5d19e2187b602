"""Model files on disk: opens them, and checks a whole one before any engine sees it.

Reads the header and nothing of the weights. Opens regular files only, never a pipe or a
device, and never writes.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.gguf.header import Header
from galosh.gguf.reader import read_header
from galosh.gguf.rules import check_data, check_model
from galosh.gguf.split import check_parts, merge, part_names


class FileSource:
    """A file on disk as a ByteSource; a context manager that closes it."""

    def __init__(self, path: Path, descriptor: int, size_bytes: int) -> None:
        self._path = path
        self._file = os.fdopen(descriptor, "rb", buffering=0)
        self._size_bytes = size_bytes

    @property
    def size_bytes(self) -> int | None:
        """See ByteSource."""
        return self._size_bytes

    @property
    def label(self) -> str:
        """See ByteSource."""
        return str(self._path)

    def read(self, offset: int, length: int) -> bytes:
        """See ByteSource. Raises GaloshError `gguf-unreadable` when the disk refuses."""
        try:
            self._file.seek(offset)
            return self._file.read(length) or b""
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> FileSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_file(path: Path) -> FileSource:
    """Open a regular file for reading its header.

    Raises GaloshError gguf-not-found, gguf-not-a-file or gguf-unreadable.
    """
    try:
        # Without O_NONBLOCK opening a named pipe would wait for a writer for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        if not stat.S_ISREG(path.stat().st_mode):
            raise GaloshError("gguf-not-a-file", path=str(path))
        descriptor = os.open(path, flags)
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            os.close(descriptor)
            raise GaloshError("gguf-not-a-file", path=str(path))
        return FileSource(path, descriptor, facts.st_size)
    except FileNotFoundError as error:
        raise GaloshError("gguf-not-found", path=str(path)) from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def check_file(path: Path) -> Header:
    """Check a model file whole: structure, sizes against the disk, hostile values.

    A split model is checked through its first part; the header then holds the tensors of
    all parts. Raises GaloshError gguf-not-found, gguf-not-a-file, gguf-unreadable,
    gguf-not-a-model, gguf-legacy, gguf-big-endian, gguf-unsupported, gguf-truncated,
    gguf-damaged, gguf-part-missing or gguf-not-first-part.
    """
    with open_file(path) as source:
        header = read_header(source)
        check_data(header, source)
        if header.split is not None:
            names = part_names(path.name, header, str(path))
            parts = [header, *(_read_part(path.with_name(name), path) for name in names[1:])]
            check_parts(parts, str(path))
            header = merge(parts)
        check_model(header, source)
    return header


def _read_part(path: Path, first: Path) -> Header:
    if not path.exists():
        raise GaloshError("gguf-part-missing", path=str(first), part=path.name)
    with open_file(path) as source:
        header = read_header(source)
        check_data(header, source)
    return header


def _unreadable(path: Path, error: Exception) -> GaloshError:
    reason = error.strerror if isinstance(error, OSError) else None
    return GaloshError("gguf-unreadable", path=str(path), reason=reason or str(error))
