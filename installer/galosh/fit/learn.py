"""Finds out what is known of this PC's speed, and measures what is missing.

The order: what was measured here before under the same circumstances (engine, power source,
threads), else a measurement with the installed engine, else memory alone. The engine is
passed in: this floor knows none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from galosh.base.paths import Paths
from galosh.fit import record
from galosh.fit.forecast import SpeedFacts
from galosh.fit.measure import measure_bandwidth
from galosh.fit.measured import Circumstances, Measured
from galosh.fit.probe import measure
from galosh.fit.speed import Bandwidth
from galosh.fit.work import Work
from galosh.hardware import Machine
from galosh.hardware.facts import PowerFacts


@dataclass(frozen=True)
class EngineUsed:
    """The engine to measure with."""

    build_id: str
    python: Path


def learn_speed(
    paths: Paths,
    machine: Machine,
    engine: EngineUsed | None,
    work: Work | None = None,
    identity: str = "",
    *,
    threads: int = 0,
    may_measure: bool = True,
) -> SpeedFacts:
    """What is known for a model (for a usual one without `work`). Never raises.

    threads: what the engine will use; 0: as many as suit the PC. At most some three seconds
    where something has to be measured; not `may_measure`: the PC is answering, which would
    spoil both.
    """
    count = threads or machine.threads
    available = machine.memory.available_bytes.value
    flags = machine.cpu.flags.value
    if engine is None:
        alone = measure_bandwidth(count, available) if may_measure else _busy(count)
        return SpeedFacts(alone, flags=flags)
    now = Circumstances(engine.build_id, power_of(machine), count)
    known = record.measured_for(paths, now)
    refused = None
    lacking = known is None or (known.lacks(work) if work else known.limit_rate is None)
    if lacking and not may_measure:
        refused = "busy"
    elif lacking:
        known, refused = _measure_more(paths, machine, engine, now, known, work)
    runs = tuple(record.runs_for(paths, now))
    if known is None:
        if refused == "failed":
            bandwidth = measure_bandwidth(count, available)
        else:
            bandwidth = Bandwidth(None, count, refused)
        return SpeedFacts(bandwidth, None, runs, identity, flags)
    rate = known.far_rates.get(count)
    return SpeedFacts(Bandwidth(rate, count), known, runs, identity, flags)


def _busy(threads: int) -> Bandwidth:
    return Bandwidth(None, threads, "busy")


def _measure_more(
    paths: Paths,
    machine: Machine,
    engine: EngineUsed,
    now: Circumstances,
    known: Measured | None,
    work: Work | None,
) -> tuple[Measured | None, str | None]:
    """What is known after a measurement, and why there was none."""
    cpu = machine.cpu
    outcome = measure(
        engine.python,
        now,
        work,
        machine.memory.available_bytes.value,
        cores=(1, 2, *(n for n in (cpu.performance_cores.value, cpu.physical_cores.value) if n)),
        known=known,
    )
    if outcome.measured is None:
        return known, outcome.refused
    found = outcome.measured if known is None else known.with_more(outcome.measured)
    record.keep_measured(paths, found)
    return found, None


def power_of(machine: Machine) -> str:
    """`power_word` of a probed PC."""
    return power_word(machine.power)


def power_word(power: PowerFacts) -> str:
    """The power source and the profile, in a word: both change what a processor does."""
    battery = power.on_battery.value
    source = "unknown" if battery is None else "battery" if battery else "mains"
    profile = power.profile.value
    return f"{source} {profile}" if profile else source
