"""The few facts of a machine that decide about engines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galosh.engine.levels import X86
from galosh.engine.plan import Gpu, Host

if TYPE_CHECKING:
    from galosh.hardware.facts import Machine

_TRANSLATED = frozenset({"pni", "ssse3", "sse4_1", "sse4_2", "popcnt"})


def host_of(machine: Machine) -> Host:
    """The host a plan is made for."""
    architecture = machine.os.architecture.value or X86
    flags = machine.cpu.flags.value
    if machine.os.emulated.value:
        # This Python is an x86-64 program under translation (Rosetta, Windows on ARM), and
        # so will the engine be: translators are only sure to know SSE 4.2.
        architecture, flags = X86, _TRANSLATED
    return Host(
        system=machine.os.system.value or "linux",
        architecture=architecture,
        flags=None if flags is None else frozenset(flags),
        gpus=tuple(
            Gpu(
                vendor=(gpu.vendor.value or "").lower(),
                driver=gpu.driver.value,
                integrated=gpu.integrated.value,
            )
            for gpu in machine.gpus
        ),
    )
