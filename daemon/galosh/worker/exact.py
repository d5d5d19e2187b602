"""How many rows a batch may have so that each comes out as it would alone. Pure.

Owns the rule by which guessed tokens change no word. What a batch computes for a row may
differ in its last bits from what the row alone gives: another routine for several rows, sums
in other parts. By processor, kind of weights and release it differs where; so it is tried
once on the loaded model, and logits are compared byte for byte. What a trial over few tokens
cannot show is known beforehand: of long attention the engine tells, and weights that it has
packed anew are multiplied by other routines from four rows on. What those do to the last bits
mostly vanishes where the next layer rounds, so that eight rows may agree by luck.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

# Sizes on trial. Between them other sizes are made of the same routines.
SIZES = (2, 3, 4, 8)
LARGEST = SIZES[-1]
_LARGEST_REPACKED = 3
# An engine without galosh's change sums up a row alone in other parts from 512 cells in view
# on, and the view grows by 256 cells.
_UNCHANGED_CELLS = 256
_FEATURE = re.compile(r"\bGALOSH_ROWS = (\d+)")


def engine_rows(system: str, cache_type: str, flash_attention: bool | None) -> int:
    """Up to how many rows the engine computes long attention as for one; 1: it does not.

    `system` is what the engine tells of itself.
    """
    if cache_type == "q8_0" and flash_attention:
        return LARGEST  # never summed up in parts
    found = _FEATURE.search(system)
    return min(LARGEST, int(found[1])) if found else 1


def most_rows(engine_rows: int, cells: int, repacked: bool) -> int:
    """The most rows, by engine and kind of weights, with `cells` of the pool used."""
    rows = LARGEST if cells + LARGEST <= _UNCHANGED_CELLS else engine_rows
    return min(rows, _LARGEST_REPACKED) if repacked else rows


def agreeing(alone: Sequence[bytes], together: Callable[[int], Sequence[bytes]]) -> int:
    """The most rows, by trial: `together(n)` gives the first n rows of `alone` as one batch."""
    most = 1
    for size in SIZES:
        if size > len(alone) or list(together(size)) != list(alone[:size]):
            break
        most = size
    return most
