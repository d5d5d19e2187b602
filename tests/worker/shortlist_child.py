"""Run by an engine's own interpreter: `galosh_top` against a sort, over made-up logits."""

from __future__ import annotations

import ctypes
import math
import random

from galosh.worker.native import Native
from galosh.worker.symbols import find_function


def main() -> None:
    lib = Native().lib
    pointer = ctypes.POINTER(lib.llama_token_data)
    arguments = (ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, pointer)
    top = find_function(lib, "galosh_top", ctypes.c_int32, arguments)
    choose = random.Random(5)
    for turn in range(300):
        size = choose.randrange(1, 400)
        # Few different values: many are equal; some are no number, some are forbidden.
        values = [choose.choice((-math.inf, math.nan, *range(-9, 9))) for _ in range(size)]
        if turn % 3 == 0:
            values = [choose.gauss(0, 4) for _ in range(size)]
        count = choose.randrange(1, size + 1)
        logits = (ctypes.c_float * size)(*values)
        entries = (lib.llama_token_data * count)()
        found = top(ctypes.addressof(logits), size, count, entries)
        possible = [number for number in range(size) if logits[number] > -math.inf]
        expected = sorted(possible, key=lambda number: (-logits[number], number))[:count]
        told = {int(entry.id): entry.logit for entry in entries[:found]}
        assert len(told) == found == len(expected)
        assert sorted(told.values()) == sorted(logits[number] for number in expected)
        assert all(logits[number] == logit for number, logit in told.items())
        if count == 1:
            assert list(told) == expected
    print("300 found")


main()
