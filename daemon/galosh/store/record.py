"""The record of models used where they lie: `models.json`.

Owns that file's form. Fields it does not know survive a change; a damaged file is set aside,
never deleted, and counts as empty.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from galosh.base import durable

_VERSION = 1


class Recorded(NamedTuple):
    """One entry. name: what the model is called where its file's name says nothing."""

    path: Path
    name: str | None


class Record:
    """The record on disk; every call reads or writes it whole. Blocking."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self) -> tuple[Recorded, ...]:
        """The recorded model files, in the order they were added."""
        data = durable.read_json(self._path)
        document = data if isinstance(data, dict) else {}
        return tuple(
            Recorded(Path(str(entry["path"])), _name(entry.get("name")))
            for entry in self._entries(document)
        )

    def add(self, path: Path, **facts: object) -> None:
        """Record one more; a path already there is left alone. Raises a write error."""
        document = self._document()
        entries = self._entries(document)
        if any(entry["path"] == str(path) for entry in entries):
            return
        entries.append({"path": str(path), **facts})
        self._write(document, entries)

    def remove(self, path: Path) -> None:
        """Forget one. Raises a write error."""
        document = self._document()
        entries = [e for e in self._entries(document) if e["path"] != str(path)]
        self._write(document, entries)

    def _write(self, document: dict[str, object], entries: list[dict[str, object]]) -> None:
        durable.write_json(self._path, {**document, "version": _VERSION, "models": entries})

    def _document(self) -> dict[str, object]:
        data = durable.read_json(self._path)
        if isinstance(data, dict):
            return data
        if self._path.exists():
            aside = self._path.with_name(f"{self._path.name}.damaged-{int(time.time())}")
            try:
                durable.replace(self._path, aside)
            except OSError as error:
                raise durable.explain_os_error(error, self._path) from error
        return {}

    @staticmethod
    def _entries(document: dict[str, object]) -> list[dict[str, object]]:
        models = document.get("models")
        if not isinstance(models, list):
            return []
        return [e for e in models if isinstance(e, dict) and isinstance(e.get("path"), str)]


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
