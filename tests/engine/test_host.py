"""From a probed machine to what the plan needs."""

from __future__ import annotations

import dataclasses

from galosh.engine.host import host_of
from galosh.engine.plan import Gpu
from galosh.hardware.facts import Fact, GpuFacts, Machine
from tests.engine.machines import HASWELL, NEHALEM, machine


def test_a_plain_pc() -> None:
    host = host_of(machine(HASWELL))
    assert (host.system, host.architecture, host.flags) == ("linux", "x86_64", HASWELL)


def test_a_machine_that_could_not_be_asked() -> None:
    host = host_of(Machine())
    assert (host.system, host.architecture, host.flags, host.gpus) == ("linux", "x86_64", None, ())


def test_graphics_processors() -> None:
    card = GpuFacts(
        vendor=Fact("NVIDIA", "x"), driver=Fact("580.1", "x"), integrated=Fact(False, "x")
    )
    host = host_of(dataclasses.replace(machine(HASWELL), gpus=(card,)))
    assert host.gpus == (Gpu("nvidia", "580.1", False),)


def test_an_x86_python_on_an_arm_machine_gets_an_x86_engine() -> None:
    arm = machine(frozenset({"asimd"}), architecture="arm64")
    translated = dataclasses.replace(arm, os=dataclasses.replace(arm.os, emulated=Fact(True, "x")))
    host = host_of(translated)
    assert (host.architecture, host.flags) == ("x86_64", NEHALEM)
