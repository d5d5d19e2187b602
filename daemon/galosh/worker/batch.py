"""One native batch: tokens of several sequences, filled anew for every decode.

Owns the native arrays, allocated once per context. Must never hold more than `size` tokens.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, NamedTuple


class Piece(NamedTuple):
    """What one sequence adds to a batch; the last `outputs` of its tokens want logits."""

    sequence: int
    tokens: Sequence[int]
    outputs: int


class Batch:
    """See the module."""

    def __init__(self, lib: Any, size: int, sequences: int) -> None:
        self._tokens = (ctypes.c_int32 * size)()
        self._positions = (ctypes.c_int32 * size)()
        self._outputs = (ctypes.c_int8 * size)()
        counts = (ctypes.c_int32 * size)(*([1] * size))
        names = [(ctypes.c_int32 * 1)(number) for number in range(sequences)]
        pointer = ctypes.POINTER(ctypes.c_int32)
        self._names = [ctypes.cast(name, pointer) for name in names]
        self._sequences = (pointer * size)(*([self._names[0]] * size))
        # What each place is named now: naming a place costs more than looking here.
        self._named = [0] * size
        self._keep = (counts, names)
        self._native = lib.llama_batch(
            n_tokens=0,
            token=ctypes.cast(self._tokens, pointer),
            embd=None,
            pos=ctypes.cast(self._positions, pointer),
            n_seq_id=ctypes.cast(counts, pointer),
            seq_id=ctypes.cast(self._sequences, ctypes.POINTER(pointer)),
            logits=ctypes.cast(self._outputs, ctypes.POINTER(ctypes.c_int8)),
        )

    def fill(self, pieces: Sequence[Piece], starts: Sequence[int]) -> tuple[Any, int]:
        """The native batch of `pieces`, each beginning at its place in `starts`, and how
        many tokens it has."""
        at = 0
        for piece, start in zip(pieces, starts, strict=True):
            count = len(piece.tokens)
            if count == 1:
                self._tokens[at], self._positions[at] = piece.tokens[0], start
                self._outputs[at] = piece.outputs
            else:
                end = at + count
                self._tokens[at:end] = list(piece.tokens)
                self._positions[at:end] = list(range(start, start + count))
                for place in range(at, end):
                    self._outputs[place] = place >= end - piece.outputs
            for place in range(at, at + count):
                if self._named[place] != piece.sequence:
                    self._named[place] = piece.sequence
                    self._sequences[place] = self._names[piece.sequence]
            at += count
        self._native.n_tokens = at
        return self._native, at
