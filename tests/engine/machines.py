"""Machines for engine tests: only what the engine part asks of one."""

from __future__ import annotations

import os

from galosh.hardware.facts import CpuFacts, Fact, Machine, MemoryFacts, OsFacts

NEHALEM = frozenset({"pni", "ssse3", "sse4_1", "sse4_2", "popcnt"})
SANDY_BRIDGE = NEHALEM | {"avx", "aes", "pclmulqdq"}
HASWELL = SANDY_BRIDGE | {"avx2", "fma", "f16c", "bmi1", "bmi2", "movbe", "abm"}
SKYLAKE_X = HASWELL | {"avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw"}
SAPPHIRE_RAPIDS = SKYLAKE_X | {
    "avx_vnni", "avx512vbmi", "avx512_vnni", "avx512_bf16",
    "amx_tile", "amx_int8", "amx_bf16",
}  # fmt: skip
CORE_2 = frozenset({"pni", "ssse3"})


def machine(
    flags: frozenset[str] | None,
    *,
    model: str = "A Test Processor",
    architecture: str = "x86_64",
    threads: int = 2,
    available_bytes: int | None = 8_000_000_000,
) -> Machine:
    """A machine with this processor and nothing else of note."""
    return Machine(
        os=OsFacts(system=Fact("linux", "test"), architecture=Fact(architecture, "test")),
        cpu=CpuFacts(
            model=Fact(model, "test"),
            flags=Fact(flags, "test"),
            physical_cores=Fact(threads, "test"),
            usable_cores=Fact(threads, "test"),
        ),
        memory=MemoryFacts(available_bytes=Fact(available_bytes, "test")),
    )


def this_machine() -> Machine:
    """The processor these tests run on, as /proc/cpuinfo tells it."""
    flags: frozenset[str] | None = None
    with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
        for line in file:
            if line.startswith("flags"):
                flags = frozenset(line.split(":", 1)[1].split())
    return machine(flags, model="this one", threads=os.cpu_count() or 1)
