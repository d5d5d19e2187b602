"""What a model file's header says, remembered by path, size and time of change.

Checking a header costs tens of milliseconds and a list has many; the memory is one JSON file
that may be lost at any time. A broken file is remembered too, with its error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.store.clues import read_clues

# Part of the file: facts found by an older rule book are not trusted.
_VERSION = 2


@dataclass(frozen=True)
class FileFacts:
    """The checked header in brief. Unknown is None; error: why the file is not sound.

    clues: what tells which prompt template it wants; None for one that brings its own.
    """

    architecture: str | None = None
    name: str | None = None
    context_length: int | None = None
    file_type: str | None = None
    parameters: int | None = None
    clues: Mapping[str, object] | None = None
    error: GaloshError | None = None

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        error = None if self.error is None else self.error.to_json()
        return {**vars(self), "error": error}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> FileFacts:
        """The facts that `to_json` wrote."""
        error, clues = data.get("error"), data.get("clues")
        return cls(
            architecture=_text(data.get("architecture")),
            name=_text(data.get("name")),
            context_length=_whole(data.get("context_length")),
            file_type=_text(data.get("file_type")),
            parameters=_whole(data.get("parameters")),
            clues=clues if isinstance(clues, Mapping) else None,
            error=GaloshError.from_json(error) if isinstance(error, Mapping) else None,
        )


class FactsMemory:
    """Facts by file. `save` when a round of asking is over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[str, object]] | None = None
        self._asked: set[str] = set()
        self._changed = False

    def ask(self, path: Path, stamp: tuple[int, int]) -> FileFacts:
        """The facts of the model whose first file is `path`; never raises.

        stamp: size of all its files in bytes and latest change in nanoseconds.
        """
        known = self._load()
        key = str(path)
        self._asked.add(key)
        entry = known.get(key)
        if entry is not None and entry.get("stamp") == list(stamp):
            facts = entry.get("facts")
            if isinstance(facts, Mapping):
                return FileFacts.from_json(facts)
        found = read_facts(path)
        known[key] = {"stamp": list(stamp), "facts": found.to_json()}
        self._changed = True
        return found

    def save(self) -> None:
        """Write what is new and drop files nobody asked about. Losing it costs only time."""
        known = self._load()
        gone = set(known) - self._asked
        for key in gone:
            del known[key]
        self._asked.clear()
        if not (self._changed or gone):
            return
        self._changed = False
        with contextlib.suppress(GaloshError):  # a full disk must not hide the models on it
            durable.write_json(self._path, {"version": _VERSION, "files": known})

    def _load(self) -> dict[str, dict[str, object]]:
        if self._known is None:
            data = durable.read_json(self._path)
            right = isinstance(data, Mapping) and data.get("version") == _VERSION
            files = data.get("files") if isinstance(data, Mapping) and right else None
            entries = files.items() if isinstance(files, Mapping) else ()
            self._known = {str(k): dict(v) for k, v in entries if isinstance(v, Mapping)}
        return self._known


def read_facts(path: Path) -> FileFacts:
    """Check the file and say what it is; an unsound one comes with its error."""
    from galosh import gguf

    try:
        header = gguf.check_file(path)
    except GaloshError as error:
        return FileFacts(error=error)
    return FileFacts(
        architecture=header.architecture,
        name=header.name,
        context_length=header.context_length,
        file_type=header.file_type_name,
        parameters=header.parameter_count,
        clues=read_clues(path, header),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
