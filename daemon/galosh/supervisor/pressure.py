"""How scarce memory is, told from what the system signals. Pure.

Two things must not be mistaken for pressure: a first reading of a big file (no stall is
counted for it) and a stall in some other program's own limit (memory is plenty here then).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

_MIB = 1024 * 1024
# Below the first the desktop is about to stutter; below the second it does.
_SOME_SHARE, _SOME_BYTES = 0.08, 400 * _MIB
_HARD_SHARE, _HARD_BYTES = 0.03, 160 * _MIB
# A stall counts only where less than this is free (one of every program at once as hard where
# still less is): programs in containers stall at their own limits, whatever the PC has.
_STALL_SHARE = 0.25
_FULL_SHARE = 0.15
# This long after the last sign, pressure is over unless little is left.
CALM_SECONDS = 10.0


class Level(enum.IntEnum):
    """How much pressure there is."""

    NONE = 0
    SOME = 1
    HARD = 2


@dataclass(frozen=True)
class Signs:
    """What is known at a moment; sizes unknown are None.

    some, full: the system has just reported that some (all) programs waited for memory.
    """

    available_bytes: int | None
    total_bytes: int | None
    some: bool = False
    full: bool = False


def level_of(signs: Signs) -> Level:
    """The level these signs stand for."""
    total, available = signs.total_bytes, signs.available_bytes
    if not total or available is None:
        # Nothing to check the signal against: it is believed, as far as the milder level.
        return Level.SOME if signs.some or signs.full else Level.NONE
    if available < max(_HARD_SHARE * total, min(_HARD_BYTES, total // 4)):
        return Level.HARD
    if signs.full and available < _FULL_SHARE * total:
        return Level.HARD
    stalled = (signs.some or signs.full) and available < _STALL_SHARE * total
    scarce = available < max(_SOME_SHARE * total, min(_SOME_BYTES, total // 4))
    return Level.SOME if scarce or stalled else Level.NONE
