"""Judges every model of the catalogue for this PC as it is now, and names the best.

Needs no network: sizes come from the catalogue, exact figures from the header of a file
that is already here. Reads headers only, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from galosh import catalogue, gguf
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.catalogue import Entry
from galosh.fit import choice
from galosh.fit.budget import Room, judge, room_of
from galosh.fit.choice import Candidate
from galosh.fit.estimate import estimate
from galosh.fit.memory import RunSettings
from galosh.fit.report import make_report, rate_json, room_json
from galosh.fit.speed import Bandwidth, decode_rate
from galosh.fit.swap import SwapAdvice, advise
from galosh.hardware import Machine


@dataclass(frozen=True)
class Recommendation:
    """All candidates, smallest first, and the one to take (None: none fits now)."""

    candidates: tuple[Candidate, ...]
    best: Candidate | None
    room: Room
    bandwidth: Bandwidth
    swap: SwapAdvice
    language: str
    context_tokens: int

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {
            "best": self.best.entry.id if self.best else None,
            "language": self.language,
            "context_tokens": self.context_tokens,
            "models": [_row(one) for one in self.candidates],
            "room": room_json(self.room),
            "bandwidth": dict(vars(self.bandwidth)),
            "swap": dict(vars(self.swap)),
        }


def recommend(
    paths: Paths, machine: Machine, bandwidth: Bandwidth, language: str, context_tokens: int
) -> Recommendation:
    """The catalogue on this PC at a context of `context_tokens`.

    Raises GaloshError `catalogue-…` when the user's own catalogue cannot be read.
    """
    room = room_of(machine)
    candidates = choice.ordered(
        [
            _judged(entry, paths, machine, bandwidth, language, context_tokens)
            for entry in catalogue.load(paths)
        ]
    )
    return Recommendation(
        candidates=candidates,
        best=choice.best(candidates, language),
        room=room,
        bandwidth=bandwidth,
        swap=advise(machine),
        language=language,
        context_tokens=context_tokens,
    )


def _judged(
    entry: Entry,
    paths: Paths,
    machine: Machine,
    bandwidth: Bandwidth,
    language: str,
    context_tokens: int,
) -> Candidate:
    tokens = min(context_tokens, entry.context_tokens or context_tokens)
    file = paths.models / entry.file_name
    if file.is_file():
        known = _from_header(entry, file, machine, bandwidth, language, tokens)
        if known is not None:
            return known
    found = estimate(entry.weight_bytes, entry.parameters_total, entry.parameters_active, tokens)
    if found is None:
        return Candidate(entry, entry.size_bytes, None, None, None, estimated=True)
    rate = decode_rate(found.token_bytes, None, bandwidth)
    return Candidate(
        entry=entry,
        size_bytes=found.size_bytes,
        lasting_bytes=found.lasting_bytes,
        verdict=judge(found.lasting_bytes, found.anonymous_bytes, room_of(machine)),
        words=rate.words(language) if rate else None,
        estimated=True,
    )


def _from_header(
    entry: Entry,
    file: Path,
    machine: Machine,
    bandwidth: Bandwidth,
    language: str,
    tokens: int,
) -> Candidate | None:
    """From the file that is already here; None when it is not sound."""
    try:
        header = gguf.check_file(file)
        report = make_report(header, RunSettings(tokens), machine, bandwidth)
    except GaloshError:
        return None
    rate = report.first_rate
    return Candidate(
        entry=entry,
        size_bytes=header.tensor_bytes,
        lasting_bytes=report.memory.lasting_bytes,
        verdict=report.verdict,
        words=rate.words(language) if rate else None,
        estimated=False,
        on_disk=True,
    )


def _row(one: Candidate) -> dict[str, object]:
    entry = one.entry
    return {
        "id": entry.id,
        "title": entry.title,
        "size_bytes": one.size_bytes,
        "lasting_bytes": one.lasting_bytes,
        "estimated": one.estimated,
        "on_disk": one.on_disk,
        "verdict": dict(vars(one.verdict)) if one.verdict else None,
        "words_per_second": rate_json(one.words),
        "languages": list(entry.languages),
        "licence": entry.licence,
        "good_at": entry.good_at,
    }
