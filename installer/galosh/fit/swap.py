"""Whether there is swap enough to survive a peak, and what would give it. Pure.

A model never counts on swap; without any, a moment too much kills a program of the user's
instead of slowing one down. Nothing here changes the PC: it names the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from galosh.hardware import Machine

State = Literal["enough", "small", "none", "only-zram", "by-itself", "unknown"]

_GIB = 1024**3
_SHARE_OF_MEMORY = 0.25
_MOST_BYTES = 4 * _GIB


@dataclass(frozen=True)
class SwapAdvice:
    """on_disk_bytes: swap outside RAM. wanted_bytes: what would be enough.

    slow_disk: the disk turns, so swapping will be felt. fix: the key `fit.swap-fix.<fix>` of
    the step for this system; None when nothing is to be done.
    """

    state: State
    on_disk_bytes: int | None
    in_ram_bytes: int
    wanted_bytes: int
    slow_disk: bool
    fix: str | None = None

    @property
    def wanted_gib(self) -> int:
        """Whole GiB, for a command."""
        return max(1, self.wanted_bytes // _GIB)


def advise(machine: Machine) -> SwapAdvice:
    """What to say about this PC's swap."""
    total, zram = machine.swap.total_bytes.value, machine.swap.zram_bytes.value or 0
    wanted = _wanted(machine)
    slow = (machine.swap.disk_kind.value or machine.disk.kind.value) == "hdd"
    if machine.os.system.value == "darwin" or machine.swap.grows.value:
        return SwapAdvice("by-itself", total or 0, 0, wanted, slow)
    if total is None:
        return SwapAdvice("unknown", None, zram, wanted, slow)
    on_disk = max(0, total - zram)
    state: State = "enough"
    if on_disk < wanted:
        state = "small" if on_disk else ("only-zram" if zram else "none")
    fix = None if state == "enough" else _fix(machine)
    return SwapAdvice(state, on_disk, zram, wanted, slow, fix)


def _wanted(machine: Machine) -> int:
    memory = machine.memory.installed_bytes.value or 4 * _GIB
    whole = int(memory * _SHARE_OF_MEMORY) // _GIB * _GIB
    return max(_GIB, min(_MOST_BYTES, whole))


def _fix(machine: Machine) -> str:
    if machine.os.system.value == "windows":
        return "windows"
    if machine.os.wsl.value:
        return "wsl"
    if machine.os.container.value:
        return "container"
    # A new swap file lies at the root, wherever the models are.
    filesystem = machine.swap.filesystem.value or machine.disk.filesystem.value
    return filesystem if filesystem in ("btrfs", "zfs") else "linux"
