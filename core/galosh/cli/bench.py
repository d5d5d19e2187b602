"""`galosh bench`: how fast this PC really is, beside what was forecast for it.

Drives the daemon over its API as any program would, so that what is measured is what a user
gets. The daemon keeps the times of every answer; later forecasts are corrected by them.
Refuses on a busy PC, where every number would be wrong, unless told to go on.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.api import Client
from galosh.api.wire import Usage
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import format_seconds, say
from galosh.cli.ask import ready_client
from galosh.cli.fit import rounded
from galosh.cli.output import Output, table

if TYPE_CHECKING:
    from galosh.fit import FitReport
    from galosh.fit.speed import Rate

RUNS = 3
_PROMPT_WORDS = 400
_WRITTEN_TOKENS = 96
_WORDS = ("sea", "stone", "light", "paper", "green", "house", "road", "tree", "window", "winter")
_QUESTION = "Write a long story about a lighthouse."
_REST = "model.idle_rest_seconds"
_REST_SECONDS = 0.5
_REST_WAIT_SECONDS = 15.0
_SHORT_SECONDS = 0.995


@dataclass
class Results:
    """What was measured; rates in tokens per second, None where there was nothing to see."""

    model: str
    busy: bool
    reading: list[float] = field(default_factory=list)
    writing: list[float] = field(default_factory=list)
    cold_seconds: float | None = None
    warm_seconds: float | None = None
    wake_seconds: float | None = None

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {
            "model": self.model,
            "busy": self.busy,
            "prefill": spread(self.reading),
            "decode": spread(self.writing),
            "first_word_seconds": {
                "cold": self.cold_seconds,
                "warm": self.warm_seconds,
                "after_wake": self.wake_seconds,
            },
        }


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Measure and print. Raises GaloshError `cli-bench-busy`, or the daemon's own errors."""
    from galosh.fit.probe import is_busy

    paths = Paths.find()
    busy = is_busy()
    if busy and not arguments.anyway:
        raise GaloshError("cli-bench-busy")
    client = ready_client(output)
    model = _loaded(client, arguments.model)
    report = _forecast(client, paths, model)  # before the runs it is compared with
    results = Results(model, busy)
    for step in _steps(client, results, arguments.runs):
        if output.interactive:
            output.note(say(f"cli.bench-step-{step}"))
    document = {**results.to_json(), "forecast": None if report is None else _speed_json(report)}
    output.result(document, "\n".join(_lines(results, report)))
    return 0


def _loaded(client: Client, wanted: str | None) -> str:
    """The model to measure, made ready."""
    name = client.use_model(wanted).get("model_id")
    if not isinstance(name, str):
        raise GaloshError("api-protocol", reason="model_id")
    return name


def _forecast(client: Client, paths: Paths, model: str) -> FitReport | None:
    """What is forecast for the model as it is loaded; None where its file cannot be read."""
    from galosh import gguf, hardware
    from galosh.cli.fit import known_speed, usual_context
    from galosh.fit import make_report, settings_for
    from galosh.fit.budget import room_of

    found = next((one for one in client.models() if one.get("id") == model), {})
    try:
        header = gguf.check_file(Path(str(found.get("path") or "")))
    except GaloshError:
        return None
    machine = hardware.probe(paths)
    settings = settings_for(
        header, usual_context(header, paths), room=room_of(machine), flags=machine.cpu.flags.value
    )
    return make_report(header, settings, machine, known_speed(paths, machine, header))


def _steps(client: Client, results: Results, runs: int) -> Iterator[str]:
    """Everything in order; gives the name of each step before it is done."""
    yield "cold"
    client.unload()
    prompt = _prompt()
    results.cold_seconds = _first_word(client, results.model, prompt)
    yield "warm"
    results.warm_seconds = _first_word(client, results.model, prompt)
    yield "wake"
    with _resting(client) as rests:
        results.wake_seconds = _first_word(client, results.model, prompt) if rests else None
    for _ in range(runs):
        yield "run"
        usage = _answer(client, results.model, _prompt())
        read = usage.prompt_tokens - (usage.cached_tokens or 0)
        if usage.prefill_seconds and read > 0:
            results.reading.append(read / usage.prefill_seconds)
        if usage.tokens_per_second:
            results.writing.append(usage.tokens_per_second)


