"""Tries a model with layers on the graphics processor, and remembers what came of it.

Runs the engine's trial twice, in child processes: the processor alone, then with as many
layers as the card has room for. Keeps the decision per engine and model in one JSON file of
the state folder; whoever loads a model asks `kept_layers`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from galosh.base import durable
from galosh.base.paths import Paths
from galosh.engine.offload import (
    Card,
    Decision,
    Sizes,
    after_trial,
    before_trial,
    fewer,
    shared_growth,
)
from galosh.engine.processes import ask
from galosh.engine.records import Engine, Trial
from galosh.engine.trial import try_engine
from galosh.hardware.gpu_texts import read_shared_usage

_FILE = "offload.json"
_KEPT = 64
_TRIES = 3
_LOOK_SECONDS = 0.5
_DECODE_TOKENS = 48
_GPU_WORDS = ("cuda", "cu1", "vulkan", "metal", "mtl", "rocm", "hip", "sycl")
_COUNTER = r"\GPU Adapter Memory(*)\Shared Usage"


class TryLayers(Protocol):
    """One trial with so many layers on the card."""

    def __call__(self, layers: int) -> Trial:
        """Run it."""


def decide_offload(
    setting: str,
    card: Card | None,
    sizes: Sizes,
    try_layers: TryLayers,
    *,
    supports_gpu: bool,
    shared_bytes: Callable[[], int | None] | None = None,
) -> Decision:
    """Measure where there is something to measure. Never raises for what a trial does."""
    found = before_trial(setting, card, sizes, supports_gpu=supports_gpu)
    if isinstance(found, Decision) or card is None:
        assert isinstance(found, Decision)
        return found
    ask_shared = shared_bytes or shared_usage
    cpu = try_layers(0)
    decision = Decision(0, "does-not-fit", sizes.most_layers, card.name)
    layers = found
    for _ in range(_TRIES):
        with _SharedWatch(ask_shared) as watch:
            gpu = try_layers(layers)
        decision = after_trial(card, sizes, layers, cpu, gpu, watch.growth)
        layers = fewer(layers, gpu)
        if layers == 0:
            break
    return decision


def engine_trials(engine: Engine, model: Path, threads: int) -> TryLayers:
    """Real trials of an engine on a model."""

    def run(layers: int) -> Trial:
        return try_engine(
            engine, model, threads=threads, gpu_layers=layers, decode_tokens=_DECODE_TOKENS
        )

    return run


def supports_gpu(engine: Engine) -> bool:
    """Whether the engine was built for any graphics processor: by the name of what it was
    made of, or its own word in its trial."""
    manifest = engine.manifest
    said = manifest.trial.system_info if manifest.trial else ""
    words = f"{manifest.candidate} {said}".lower()
    return any(name in words for name in _GPU_WORDS)


def keep(paths: Paths, build_id: str, model: Path, decision: Decision) -> None:
    """Remember a decision; the newest are kept. Raises a write error."""
    entries = [one for one in _entries(paths) if one.get("key") != _key(build_id, model)]
    entries.append({"key": _key(build_id, model), **decision.to_json()})
    durable.write_json(paths.state / _FILE, {"decisions": entries[-_KEPT:]})


def kept(paths: Paths, build_id: str, model: Path) -> Decision | None:
    """What was decided for a model in an engine; None when it was never tried."""
    for entry in _entries(paths):
        if entry.get("key") == _key(build_id, model):
            try:
                return Decision.from_json(entry)
            except (TypeError, KeyError, ValueError):
                return None
    return None


def kept_layers(paths: Paths, build_id: str, model: Path, setting: str) -> int:
    """For the load request: layers on the card; 0 unless a trial has shown that it pays."""
    decision = None if setting == "off" else kept(paths, build_id, model)
    return 0 if decision is None else decision.layers


def newest(paths: Paths, layers: int | None) -> Decision | None:
    """The newest decision for so many layers (None: for any), to say which card and why."""
    for entry in reversed(_entries(paths)):
        if layers is None or entry.get("layers") == layers:
            try:
                return Decision.from_json(entry)
            except (TypeError, KeyError, ValueError):
                return None
    return None


def _key(build_id: str, model: Path) -> str:
    try:
        size = model.stat().st_size
    except OSError:
        size = 0
    return f"{build_id}|{model.name}|{size}"


def _entries(paths: Paths) -> list[dict[str, object]]:
    data = durable.read_json(paths.state / _FILE)
    entries = data.get("decisions") if isinstance(data, dict) else None
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def shared_usage() -> int | None:
    """Bytes of RAM the graphics processors use now, by Windows' own counter; None elsewhere.

    There a driver moves what does not fit into RAM without a word; on Linux loading fails.
    """
    if sys.platform != "win32":
        return None
    text = ask(["typeperf", _COUNTER, "-sc", "1"])
    return None if text is None else read_shared_usage(text)


class _SharedWatch:
    """Looks at the shared memory before and during a trial, in a thread of its own."""

    def __init__(self, look: Callable[[], int | None]) -> None:
        self._look = look
        self._before: list[int] = []
        self._during: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gpu-memory", daemon=True)

    def __enter__(self) -> _SharedWatch:
        first = self._look()
        if first is not None:
            self._before.append(first)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def growth(self) -> int | None:
        """By how much it grew."""
        return shared_growth(self._before, self._during)

    def _run(self) -> None:
        while True:
            now = self._look()
            if now is not None:
                self._during.append(now)
            if self._stop.wait(_LOOK_SECONDS):
                return
