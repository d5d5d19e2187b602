"""Models split over several files: the names of the parts, and their sum. Pure.

The engine opens the first part and finds the others beside it by name, so that is the
only part a user should point at.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from galosh.base.errors import GaloshError
from galosh.gguf.cursor import damaged
from galosh.gguf.header import Header

_NAME = re.compile(r"^(?P<stem>.+)-(?P<index>\d{5})-of-(?P<count>\d{5})\.gguf$")
MAX_PARTS = 1000


def part_names(name: str, header: Header, label: str) -> tuple[str, ...]:
    """The file names of all parts of a split model, given its first part's name.

    A whole model is its own only part. Raises GaloshError `gguf-not-first-part` or
    `gguf-damaged` when name and header contradict each other.
    """
    if header.split is None:
        return (name,)
    index, count = header.split
    match = _NAME.match(name)
    if match is None or int(match["count"]) != count or not 0 <= index < count <= MAX_PARTS:
        raise damaged(label, "split-name", name=name, index=index + 1, count=count)
    names = tuple(f"{match['stem']}-{i:05d}-of-{count:05d}.gguf" for i in range(1, count + 1))
    if index != 0 or name != names[0]:
        raise GaloshError("gguf-not-first-part", path=label, first=names[0])
    return names


def check_parts(parts: Sequence[Header], label: str) -> None:
    """Whether the parts, in order, are one model. Raises GaloshError `gguf-damaged`."""
    expected = parts[0].whole("split.tensors.count")
    seen: set[str] = set()
    for index, part in enumerate(parts):
        if part.split != (index, len(parts)):
            raise damaged(label, "split-order", index=index + 1, count=len(parts))
        names = {tensor.name for tensor in part.tensors}
        if seen & names:
            raise damaged(label, "tensor-twice", name=min(seen & names)[:200])
        seen |= names
    if expected is not None and expected != len(seen):
        raise damaged(label, "split-tensors", expected=expected, count=len(seen))


def merge(parts: Sequence[Header]) -> Header:
    """The first part's header with the tensors of all; offsets stay those of each part."""
    tensors = tuple(tensor for part in parts for tensor in part.tensors)
    return dataclasses.replace(parts[0], tensors=tensors)
