"""What this PC is: system, processor, memory, swap, graphics, disk, power, desktop.

`probe()` gives a `Machine` of facts, each with its source and None for unknown. It never
raises and never takes longer than its limit, whatever the PC's drivers and tools do.
"""

from galosh.hardware.facts import CpuFacts, DiskFacts, Fact, GpuFacts, Machine, MemoryFacts
from galosh.hardware.probe import probe

__all__ = [
    "CpuFacts",
    "DiskFacts",
    "Fact",
    "GpuFacts",
    "Machine",
    "MemoryFacts",
    "probe",
]
