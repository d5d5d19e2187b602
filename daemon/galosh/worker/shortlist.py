"""The likeliest tokens, found without a list of the whole vocabulary.

llama.cpp's samplers begin with a list of every token, made anew for each: up to 3 MB, and on
a small model a twentieth of its time. Where the first sampler keeps the likeliest few anyway,
an engine compiled here finds them in the logits (`galosh_top` of `galosh.engine.source`), and
the samplers see those only. Owns the native array of one answer; must never change which
token is chosen.
"""

from __future__ import annotations

import ctypes
from typing import Any

from galosh.worker.symbols import find_function

# From here on a list of all is as quick.
_MOST_TOKENS = 256


def find_top(lib: Any) -> Any:
    """The engine's own search for the likeliest tokens; None where it has none."""
    pointer = ctypes.POINTER(lib.llama_token_data)
    arguments = (ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, pointer)
    return find_function(lib, "galosh_top", ctypes.c_int32, arguments)


class Shortlist:
    """The `count` likeliest tokens of a vocabulary of `size`; `usable` where the engine can."""

    def __init__(self, lib: Any, size: int, count: int) -> None:
        self._lib = lib
        self._size = size
        self._count = min(count, size)
        self._top: Any = find_top(lib) if 0 < count <= _MOST_TOKENS else None
        if self._top is not None:
            self._entries = (lib.llama_token_data * self._count)()
            self._first = ctypes.cast(self._entries, lib.llama_token_data_p)

    @property
    def room(self) -> tuple[Any, int]:
        """The native array, and how many tokens it is for."""
        return ctypes.cast(self._entries, ctypes.c_void_p), self._count

    @property
    def usable(self) -> bool:
        """Whether `choose` can be asked."""
        return self._top is not None

    def choose(self, chain: Any, context_pointer: Any, row: int) -> int | None:
        """The token that `chain` chooses at a row of the last batch, which it remembers; None
        where no logit is a number above minus infinity."""
        logits = self._lib.llama_get_logits_ith(context_pointer, row)
        if not logits:
            return None
        found = self._top(
            ctypes.cast(logits, ctypes.c_void_p), self._size, self._count, self._entries
        )
        if found == 0:
            return None
        # Made anew: samplers move where it begins.
        array = self._lib.llama_token_data_array(
            data=self._first, size=found, selected=-1, sorted=False
        )
        self._lib.llama_sampler_apply(chain, ctypes.byref(array))
        if not 0 <= array.selected < array.size:
            return None
        token = int(array.data[array.selected].id)
        self._lib.llama_sampler_accept(chain, token)
        return token
