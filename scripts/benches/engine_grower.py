"""The program beside us that needs more and more memory: `python -m … RATE_MB_S MAX_MB HOLD_S`.

Grows by touching fresh pages, holds, gives everything back, and begins again (HOLD_S 0: holds
for ever). Says nothing and opens nothing.
"""

from __future__ import annotations

import mmap
import sys
import time

_STEP_BYTES = 4 * 1024 * 1024


def main(rate_mb: float, most_mb: float, hold_seconds: float) -> None:
    """Grow and shrink until killed."""
    steps = max(1, int(most_mb * 1e6 / _STEP_BYTES))
    pause_seconds = _STEP_BYTES / (rate_mb * 1e6)
    while True:
        held = []
        for _ in range(steps):
            block = mmap.mmap(-1, _STEP_BYTES)
            block[:: mmap.PAGESIZE] = b"x" * (_STEP_BYTES // mmap.PAGESIZE)
            held.append(block)
            time.sleep(pause_seconds)
        time.sleep(hold_seconds or 1e6)
        for block in held:
            block.close()
        time.sleep(hold_seconds)


if __name__ == "__main__":
    main(*(float(word) for word in sys.argv[1:4]))
