"""What the engine itself says it would reserve, read from its log, and beside the formula. Pure.

Sizes are printed in MiB with two digits, so each is exact to about 5 KiB. Lines this
version does not know make no number: a missing compute buffer is an unknown answer.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from galosh.fit.memory import MemoryForecast, RunSettings

# too-old: the engine does not know the architecture. refused: it will not open the model.
# no-room: the temporary folder cannot hold a file with a hole, or no file at all.
Status = Literal["ok", "too-old", "refused", "crashed", "timeout", "no-room", "no-engine"]

_MIB = 1024 * 1024
_SMALL_BYTES = _MIB
_SMALL_SHARE = 0.05
# One line for every cache: attention, the same for sliding windows, the recurrent one.
_CACHE = re.compile(r"size =\s+([\d.]+) MiB \(.*\bK \(\w+\):")
_STATE = re.compile(r"size =\s+([\d.]+) MiB \(.*\bR \(\w+\):")
_COMPUTE = re.compile(r"compute buffer size =\s+([\d.]+) MiB")
_OUTPUT = re.compile(r"output buffer size =\s+([\d.]+) MiB")
_MODEL = re.compile(r"(\S+) model buffer size =\s+([\d.]+) MiB")


@dataclass(frozen=True)
class EngineMemory:
    """Bytes by part, as the engine states them. output_bytes: for one row for every answer."""

    cache_bytes: int
    state_bytes: int
    compute_bytes: int
    output_bytes: int


@dataclass(frozen=True)
class EngineAnswer:
    """What became of asking: one EngineMemory for each of the settings when `ok`, else none.

    detail: the engine's own complaint, a signal, or the system's error.
    """

    status: Status
    contexts: tuple[EngineMemory, ...] = ()
    detail: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Difference:
    """A part of which formula and engine say different things."""

    part: str
    formula_bytes: int
    engine_bytes: int


def by_engine(
    memory: MemoryForecast, settings: RunSettings, engine: EngineMemory
) -> MemoryForecast:
    """The forecast with the engine's own numbers where it has any."""
    # It names the rows it starts with; a batch that asks for more makes the buffer grow.
    output = engine.output_bytes * settings.output_rows // settings.sequences
    return dataclasses.replace(
        memory,
        cache_bytes=engine.cache_bytes,
        state_bytes=engine.state_bytes,
        compute_bytes=engine.compute_bytes,
        output_bytes=output,
        is_guess=False,
    )


def differences(formula: MemoryForecast, engine: MemoryForecast) -> tuple[Difference, ...]:
    """The parts that are further apart than rounding and small change."""
    ours, theirs = formula.parts(), engine.parts()
    found = []
    for part in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(part, 0), theirs.get(part, 0)
        if abs(one - other) > max(_SMALL_BYTES, _SMALL_SHARE * other):
            found.append(Difference(part, one, other))
    return tuple(found)


def read_context(lines: Iterable[str]) -> EngineMemory | None:
    """The parts of one context; None when the log lacks what every context has."""
    lines = list(lines)
    compute, output = _sum(_COMPUTE, lines), _sum(_OUTPUT, lines)
    if compute is None or output is None:
        return None
    return EngineMemory(_sum(_CACHE, lines) or 0, _sum(_STATE, lines) or 0, compute, output)


def read_weights(lines: Iterable[str]) -> dict[str, int]:
    """Bytes of weights by the engine's name of the buffer (`CPU_Mapped`, `CPU_REPACK`, …)."""
    found: dict[str, int] = {}
    for line in lines:
        if match := _MODEL.search(line):
            found[match[1]] = found.get(match[1], 0) + _bytes(match[2])
    return found


def _sum(pattern: re.Pattern[str], lines: Iterable[str]) -> int | None:
    found = [_bytes(match[1]) for line in lines if (match := pattern.search(line))]
    return sum(found) if found else None


def _bytes(mebibytes: str) -> int:
    return round(float(mebibytes) * _MIB)
