"""Names of models and of their files. Pure.

The alphabet of an id is closed; a file name is one path component that every system accepts
and no system reads as anything else. What this module lets pass cannot leave a folder.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

SUFFIX = ".gguf"
_NAME_LIMIT_BYTES = 200
_FORBIDDEN = frozenset('/\\:*?"<>|')
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{stem}{digit}" for stem in ("com", "lpt") for digit in "0123456789¹²³"]
)
_SPLIT = re.compile(r"^(?P<stem>.+)-(?P<index>\d{5})-of-(?P<count>\d{5})\.gguf$")
_SHOWN_LIMIT = 100


@dataclass(frozen=True)
class Part:
    """One file of a model that is split over several."""

    stem: str
    index: int
    count: int


def is_safe(name: str) -> bool:
    """Whether `name` is one plain file name on Linux, macOS and Windows alike."""
    if not name or name in (".", "..") or len(name.encode("utf-8", "replace")) > _NAME_LIMIT_BYTES:
        return False
    if name != name.strip() or name.endswith(".") or name.startswith("."):
        return False
    # Cc: control, NUL. Cf: marks that turn the reading direction. Cs: half characters.
    if any(c in _FORBIDDEN or unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in name):
        return False
    return name.split(".", 1)[0].rstrip().lower() not in _RESERVED


def slug(file_name: str) -> str:
    """The id a file's name makes: lower case, digits, dots and single dashes."""
    stem = file_name
    part = split_part(file_name)
    if part is not None:
        stem = part.stem
    elif stem.lower().endswith(SUFFIX):
        stem = stem[: -len(SUFFIX)]
    plain = unicodedata.normalize("NFKD", stem).lower()
    text = "".join(c if c.isalnum() or c == "." else "-" for c in plain if not _is_mark(c))
    text = re.sub(r"-{2,}", "-", re.sub(r"\.{2,}", ".", text)).strip("-.")
    return text or "model"


def unique(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or the first of `wanted-2`, `wanted-3` … that is not taken."""
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}-{number}" in taken:
        number += 1
    return f"{wanted}-{number}"


def split_part(file_name: str) -> Part | None:
    """What `…-00002-of-00005.gguf` says; None for a model in one file."""
    match = _SPLIT.match(file_name)
    if match is None:
        return None
    return Part(match["stem"], int(match["index"]), int(match["count"]))


def part_names(file_name: str) -> tuple[str, ...]:
    """The names of all files of the model that this file is the first (or only) one of."""
    part = split_part(file_name)
    if part is None or not 1 <= part.count <= 1000:
        return (file_name,)
    return tuple(
        f"{part.stem}-{index:05d}-of-{part.count:05d}{SUFFIX}" for index in range(1, part.count + 1)
    )


def shown(name: str) -> str:
    """A name somebody else chose, fit for a sentence."""
    plain = "".join(c if c.isprintable() else "_" for c in name)
    return plain if len(plain) <= _SHOWN_LIMIT else f"{plain[:_SHOWN_LIMIT]}…"


def _is_mark(character: str) -> bool:
    return unicodedata.combining(character) != 0
