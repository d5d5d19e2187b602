"""Reads the whole header of a model that is still where it came from, split ones included.

Owns the checks that can be made without the weights: the table of tensors against the stated
size, values that no engine survives. Keeps nothing on the disk.
"""

from __future__ import annotations

import dataclasses

from galosh.download.ask import Asker
from galosh.download.peek import peek
from galosh.download.resolved import Resolved
from galosh.gguf import ByteSource, Header, RangeSource, check_file, read_header
from galosh.gguf.rules import check_data, check_model
from galosh.gguf.split import check_parts, merge


def read_remote_header(resolved: Resolved, asker: Asker) -> tuple[Header, int]:
    """The checked header (parts of a split model merged) and how many bytes were fetched.

    Raises GaloshError `download-no-ranges`, what `Asker.ask` raises, and `gguf-…` for what
    is no sound model.
    """
    if resolved.local is not None:
        return check_file(resolved.local), 0
    first = peek(resolved, asker)
    header = _read(first)
    fetched = _fetched(first)
    if header.split is not None and not resolved.members and len(resolved.plans) > 1:
        parts = [header]
        for plan in resolved.plans[1:]:
            alone = dataclasses.replace(
                resolved, plans=(plan,), file_name=plan.file_name, size_bytes=plan.size_bytes
            )
            source = peek(alone, asker)
            parts.append(_read(source))
            fetched += _fetched(source)
        check_parts(parts, resolved.file_name)
        header = merge(parts)
    check_model(header, first)
    return header, fetched


def _read(source: ByteSource) -> Header:
    header = read_header(source)
    check_data(header, source)
    return header


def _fetched(source: ByteSource) -> int:
    return source.fetched_bytes if isinstance(source, RangeSource) else 0
