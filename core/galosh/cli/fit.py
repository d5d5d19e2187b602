"""`galosh fit SOURCE`: memory by part, the verdict and the speed, before any download.

Fetches a model's header and nothing of its weights; a model that is here already is read
where it lies. Keeps nothing.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.base.texts import format_bytes, say
from galosh.cli.output import Output, table

if TYPE_CHECKING:
    from galosh.fit import FitReport, HeaderPart, RunSettings
    from galosh.fit.budget import Verdict
    from galosh.fit.enginelog import EngineAnswer
    from galosh.fit.forecast import SpeedFacts
    from galosh.gguf import Header
    from galosh.hardware import Machine


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Forecast one model. Raises GaloshError `download-…`, `gguf-…`, `fit-no-forecast`."""
    from galosh import hardware
    from galosh.fit import make_report, settings_for
    from galosh.fit.budget import room_of

    paths = Paths.find()
    found = find_model(arguments.source, paths)
    header, machine = found.header, hardware.probe(paths)
    settings = settings_for(
        header,
        arguments.ctx or usual_context(header, paths),
        room=room_of(machine),
        flags=machine.cpu.flags.value,
        cache_type=arguments.cache_type,
    )
    engine = None if arguments.no_engine else ask_engine(found, settings, paths)
    speed = known_speed(paths, machine, header)
    report = make_report(header, settings, machine, speed, engine=engine)
    fetched = found.fetched_bytes
    document = {"source": arguments.source, "fetched_bytes": fetched, **report.to_json()}
    output.result(document, "\n".join(_lines(report, machine, arguments.source, fetched)))
    return 0


@dataclass(frozen=True)
class Found:
    """A model's header and where the engine can read it: the file, or the starts of its parts."""

    header: Header
    file: Path | tuple[HeaderPart, ...]
    fetched_bytes: int = 0


def ask_engine(found: Found, settings: RunSettings, paths: Paths) -> EngineAnswer | None:
    """What the installed engine says of the model; None where there is no engine."""
    from galosh import engine
    from galosh.fit import ghost_load

    current = engine.current(paths)
    return None if current is None else ghost_load(current.python, found.file, [settings])


def known_speed(paths: Paths, machine: Machine, header: Header | None) -> SpeedFacts:
    """What is known of this PC's speed for a model; measured where it is not known yet.

    Raises GaloshError `fit-no-forecast` for a header that says too little, before anything
    is measured.
    """
    from galosh import engine
    from galosh.fit import read_shape
    from galosh.fit.learn import EngineUsed, learn_speed
    from galosh.fit.record import identity_of
    from galosh.fit.work import read_work

    work = None if header is None else read_work(header, read_shape(header))
    current = engine.current(paths)
    used = None if current is None else EngineUsed(current.build_id, current.python)
    threads = Settings.load(paths.settings_file).number("engine.threads")
    identity = "" if header is None else identity_of(header)
    return learn_speed(paths, machine, used, work, identity, threads=threads)


def usual_context(header: Header, paths: Paths) -> int:
    """The context the worker would run it with."""
    chosen = Settings.load(paths.settings_file).number("model.context_tokens")
    return min(chosen, header.context_length or chosen)


def find_model(source: str, paths: Paths) -> Found:
    """A model here or elsewhere; of one that is elsewhere only the start is fetched."""
    from galosh import gguf
    from galosh.download.ask import Asker
    from galosh.download.read_remote import read_remote_model
    from galosh.download.sources import resolve
    from galosh.fit import HeaderPart

    here = _here(source, paths)
    if here is not None:
        return Found(gguf.check_file(here), here)
    with Asker() as asker:
        resolved = resolve(source, paths, asker=asker)
        remote = read_remote_model(resolved, asker)
    parts = tuple(HeaderPart(one.name, one.start, one.size_bytes) for one in remote.parts)
    return Found(remote.header, resolved.local or parts, remote.fetched_bytes)


def _here(source: str, paths: Paths) -> Path | None:
    """The file of a model on disk: a path, a catalogue id, a file name or the daemon's id."""
    from galosh import catalogue

    plain = Path(source).expanduser()
    if plain.is_file():
        return plain
    entry = catalogue.find(paths, source)
    names = {_plain(source)} | ({_plain(entry.file_name)} if entry else set())
    for folder in (paths.models, *sorted(p for p in paths.models.glob("*") if p.is_dir())):
        for file in sorted(folder.glob("*.gguf")):
            if _plain(file.name) in names:
                return file
    return _known_to_daemon(source, paths)


def _plain(name: str) -> str:
    """A file's name or an id made of it, in the one form in which they are the same."""
    stem = re.sub(r"(-\d{5}-of-\d{5})?\.gguf$", "", name.lower())
    return re.sub(r"[^\w.]|_", "-", stem)


def _known_to_daemon(source: str, paths: Paths) -> Path | None:
    from galosh.api import Client, is_running

    if "/" in source or ":" in source or is_running(paths) is None:
        return None
    try:
        models = Client(paths).models()
    except GaloshError:
        return None
    found = (str(model["path"]) for model in models if model.get("id") == source)
    path = Path(next(found, ""))
    return path if path.is_file() else None