def _prompt() -> str:
    """Words that nobody has read before, so that nothing of them is remembered."""
    words = [random.choice(_WORDS) for _ in range(_PROMPT_WORDS)]  # noqa: S311 - no secret
    return f"{' '.join(words)}\n\n{_QUESTION}"


def _answer(client: Client, model: str, prompt: str) -> Usage:
    deltas = client.ask(
        [{"role": "user", "content": prompt}],
        model=model, max_tokens=_WRITTEN_TOKENS, temperature=0,
    )  # fmt: skip
    usage = None
    with closing(deltas) as stream:
        for delta in stream:
            usage = delta.usage or usage
    if usage is None:
        raise GaloshError("api-protocol", reason="usage")
    return usage


def _first_word(client: Client, model: str, prompt: str) -> float:
    """Seconds from asking to the first words; leaving ends the answer."""
    begun = time.monotonic()
    deltas = client.ask(
        [{"role": "user", "content": prompt}], model=model, max_tokens=4, temperature=0
    )
    with closing(deltas) as stream:
        for delta in stream:
            if delta.text:
                return time.monotonic() - begun
    return time.monotonic() - begun


@contextlib.contextmanager
def _resting(client: Client) -> Iterator[bool]:
    """Let the worker give memory back, as it does after idle time; whether it came to that.

    The user's own patience is put back, whatever happens.
    """
    usual = client.settings().get(_REST)
    if not isinstance(usual, (int, float)):
        yield False
        return
    client.change_setting(_REST, _REST_SECONDS)
    try:
        yield _wait_for_rest(client)
    finally:
        client.change_setting(_REST, float(usual))


def _wait_for_rest(client: Client) -> bool:
    end = time.monotonic() + _REST_WAIT_SECONDS
    while time.monotonic() < end:
        worker = client.status().get("worker")
        stage = worker.get("stage") if isinstance(worker, Mapping) else None
        if stage is None:
            return False
        if stage != "awake":
            return True
        time.sleep(0.2)
    return False


def spread(values: list[float]) -> dict[str, float] | None:
    """Median, least and most; None of nothing."""
    if not values:
        return None
    return {
        "median": round(statistics.median(values), 2),
        "min": round(min(values), 2),
        "max": round(max(values), 2),
    }


def _speed_json(report: FitReport) -> dict[str, object]:
    from galosh.fit.report import speed_json

    return speed_json(report.speed, report.facts, report.token_bytes)


def _lines(results: Results, report: FitReport | None) -> Iterator[str]:
    speed = None if report is None else report.speed
    yield say("cli.bench-head", model=results.model)
    rows = [
        _rate_row("prefill", results.reading, speed.prefill if speed else None),
        _rate_row("decode", results.writing, speed.first_rate if speed else None),
        _wait_row("cold", results.cold_seconds),
        _wait_row("warm", results.warm_seconds),
        _wait_row("wake", results.wake_seconds),
    ]
    yield table(rows)
    yield say("cli.bench-kept")
    if results.busy:
        yield say("cli.bench-was-busy")


def _rate_row(name: str, values: list[float], rate: Rate | None) -> list[str]:
    found = spread(values)
    real = {} if found is None else {key: rounded(value) for key, value in found.items()}
    said = {} if rate is None else {key: rounded(value) for key, value in vars(rate).items()}
    return [
        f"  {say(f'cli.bench-{name}')}",
        say("cli.bench-rate", **real) if real else say("cli.unknown"),
        say("cli.bench-forecast", **said) if said else say("cli.bench-no-forecast"),
    ]


def _wait_row(name: str, seconds: float | None) -> list[str]:
    said = say("cli.unknown") if seconds is None else format_seconds(seconds)
    if seconds is not None and seconds < _SHORT_SECONDS:
        said = say("cli.bench-short", milliseconds=f"{1000 * seconds:.0f}")
    return [f"  {say(f'cli.bench-{name}')}", said, ""]
