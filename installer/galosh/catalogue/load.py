"""Reads the shipped catalogue, what was read at the sources since, and the user's own.

The shipped file is never written; `save_readings` writes beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from galosh import presets
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.catalogue.entry import Entry, parse_entry
from galosh.catalogue.reading import Reading, readings_from_json, readings_to_json

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
    own: set[str] = set()
    file = paths.presets / FILE_NAME
    if file.exists():
        for entry in _parse(_read(file), str(file)):
            entries[entry.id] = entry
            own.add(entry.id)
    for model_id, reading in load_readings(paths).items():
        if model_id in entries:
            entries[model_id] = reading.over(entries[model_id], own=model_id in own)
    return tuple(entries.values())


def find(paths: Paths, model_id: str) -> Entry | None:
    """The entry with this id, if there is one."""
    return next((entry for entry in load(paths) if entry.id == model_id), None)


def starter(paths: Paths) -> Entry:
    """The small model that setup fetches first."""
    return next(entry for entry in load(paths) if entry.starter)


def load_readings(paths: Paths) -> dict[str, Reading]:
    """What was read at the models' sources, by id; none from a file that is damaged."""
    return readings_from_json(durable.read_json(paths.catalogue_readings))


def save_readings(paths: Paths, readings: Mapping[str, Reading]) -> None:
    """Keep them for the next start."""
    paths.catalogue_readings.parent.mkdir(parents=True, exist_ok=True)
    durable.write_json(paths.catalogue_readings, readings_to_json(readings))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GaloshError("catalogue-file-wrong", path=str(file), reason=str(error)) from error


def _parse(text: str, origin: str) -> list[Entry]:
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise GaloshError("catalogue-file-wrong", path=origin, reason=str(error)) from error
    tables = document.get("model", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise GaloshError("catalogue-file-wrong", path=origin, reason="[[model]]")
    return [parse_entry(table, origin) for table in tables]
