"""What a model's source said of it when the catalogue was refreshed. Pure.

A reading never edits the catalogue: it is laid over an entry of the same source, and is
forgotten when the shipped entry is newer or names another file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from galosh.catalogue.entry import Entry

FORMAT = 1


@dataclass(frozen=True)
class Reading:
    """One file at one time. gone: the source's words when the file is not there any more."""

    sources: tuple[str, ...]
    file_name: str
    checked: str
    size_bytes: int | None = None
    sha256: str | None = None
    commit: str | None = None
    gone: str = ""

    def fits(self, entry: Entry) -> bool:
        """Whether it was read for this very entry, and not before the entry was written."""
        same = self.sources == entry.sources and self.file_name == entry.file_name
        return same and self.checked >= entry.dated

    def over(self, entry: Entry, *, own: bool) -> Entry:
        """The entry with what was read; own: what a user wrote down stays as it is."""
        if not self.fits(entry):
            return entry
        if self.gone:
            return dataclasses.replace(entry, checked=self.checked, gone=self.gone)
        size, digest = self.size_bytes or entry.size_bytes, self.sha256 or entry.sha256
        if own:
            size, digest = entry.size_bytes or size, entry.sha256 or digest
        return dataclasses.replace(entry, size_bytes=size, sha256=digest, checked=self.checked)


def readings_to_json(readings: Mapping[str, Reading]) -> dict[str, object]:
    """The document of all readings by model id."""
    models = {
        model_id: {**dataclasses.asdict(one), "sources": list(one.sources)}
        for model_id, one in readings.items()
    }
    return {"format": FORMAT, "models": models}


def readings_from_json(document: object) -> dict[str, Reading]:
    """The readings of a document; what is not understood is left out."""
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        return {}
    models = document.get("models")
    found = {}
    for model_id, facts in models.items() if isinstance(models, Mapping) else ():
        one = _reading(facts)
        if one is not None:
            found[str(model_id)] = one
    return found


def _reading(facts: object) -> Reading | None:
    if not isinstance(facts, Mapping):
        return None
    sources, size = facts.get("sources"), facts.get("size_bytes")
    texts = {name: facts.get(name) for name in ("file_name", "checked", "gone")}
    if not isinstance(sources, list) or not all(isinstance(t, str) for t in texts.values()):
        return None
    digest, commit = facts.get("sha256"), facts.get("commit")
    return Reading(
        sources=tuple(str(source) for source in sources),
        file_name=str(texts["file_name"]),
        checked=str(texts["checked"]),
        size_bytes=size if isinstance(size, int) and size > 0 else None,
        sha256=digest if isinstance(digest, str) else None,
        commit=commit if isinstance(commit, str) else None,
        gone=str(texts["gone"]),
    )
