"""Which settings to run a model with: the usual ones, and what to give up where it is tight. Pure.

The ladder is climbed down from the best: a shorter conversation first, then a coarser cache.
What a rung says it takes is the forecast for exactly the settings the worker then gets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from galosh.fit.budget import Room, Verdict, judge
from galosh.fit.memory import CACHE_TYPES, MemoryForecast, RunSettings, forecast_memory
from galosh.fit.shape import Shape, read_shape
from galosh.gguf import Header

CONTEXTS = (32_768, 16_384, 8_192, 4_096, 2_048)
COARSER_CACHE = "q8_0"
# Where only attention looks back, a further answer shares the cells that are there anyway.
_SEQUENCES = 4
# A window or a state must be kept for every answer on its own.
_SEQUENCES_COSTLY = 2
# Larger batches are read up to 5 % quicker, and nobody is heard in the middle of one: only
# for models so small that it takes neither long nor much.
_LARGE_BATCH_TOKENS = 512
_LARGE_BATCH_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Rung:
    """One way to run a model and what it would take."""

    settings: RunSettings
    memory: MemoryForecast
    verdict: Verdict


def settings_for(
    header: Header,
    context_tokens: int,
    *,
    room: Room | None = None,
    flags: frozenset[str] | None = None,
    cache_type: str = "f16",
    gpu_layers: int = 0,
) -> RunSettings:
    """The usual settings for this model on this PC.

    Without `room` memory is taken to be plenty. Raises GaloshError `fit-no-forecast`.
    """
    sequences = _SEQUENCES_COSTLY if _keeps_own(read_shape(header)) else _SEQUENCES
    usual = RunSettings(
        context_tokens, cache_type=cache_type, sequences=sequences, gpu_layers=gpu_layers
    )
    large = dataclasses.replace(usual, batch_tokens=_LARGE_BATCH_TOKENS)
    if forecast_memory(header, large, flags).compute_bytes <= _LARGE_BATCH_BYTES:
        usual = large
    use_mmap = room is None or not _is_one_copy_better(header, usual, room, flags)
    return dataclasses.replace(usual, use_mmap=use_mmap)


def _keeps_own(shape: Shape) -> bool:
    return shape.has_window or any(layer.state_bytes for layer in shape.layers)


def _is_one_copy_better(
    header: Header, settings: RunSettings, room: Room, flags: frozenset[str] | None
) -> bool:
    """Whether to read the file instead of mapping it: most weights would be held twice, and
    there is no room for that."""
    memory = forecast_memory(header, settings, flags)
    mostly = 2 * memory.repacked_bytes > memory.weights_bytes
    now = room.now_bytes
    return mostly and now is not None and memory.peak_bytes > now


def rungs(
    header: Header,
    wanted: RunSettings,
    room: Room,
    flags: frozenset[str] | None,
    *,
    prefix_bytes: int = 0,
) -> tuple[Rung, ...]:
    """The ways to run a model, best first: as wanted, shorter, then both with a coarser cache.

    Raises GaloshError `fit-no-forecast` when the header does not tell enough.
    """
    made = []
    for settings in _ways(wanted):
        memory = forecast_memory(header, settings, flags, prefix_bytes=prefix_bytes)
        verdict = judge(memory.lasting_bytes, memory.anonymous_bytes, room)
        made.append(Rung(settings, memory, verdict))
    return tuple(made)


def first_that_fits(ladder: Iterable[Rung]) -> Rung | None:
    """The best that fits at this moment, with no program closed."""
    return next((rung for rung in ladder if rung.verdict.kind == "fits"), None)


def _ways(wanted: RunSettings) -> list[RunSettings]:
    contexts = [wanted.context_tokens]
    contexts += [tokens for tokens in CONTEXTS if tokens < wanted.context_tokens]
    ways = [dataclasses.replace(wanted, context_tokens=tokens) for tokens in contexts]
    if CACHE_TYPES[wanted.cache_type] <= CACHE_TYPES[COARSER_CACHE]:
        return ways
    # The engine quantises a cache under flash attention only.
    coarser = {"cache_type": COARSER_CACHE, "flash_attention": True}
    return ways + [dataclasses.replace(way, **coarser) for way in ways]  # type: ignore[arg-type]
