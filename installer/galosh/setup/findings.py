"""Turns the facts of the probe into lines a person can read, each with a verdict. Pure.

Verdicts are about galosh: `ok` works, `warn` works with a limit that is named. Nothing here
is a reason to stop; a fact that could not be found out is said to be unknown.
"""

from __future__ import annotations

from galosh.base.texts import format_bytes, say
from galosh.fit.swap import advise
from galosh.hardware import Machine
from galosh.setup.view import Finding

# Below this much available memory even the starter model (0.3 GB loaded) is cramped.
_TIGHT_MEMORY_BYTES = 1_000_000_000
_SMALL_MEMORY_BYTES = 4_000_000_000
_TIGHT_DISK_BYTES = 3_000_000_000
_VECTOR_SETS = ("avx512f", "avx2", "avx", "neon", "asimd", "sse4_2")


def describe(machine: Machine) -> tuple[Finding, ...]:
    """Everything that was found, in the order a person would ask for it."""
    return (
        _system(machine),
        _processor(machine),
        _memory(machine),
        _swap(machine),
        _graphics(machine),
        _disk(machine),
        _display(machine),
    )


def _finding(key: str, value: str, verdict: str, advice: str, **facts: object) -> Finding:
    return Finding(
        key=key,
        title=say(f"setup.found-{key}"),
        value=value,
        verdict=verdict,
        advice=say(f"setup.verdict-{advice}", **facts),
    )


def _system(machine: Machine) -> Finding:
    facts = machine.os
    name = facts.distribution.value or facts.system.value or "?"
    parts = [f"{name}, {facts.release.value or '?'}, {facts.architecture.value or '?'}"]
    if facts.wsl.value:
        parts.append("WSL")
    if facts.container.value:
        parts.append(say("setup.in-container"))
    tested = facts.system.value == "linux" and facts.architecture.value == "x86_64"
    advice = "system-tested" if tested else "system-untested"
    return _finding("system", ", ".join(parts), "ok" if tested else "warn", advice)


def _processor(machine: Machine) -> Finding:
    cpu = machine.cpu
    flags = cpu.flags.value
    best = next((name for name in _VECTOR_SETS if name in (flags or ())), None)
    value = say(
        "setup.cpu",
        model=cpu.model.value,
        cores=cpu.physical_cores.value or cpu.logical_cores.value,
        threads=machine.threads,
        sets=", ".join(name for name in _VECTOR_SETS if name in (flags or ())) or "–",
    )
    if flags is None:
        return _finding("cpu", value, "warn", "cpu-unknown")
    slow = best in (None, "sse4_2", "avx")
    return _finding("cpu", value, "warn" if slow else "ok", "cpu-slow" if slow else "cpu-fast")


def _memory(machine: Machine) -> Finding:
    memory = machine.memory
    available = memory.available_bytes.value
    value = say(
        "setup.memory",
        installed_bytes=memory.installed_bytes.value,
        available_bytes=available,
    )
    if available is None:
        return _finding("memory", value, "warn", "memory-unknown")
    if available < _TIGHT_MEMORY_BYTES:
        return _finding("memory", value, "warn", "memory-tight")
    if available < _SMALL_MEMORY_BYTES:
        return _finding("memory", value, "ok", "memory-small")
    return _finding("memory", value, "ok", "memory-good")


def _swap(machine: Machine) -> Finding:
    """Enough to survive a peak? With the step that would mend it, which the user takes."""
    swap = advise(machine)
    title = say("setup.found-swap")
    total = machine.swap.total_bytes.value
    value = say("setup.unknown") if total is None else format_bytes(total)
    if total == 0 and swap.state != "by-itself":
        value = say("setup.none")
    sentence = say(
        f"fit.swap.{swap.state}",
        on_disk_bytes=swap.on_disk_bytes,
        in_ram_bytes=swap.in_ram_bytes,
        wanted_bytes=swap.wanted_bytes,
    )
    if swap.slow_disk:
        sentence += " " + say("fit.swap-slow")
    if swap.fix is None:
        return Finding("swap", title, value, "ok", sentence)
    fix = say(f"fit.swap-fix.{swap.fix}", gib=swap.wanted_gib)
    return Finding("swap", title, value, "warn", f"{sentence}\n{fix}")


def _graphics(machine: Machine) -> Finding:
    names = [gpu.name.value or "?" for gpu in machine.gpus]
    if not names:
        return _finding("gpu", say("setup.none"), "ok", "gpu-none")
    return _finding("gpu", ", ".join(names), "ok", "gpu-there")


def _disk(machine: Machine) -> Finding:
    disk = machine.disk
    free = disk.free_bytes.value
    value = say("setup.disk", free_bytes=free, kind=(disk.kind.value or "").upper()).strip()
    if free is None:
        return _finding("disk", value, "warn", "disk-unknown")
    tight = free < _TIGHT_DISK_BYTES
    return _finding(
        "disk", value, "warn" if tight else "ok", "disk-tight" if tight else "disk-good"
    )


def _display(machine: Machine) -> Finding:
    kind = machine.display.kind.value
    if kind is None:
        return _finding("display", say("setup.none"), "ok", "display-none")
    return _finding("display", kind, "ok", "display-there")
