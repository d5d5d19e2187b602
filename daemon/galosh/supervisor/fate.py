"""What becomes of a question whose worker died under it. Pure.

Rules:
- killed for want of memory: as long as its reader has no word of the answer it is asked
  again, of the model with smaller settings; where words are out already, they are kept and
  the reason is stated, since a second answer would contradict the first;
- any other death: one that was not even begun may be innocent and gets a second try, not a
  third; all others hear why.
"""

from __future__ import annotations

import enum

from galosh.supervisor.crash import Cause

_MEMORY_TIMES = 4


class Fate(enum.Enum):
    """See the module."""

    AGAIN = "again"
    CUT = "cut"
    FAIL = "fail"


def fate_of(cause: Cause, *, begun: bool, wrote: bool, sent_times: int) -> Fate:
    """The fate of a question that was with the worker."""
    if cause is Cause.MEMORY:
        if wrote:
            return Fate.CUT
        return Fate.AGAIN if sent_times < _MEMORY_TIMES else Fate.FAIL
    return Fate.AGAIN if not begun and not wrote and sent_times == 1 else Fate.FAIL