def _lines(report: FitReport, machine: Machine, source: str, fetched: int) -> Iterator[str]:
    header, settings = report.header, report.settings
    yield say(
        "fit.model",
        name=header.name or source,
        architecture=header.architecture,
        quantisation=header.file_type_name,
        billions=f"{header.parameter_count / 1e9:.2f}",
    )
    yield say(
        "fit.settings",
        context=settings.context_tokens,
        trained=report.shape.context_train,
        cache=settings.cache_type,
        sequences=settings.sequences,
    )
    yield from ("", *_memory(report), "", *_room(report, machine), "")
    yield verdict_sentence(report.verdict, report.room.most_bytes, machine)
    yield from ("", *_speed(report))
    if fetched:
        yield say("fit.fetched", fetched_bytes=fetched)


def _memory(report: FitReport) -> Iterator[str]:
    memory = report.memory
    yield say("fit.memory-head-engine" if report.is_by_engine else "fit.memory-head")
    rows = [
        [
            f"  {say(f'fit.part.{name}')}",
            format_bytes(size),
            say("fit.largest") if name == report.largest_part else "",
        ]
        for name, size in memory.parts().items()
    ]
    yield table(rows)
    facts = {"peak_bytes": memory.peak_bytes, "lasting_bytes": memory.lasting_bytes}
    yield f"  {say('fit.memory-sum', **facts)}"
    if memory.is_guess:
        yield f"  {say('fit.memory-guess')}"
    yield from (f"  {line}" for line in _engine(report))
    yield say("fit.needed", needed_bytes=report.verdict.needed_bytes)


def _engine(report: FitReport) -> Iterator[str]:
    """What became of asking the engine: that both agree, where they do not, or why not."""
    if report.engine is None:
        return
    for one in report.differences:
        part = say(f"fit.part.{one.part}")
        sizes = {"formula_bytes": one.formula_bytes, "engine_bytes": one.engine_bytes}
        yield say("fit.engine.differs", part=part, **sizes)
    if not report.differences:
        facts = {"architecture": report.header.architecture, "detail": report.engine.detail}
        yield say(f"fit.engine.{report.engine.status}", **facts)


def _room(report: FitReport, machine: Machine) -> Iterator[str]:
    room, memory = report.room, machine.memory
    facts = [
        ("installed", room.installed_bytes, memory.installed_bytes.source),
        ("limit", room.limit_bytes, memory.limit_bytes.source),
        ("available", room.available_bytes, memory.available_bytes.source),
        ("commit", room.commit_free_bytes, machine.swap.commit_limit_bytes.source),
        ("reserve", room.reserve_bytes, ""),
        ("most", room.most_bytes, ""),
        ("now", room.now_bytes, ""),
    ]
    yield say("fit.room-head")
    optional = ("limit", "commit")
    rows = [
        [
            f"  {say(f'fit.room-{name}')}",
            say("cli.unknown") if size is None else format_bytes(size),
            f"({why})" if why else "",
        ]
        for name, size, why in facts
        if size is not None or name not in optional
    ]
    yield table(rows)
    yield f"  {say('fit.room-no-swap')}"


def verdict_sentence(verdict: Verdict, most_bytes: int | None, machine: Machine) -> str:
    """The verdict in one sentence."""
    if verdict.kind == "unknown":
        memory = machine.memory
        fact = memory.available_bytes if memory.installed_bytes.value else memory.installed_bytes
        return say("fit.verdict.unknown", why=fact.source)
    if verdict.by_commit:
        return say("fit.verdict.commit", close_bytes=verdict.close_bytes)
    return say(
        f"fit.verdict.{verdict.kind}", close_bytes=verdict.close_bytes, most_bytes=most_bytes
    )


def _speed(report: FitReport) -> Iterator[str]:
    speed, facts = report.speed, report.facts
    first, full = speed.first_rate, speed.full_rate
    if first is None or full is None:
        yield say(f"fit.no-speed.{facts.bandwidth.refused or 'failed'}")
        return
    yield say(
        "fit.speed",
        low=rounded(first.low),
        mid=rounded(first.mid),
        high=rounded(first.high),
        full_low=rounded(full.low),
        full_high=rounded(full.high),
        basis=say(f"fit.basis.{speed.decode_basis}"),
    )
    if speed.prefill is not None and speed.first_answer is not None:
        yield say(
            "fit.speed-prompt",
            low=rounded(speed.prefill.low),
            mid=rounded(speed.prefill.mid),
            high=rounded(speed.prefill.high),
            basis=say(f"fit.basis.{speed.prefill_basis}"),
        )
        yield say(
            "fit.first-answer",
            tokens=speed.prompt_tokens,
            answer_seconds=speed.first_answer.mid,
            low_seconds=speed.first_answer.low,
            high_seconds=speed.first_answer.high,
        )
    yield from _speed_basis(report)


def _speed_basis(report: FitReport) -> Iterator[str]:
    speed, facts = report.speed, report.facts
    rate = facts.bandwidth.bytes_per_second
    if rate is not None:
        yield say(
            "fit.speed-basis" if facts.measured else "fit.speed-basis-typical",
            token_bytes=report.token_bytes,
            rate_bytes=rate,
            threads=facts.bandwidth.threads,
        )
    if speed.runs:
        yield say("fit.speed-runs", count=speed.runs)


def rounded(number: float) -> str:
    """Two digits: more would claim more than is known."""
    return f"{number:.0f}" if number >= 9.95 else f"{number:.1f}"
