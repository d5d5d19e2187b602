"""Reads the shipped catalogue and the user's own."""

from __future__ import annotations

import sys
from typing import Any

from galosh import presets
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.catalogue.entry import Entry, parse_entry

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "models.toml"


def load(paths: Paths) -> tuple[Entry, ...]:
    """All entries in the order of the files, the user's replacing shipped ones of the same id.

    Raises GaloshError `catalogue-file-wrong` or `catalogue-entry-wrong` for the user's file.
    """
    entries = {entry.id: entry for entry in _parse(presets.read_text(FILE_NAME), FILE_NAME)}
    own = paths.presets / FILE_NAME
    if own.exists():
        for entry in _parse(own.read_text(encoding="utf-8"), str(own)):
            entries[entry.id] = entry
    return tuple(entries.values())


def find(paths: Paths, model_id: str) -> Entry | None:
    """The entry with this id, if there is one."""
    return next((entry for entry in load(paths) if entry.id == model_id), None)


def starter(paths: Paths) -> Entry:
    """The small model that setup fetches first."""
    return next(entry for entry in load(paths) if entry.starter)


def _parse(text: str, origin: str) -> list[Entry]:
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise GaloshError("catalogue-file-wrong", path=origin, reason=str(error)) from error
    return [parse_entry(table, origin) for table in document.get("model", [])]
