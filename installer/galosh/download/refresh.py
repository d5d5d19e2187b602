"""Reads anew, at the hub, how large the catalogue's files are and which hash they have.

Asks for lists of files and headers, never for a model's bytes, and writes nothing: the
caller keeps what was read. An entry without a hub source is pinned already and is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from galosh.base.errors import GaloshError
from galosh.catalogue import Entry, Reading
from galosh.download.ask import Asker
from galosh.download.resolve_hub import find_hub, resolve_hub
from galosh.download.source_text import HubText, parse_source

State = Literal["same", "new", "changed", "gone", "failed"]

# Refusals that say the file is not there; any other leaves the entry as it is.
_GONE = frozenset(
    {
        "download-repo-unknown", "download-repo-hidden", "download-file-unknown",
        "download-quant-unknown", "download-no-gguf", "download-revision-unknown",
    }
)  # fmt: skip
_AWAY = "download-network-away"


@dataclass(frozen=True)
class Look:
    """What a look at one entry found. before: as the catalogue had it. error: a refusal."""

    before: Entry
    state: State
    reading: Reading | None = None
    error: GaloshError | None = None


@dataclass(frozen=True)
class Refreshed:
    """All looks in the catalogue's order. away: the network went away before the end."""

    looks: tuple[Look, ...] = ()
    passed_over: tuple[str, ...] = field(default=())
    away: GaloshError | None = None

    @property
    def readings(self) -> Mapping[str, Reading]:
        """What is to be kept, by id."""
        return {look.before.id: look.reading for look in self.looks if look.reading}


def refresh(
    entries: Iterable[Entry],
    today: str,
    *,
    asker: Asker,
    tell: Callable[[Entry], None] = lambda _: None,
) -> Refreshed:
    """Look at every entry; ends early, with what it has, when the network is away.

    today: the date the readings get. tell: called before each look. Never raises.
    """
    looks: list[Look] = []
    passed: list[str] = []
    for entry in entries:
        text = _hub_text(entry)
        if text is None:
            passed.append(entry.id)
            continue
        tell(entry)
        look = _look(entry, text, today, asker)
        if look.error is not None and look.error.code == _AWAY:
            return Refreshed(tuple(looks), tuple(passed), look.error)
        looks.append(look)
    return Refreshed(tuple(looks), tuple(passed))


def _hub_text(entry: Entry) -> HubText | None:
    for source in entry.sources:
        try:
            text = parse_source(source)
        except GaloshError:
            continue
        if isinstance(text, HubText):
            return text
    return None


def _look(entry: Entry, text: HubText, today: str, asker: Asker) -> Look:
    try:
        found = resolve_hub(text, entry.id, asker, find_hub())
    except GaloshError as error:
        if error.code not in _GONE:
            return Look(entry, "failed", error=error)
        gone = Reading(entry.sources, entry.file_name, today, gone=f"{error.what} {error.why}")
        return Look(entry, "gone", gone, error)
    reading = Reading(
        sources=entry.sources,
        file_name=entry.file_name,
        checked=today,
        size_bytes=found.size_bytes,
        sha256=found.sha256,
        commit=found.plans[0].commit,
    )
    return Look(entry, _compare(entry, reading), reading)


def _compare(entry: Entry, reading: Reading) -> State:
    pairs = ((entry.size_bytes, reading.size_bytes), (entry.sha256, reading.sha256))
    if any(had is not None and got is not None and had != got for had, got in pairs):
        return "changed"
    return "new" if any(had is None and got is not None for had, got in pairs) else "same"
