"""Reads the whole header of a model that is still where it came from, split ones included.

Owns the checks that can be made without the weights: the table of tensors against the stated
size, values that no engine survives. Keeps nothing on the disk.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from galosh.download.ask import Asker
from galosh.download.peek import peek
from galosh.download.resolved import Resolved
from galosh.gguf import ByteSource, Header, RangeSource, check_file, read_header
from galosh.gguf.rules import check_data, check_model
from galosh.gguf.split import check_parts, merge


@dataclass(frozen=True)
class RemotePart:
    """One file of a model that is elsewhere: its name, its start, and its whole length."""

    name: str
    start: bytes
    size_bytes: int


@dataclass(frozen=True)
class RemoteModel:
    """A checked header (parts of a split model merged) and the bytes it was read from.

    parts: empty for a file that is here. fetched_bytes: what came over the network.
    """

    header: Header
    parts: tuple[RemotePart, ...] = ()
    fetched_bytes: int = 0


def read_remote_model(resolved: Resolved, asker: Asker) -> RemoteModel:
    """The header of a model, fetching nothing else.

    Raises GaloshError `download-no-ranges`, what `Asker.ask` raises, and `gguf-…` for what
    is no sound model.
    """
    if resolved.local is not None:
        return RemoteModel(check_file(resolved.local))
    first = peek(resolved, asker)
    header = _read(first)
    sources = [(resolved.file_name, first, header)]
    if header.split is not None and not resolved.members and len(resolved.plans) > 1:
        for plan in resolved.plans[1:]:
            alone = dataclasses.replace(
                resolved, plans=(plan,), file_name=plan.file_name, size_bytes=plan.size_bytes
            )
            source = peek(alone, asker)
            sources.append((plan.file_name, source, _read(source)))
        headers = [part for _, _, part in sources]
        check_parts(headers, resolved.file_name)
        header = merge(headers)
    check_model(header, first)
    parts = tuple(_part(*one) for one in sources)
    return RemoteModel(header, parts, sum(_fetched(source) for _, source, _ in sources))


def _part(name: str, source: ByteSource, header: Header) -> RemotePart:
    start = source.prefix if isinstance(source, RangeSource) else b""
    # Without a stated length the table of tensors tells how long it must be.
    size = source.size_bytes or header.data_end or len(start)
    return RemotePart(name, start, size)


def _read(source: ByteSource) -> Header:
    header = read_header(source)
    check_data(header, source)
    return header


def _fetched(source: ByteSource) -> int:
    return source.fetched_bytes if isinstance(source, RangeSource) else 0
