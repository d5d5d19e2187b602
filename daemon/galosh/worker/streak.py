"""Several tokens of answers in one native call, without a turn of Python between them.

Computing a token pushes the interpreter out of the processor's caches: a turn of Python that
takes 0.04 ms by itself takes 0.2 ms between two tokens. Engines compiled here have a loop of
their own (`galosh_write_until` of `galosh.engine.source`). Owns its arrays; the memory of what was
read is the context's. Must never choose another token than a step would.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, NamedTuple

from galosh.worker.shortlist import find_top
from galosh.worker.symbols import find_function

MOST_STEPS = 16


class Chooser(NamedTuple):
    """What an answer's next token is chosen with: a native chain, and room for the `keep`
    likeliest tokens where it is to see only those (else None and 0)."""

    chain: Any
    entries: Any
    keep: int


class _Writer(ctypes.Structure):
    _fields_ = (
        ("chain", ctypes.c_void_p),
        ("entries", ctypes.c_void_p),
        ("keep", ctypes.c_int32),
        ("sequence", ctypes.c_int32),
        ("position", ctypes.c_int32),
        ("token", ctypes.c_int32),
    )


class Streak:
    """The native loop for one context; `usable` where the engine has it."""

    def __init__(self, lib: Any, context_pointer: Any, sequences: int) -> None:
        self._context = context_pointer
        integer, pointer = ctypes.c_int32, ctypes.c_void_p
        arguments = (
            pointer, ctypes.POINTER(_Writer), integer, integer, ctypes.c_int64,
            ctypes.POINTER(integer), pointer, ctypes.POINTER(integer), ctypes.POINTER(integer),
        )  # fmt: skip
        top = find_top(lib)
        write = find_function(lib, "galosh_write_until", integer, arguments)
        self._write: Any = write if top is not None else None
        if self._write is None:
            return
        self._top = ctypes.cast(top, ctypes.c_void_p)
        self._writers = (_Writer * sequences)()
        self._chosen = (ctypes.c_int32 * (sequences * MOST_STEPS))()
        self._status = ctypes.c_int32()

    @property
    def usable(self) -> bool:
        """Whether `run` can be asked."""
        return self._write is not None

    def run(
        self,
        answers: Sequence[tuple[int, int, int, Chooser]],
        steps: int,
        seconds: float,
        news: ctypes.c_int32,
    ) -> tuple[list[tuple[int, ...]], int]:
        """Compute a token of each answer (sequence, position, token, what chooses the next)
        and choose the next one, `steps` times (MOST_STEPS at most), until one has ended,
        the time is up, `news` is not 0, or a step took three times as long as another.

        The tokens chosen in each step, in the order of the answers, and what llama_decode
        said last: 0 unless it ended the loop.
        """
        count = len(answers)
        for writer, (sequence, position, token, chooser) in zip(
            self._writers, answers, strict=False
        ):
            writer.chain = ctypes.cast(chooser.chain, ctypes.c_void_p)
            writer.entries = chooser.entries
            writer.keep = chooser.keep
            writer.sequence, writer.position, writer.token = sequence, position, token
        done = self._write(
            self._context, self._writers, count, steps, int(seconds * 1e6), ctypes.byref(news),
            self._top, self._chosen, ctypes.byref(self._status),
        )  # fmt: skip
        flat = self._chosen[: done * count]
        chosen = [tuple(flat[at : at + count]) for at in range(0, len(flat), count)]
        return chosen, int(self._status.value)
