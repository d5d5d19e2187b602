"""Which engine to try next: the candidates for a machine, best first. Pure.

Rules
- Order: a wheel made before (cache), the binding's prebuilt wheel, a build with a compiler
  that is present, a build with the compiler from PyPI.
- Nothing is planned that needs an instruction set the processor lacks.
- A crash is the fault of the code's instruction sets: the crashed level and wider ones are
  not planned again, whoever compiles them. So a native build that dies in AMX code is
  followed by the same build without AMX, on whatever machine that happens.
- Any other failure is the fault of that way of getting an engine: the way is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from galosh.engine.levels import NATIVE, Level, ladder, missing_for_prebuilt
from galosh.engine.records import CRASH_CAUSES

# The release of llama-cpp-python that galosh is made for, and its source package.
VERSION = "0.3.36"
SDIST_SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"

CACHED, PREBUILT, CC, ZIG = "cached", "prebuilt", "source-cc", "source-zig"
BUILD_FAILED = "build-failed"
NOT_AVAILABLE = "not-available"

_NVIDIA_CUDA13_DRIVER = 580
_NVIDIA_CUDA12_DRIVER = 525


@dataclass(frozen=True)
class Gpu:
    """What the plan needs of a graphics processor."""

    vendor: str
    driver: str | None = None
    integrated: bool | None = None


@dataclass(frozen=True)
class Host:
    """What the plan needs of a machine. flags None: the processor could not be asked."""

    system: str
    architecture: str
    flags: frozenset[str] | None
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True)
class Tools:
    """What there is to build with. compiler: name and version, None when there is none."""

    compiler: str | None
    zig: bool = True
    prebuilt: bool = True


@dataclass(frozen=True)
class CachedWheel:
    """A wheel on disk: what made it and which processor flags it needs."""

    key: str
    candidate: str
    requires: frozenset[str]


@dataclass(frozen=True)
class Failure:
    """A candidate that did not work on this processor, and why."""

    candidate: str
    cause: str


@dataclass(frozen=True)
class Candidate:
    """One way to get an engine. name: `source-cc-no-amx`, `prebuilt-cpu`, …"""

    name: str
    way: str
    level: Level | None = None
    index: str | None = None
    wheel_key: str | None = None


@dataclass(frozen=True)
class Refusal:
    """A way that was left out, and the measured reason."""

    way: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """Candidates best first, and what was left out."""

    candidates: tuple[Candidate, ...]
    refusals: tuple[Refusal, ...]


def plan(
    host: Host,
    tools: Tools,
    failures: Iterable[Failure] = (),
    cached: Iterable[CachedWheel] = (),
) -> Plan:
    """Everything still worth trying on `host`, best first."""
    failed = tuple(failures)
    levels = _levels_left(host, failed)
    refusals: list[Refusal] = []
    found = _cached(host, levels, failed, cached)
    found += _prebuilt(host, tools, failed, refusals)
    for way, present in ((CC, tools.compiler is not None), (ZIG, tools.zig)):
        if not present:
            refusals.append(Refusal(way, "no-compiler"))
        elif reason := _way_failed(way, failed):
            refusals.append(Refusal(way, reason))
        else:
            found += [Candidate(f"{way}-{level.name}", way, level) for level in levels]
    return Plan(tuple(found), tuple(refusals))


def missing_sets(host: Host, failures: Iterable[Failure]) -> str:
    """The instruction sets that an engine would have needed, for the last error of all."""
    flags = host.flags or frozenset()
    missing = [name for name in ("sse4_2", "avx", "avx2", "fma", "f16c") if name not in flags]
    if host.architecture == "x86_64" and missing:
        return ", ".join(missing)
    return ", ".join(sorted({failure.cause for failure in failures})) or "–"


def _levels_left(host: Host, failures: tuple[Failure, ...]) -> tuple[Level, ...]:
    rungs = ladder(host.architecture, host.flags)
    names = [rung.name for rung in rungs]
    start = 0
    for failure in failures:
        way, level = split_name(failure.candidate)
        if way in (CC, ZIG) and failure.cause in CRASH_CAUSES and level in names:
            start = max(start, names.index(level) + 1)
    return rungs[start:]


def split_name(candidate: str) -> tuple[str, str]:
    """`source-cc-no-amx` -> (`source-cc`, `no-amx`); `prebuilt-cpu` -> (`prebuilt`, `cpu`)."""
    for way in (CC, ZIG, PREBUILT):
        if candidate.startswith(f"{way}-"):
            return way, candidate[len(way) + 1 :]
    return candidate, ""


def _way_failed(way: str, failures: tuple[Failure, ...]) -> str | None:
    for failure in failures:
        if split_name(failure.candidate)[0] == way and failure.cause not in CRASH_CAUSES:
            return failure.cause
    return None


def _cached(
    host: Host,
    levels: tuple[Level, ...],
    failures: tuple[Failure, ...],
    cached: Iterable[CachedWheel],
) -> list[Candidate]:
    names = [level.name for level in levels]
    bad = {failure.candidate for failure in failures}
    ranked: list[tuple[int, str, Candidate]] = []
    for wheel in cached:
        way, level = split_name(wheel.candidate)
        fits = host.flags is None or wheel.requires <= host.flags
        source = way in (CC, ZIG)
        if not fits or wheel.candidate in bad or (source and level not in names):
            continue
        if level == NATIVE and not _native_for(host, wheel):
            continue
        rank = names.index(level) if source else len(names)
        candidate = Candidate(wheel.candidate, CACHED, wheel_key=wheel.key)
        ranked.append((rank, wheel.key, candidate))
    best = levels[0].name if levels else None
    # A narrow wheel left over from an earlier crash must not stop a better build.
    return [
        candidate
        for _, _, candidate in sorted(ranked, key=lambda entry: entry[:2])
        if split_name(candidate.name)[1] == best or split_name(candidate.name)[0] == PREBUILT
    ]


def _native_for(host: Host, wheel: CachedWheel) -> bool:
    """Whether a native wheel was made on a processor with just these instruction sets."""
    return wheel.requires == ladder(host.architecture, host.flags)[0].requires


def _prebuilt(
    host: Host, tools: Tools, failures: tuple[Failure, ...], refusals: list[Refusal]
) -> list[Candidate]:
    if not tools.prebuilt:
        refusals.append(Refusal(PREBUILT, NOT_AVAILABLE))
        return []
    if host.flags is None and host.architecture == "x86_64":
        refusals.append(Refusal(PREBUILT, "processor flags unknown"))
        return []
    missing = missing_for_prebuilt(host.architecture, host.flags or frozenset())
    if missing:
        refusals.append(Refusal(PREBUILT, f"the processor lacks {', '.join(missing)}"))
        return []
    bad = {failure.candidate for failure in failures}
    candidates = [
        Candidate(f"{PREBUILT}-{index}", PREBUILT, index=index) for index in _indexes(host)
    ]
    return [candidate for candidate in candidates if candidate.name not in bad]


def _indexes(host: Host) -> list[str]:
    if host.system == "darwin":
        return ["metal", "cpu"] if host.architecture == "arm64" else ["cpu"]
    found: list[str] = []
    for gpu in host.gpus:
        if gpu.vendor == "nvidia":
            driver = _major(gpu.driver)
            if driver is not None and driver >= _NVIDIA_CUDA13_DRIVER:
                found.append("cu130")
            elif driver is not None and driver >= _NVIDIA_CUDA12_DRIVER:
                found.append("cu125")
        # An integrated GPU shares the processor's memory and rarely gains anything.
        if gpu.integrated is False:
            found.append("vulkan")
    return [*dict.fromkeys(found), "cpu"]


def _major(driver: str | None) -> int | None:
    head = (driver or "").split(".")[0]
    return int(head) if head.isdecimal() else None
