"""Judges every model of the catalogue for this PC as it is now, and names the best.

Needs no network: sizes come from the catalogue, exact figures from the header of a file
that is already here; a caller that may use the network passes a way to read the others.
Reads headers only, changes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from galosh import catalogue, gguf
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.catalogue import Entry
from galosh.fit import choice
from galosh.fit.budget import Room, Verdict, judge, room_of
from galosh.fit.choice import Candidate
from galosh.fit.estimate import Estimate, estimate
from galosh.fit.forecast import PROMPT_TOKENS, SpeedFacts, typical_prefill
from galosh.fit.ladder import COARSER_CACHE, CONTEXTS, rungs, settings_for
from galosh.fit.record import identity_of
from galosh.fit.report import make_report, rate_json, room_json
from galosh.fit.speed import Bandwidth, Rate, decode_rate
from galosh.fit.swap import SwapAdvice, advise
from galosh.gguf import Header
from galosh.hardware import Machine

# Reads a model's header where it lies elsewhere; None when it cannot be had now.
HeaderReader = Callable[[Entry], "Header | None"]
# Each look costs a few MiB; past so many the sizes are good enough.
_LOOKS = 6


@dataclass(frozen=True)
class Recommendation:
    """All candidates, smallest first, and the one to take (None: none fits now).

    shown_first: the same, best first.
    """

    candidates: tuple[Candidate, ...]
    best: Candidate | None
    room: Room
    bandwidth: Bandwidth
    swap: SwapAdvice
    language: str
    context_tokens: int

    @property
    def shown_first(self) -> tuple[Candidate, ...]:
        """All candidates, best first."""
        return choice.worth_showing(self.candidates, self.language)

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
    paths: Paths,
    machine: Machine,
    speed: Bandwidth | SpeedFacts,
    language: str,
    context_tokens: int,
    read_header: HeaderReader | None = None,
) -> Recommendation:
    """The catalogue on this PC, wished for at a context of `context_tokens`.

    speed: what is known of this PC's. read_header: used, a few times at most, where only a
    header can settle which is best.
    Raises GaloshError `catalogue-…` when the user's own catalogue cannot be read.
    """
    facts = speed
    if isinstance(facts, Bandwidth):
        facts = SpeedFacts(facts, flags=machine.cpu.flags.value)
    bench = _Bench(machine, facts, language, context_tokens)
    candidates = [
        bench.by_header(entry, header, on_disk=True)
        if (header := _header_here(entry, paths)) is not None
        else bench.by_size(entry)
        for entry in catalogue.load(paths)
    ]
    if read_header is not None:
        candidates = _settle(candidates, bench, read_header)
    return Recommendation(
        candidates=choice.ordered(candidates),
        best=choice.best(candidates, language),
        room=bench.room,
        bandwidth=facts.bandwidth,
        swap=advise(machine),
        language=language,
        context_tokens=context_tokens,
    )


class _Bench:
    """This PC, on which one entry after the other is laid."""

    def __init__(
        self, machine: Machine, facts: SpeedFacts, language: str, context_tokens: int
    ) -> None:
        self.room = room_of(machine)
        self.language = language
        self._machine = machine
        self._facts = facts
        self._context_tokens = context_tokens

    def by_header(self, entry: Entry, header: Header, *, on_disk: bool) -> Candidate:
        """Exactly; by size where the header does not tell enough."""
        flags = self._machine.cpu.flags.value
        tokens = min(self._context_tokens, header.context_length or self._context_tokens)
        try:
            wanted = settings_for(header, tokens, room=self.room, flags=flags)
            ladder = rungs(header, wanted, self.room, flags)
            contexts = [one.settings.context_tokens for one in ladder]
            rung = ladder[_chosen(contexts, [one.verdict for one in ladder])]
            facts = dataclasses.replace(self._facts, identity=identity_of(header))
            report = make_report(header, rung.settings, self._machine, facts)
        except GaloshError:
            return self.by_size(entry)
        rate, wait = report.first_rate, report.speed.first_answer
        return Candidate(
            entry=entry,
            size_bytes=header.tensor_bytes,
            lasting_bytes=rung.memory.lasting_bytes,
            verdict=rung.verdict,
            words=rate.words(self.language) if rate else None,
            estimated=False,
            on_disk=on_disk,
            context_tokens=rung.settings.context_tokens,
            cache_type=rung.settings.cache_type,
            first_word_seconds=wait.mid if wait else None,
        )

    def by_size(self, entry: Entry) -> Candidate:
        """From the size and the parameters that the catalogue states."""
        ladder = self._estimates(entry)
        if not ladder:
            return Candidate(entry, entry.weight_bytes, None, None, None, estimated=True)
        verdicts = [
            judge(one.lasting_bytes, one.anonymous_bytes, self.room) for _, _, one in ladder
        ]
        at = _chosen([tokens for tokens, _, _ in ladder], verdicts)
        tokens, cache_type, found = ladder[at]
        rate = decode_rate(found.token_bytes, None, self._facts.bandwidth)
        return Candidate(
            entry=entry,
            size_bytes=found.size_bytes,
            lasting_bytes=found.lasting_bytes,
            verdict=verdicts[at],
            words=rate.words(self.language) if rate else None,
            estimated=True,
            context_tokens=tokens,
            cache_type=cache_type,
            first_word_seconds=self._wait(entry, found, rate),
        )

    def _wait(self, entry: Entry, found: Estimate, rate: Rate | None) -> float | None:
        """Until the first word after a prompt of some pages, as processors of this sort do it."""
        total = entry.parameters_total
        if rate is None or not total:
            return None
        operations = 2 * total * found.token_bytes / found.size_bytes
        prefill = typical_prefill(operations, self._facts.bandwidth.threads, self._facts.flags)
        return PROMPT_TOKENS / prefill.mid + 1 / rate.mid

    def _estimates(self, entry: Entry) -> list[tuple[int, str, Estimate]]:
        wanted = min(self._context_tokens, entry.context_tokens or self._context_tokens)
        contexts = [wanted, *(tokens for tokens in CONTEXTS if tokens < wanted)]
        ways = [(tokens, kind) for kind in ("f16", COARSER_CACHE) for tokens in contexts]
        total, active = entry.parameters_total, entry.parameters_active
        made = [(*way, estimate(entry.weight_bytes, total, active, *way)) for way in ways]
        return [(tokens, kind, one) for tokens, kind, one in made if one is not None]


def _chosen(contexts: Sequence[int], verdicts: Sequence[Verdict]) -> int:
    """Which rung to speak of: the first that fits now and leaves room for a talk, any that
    fits now, else the best that would fit after closing programs, else the one that asks least."""
    talks = [tokens >= min(choice.TALK_TOKENS, contexts[0]) for tokens in contexts]
    for kind in ("fits", "fits-after-closing", "unknown"):
        of_kind = [at for at, verdict in enumerate(verdicts) if verdict.kind == kind]
        if of_kind:
            return next((at for at in of_kind if talks[at]), of_kind[0])
    return min(range(len(verdicts)), key=lambda at: verdicts[at].needed_bytes)


def _settle(
    candidates: list[Candidate], bench: _Bench, read_header: HeaderReader
) -> list[Candidate]:
    """Read headers until the best is known exactly: of the one that leads by its size, and of
    those that would lead if they turned out to fit."""
    seen: set[str] = set()
    for _ in range(_LOOKS):
        doubtful = [
            one
            for one in candidates
            if one.estimated
            and one.entry.id not in seen
            and (one.size_bytes or 0) <= (bench.room.now_bytes or 0)
            and choice.would_win(one, candidates, bench.language)
        ]
        if not doubtful:
            break
        one = max(doubtful, key=lambda one: choice.strength(one.entry))
        seen.add(one.entry.id)
        header = read_header(one.entry)
        if header is None:
            break  # away: sizes have to do, and nobody waits for it again and again
        exact = bench.by_header(one.entry, header, on_disk=False)
        candidates = [exact if other is one else other for other in candidates]
    return candidates


def _header_here(entry: Entry, paths: Paths) -> Header | None:
    """Of the file that is already here; None when there is none or it is not sound."""
    file = paths.models / entry.file_name
    if not file.is_file():
        return None
    try:
        return gguf.check_file(file)
    except GaloshError:
        return None


def _row(one: Candidate) -> dict[str, object]:
    entry = one.entry
    return {
        "id": entry.id,
        "title": entry.title,
        "size_bytes": one.size_bytes,
        "lasting_bytes": one.lasting_bytes,
        "context_tokens": one.context_tokens or None,
        "cache_type": one.cache_type,
        "estimated": one.estimated,
        "on_disk": one.on_disk,
        "verdict": dict(vars(one.verdict)) if one.verdict else None,
        "words_per_second": rate_json(one.words),
        "first_word_seconds": one.first_word_seconds,
        "languages": list(entry.languages),
        "licence": entry.licence,
        "good_at": entry.good_at,
        "memory_class_gib": entry.memory_class_gib,
        "gone": entry.gone or None,
    }
