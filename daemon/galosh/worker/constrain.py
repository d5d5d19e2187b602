"""Keeps an answer to a grammar, at the cost of a token or two of looking up.

Owns the native grammar of one answer. The chain chooses first, as if there were no grammar;
only a choice that the grammar refuses is made again, with the whole vocabulary masked, as
llama.cpp does it. Native code ends the process on a token the grammar does not allow, so
none is ever handed to it that was not checked, and a grammar that allows nothing at all is
a stated fault.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

from galosh.worker.fault import WorkerFault
from galosh.worker.trigger import Trigger
from galosh.worker.vocabulary import Vocabulary

# As a `min_p`: drops what is impossible, which some samplers cannot bear (the logarithm of
# a probability of 0 makes the entropy of `typical` no number at all).
POSSIBLE = 1e-30
_ROOT = b"root"


class Constraint:
    """One answer's grammar over the sampler chain `chain`, which stays its owner's."""

    def __init__(
        self,
        lib: Any,
        vocabulary: Vocabulary,
        grammar: str,
        chain: Any,
        trigger: Trigger | None = None,
        *,
        marks: bool = False,
    ) -> None:
        """trigger: what it waits for. marks: control tokens that are shown belong to the form.

        Raises worker-schema-unsupported where native code refuses the grammar.
        """
        self._trigger = trigger
        self._piece = vocabulary.piece
        self._lib = lib
        self._chain = chain
        self._size = vocabulary.size
        self._is_end = vocabulary.is_end
        self._entries = (lib.llama_token_data * self._size)()
        self._blank = (lib.llama_token_data * self._size)()
        ids = (ctypes.c_int32 * self._size)(*range(self._size))
        memoryview(self._blank).cast("B").cast("i")[::3] = memoryview(ids).cast("B").cast("i")
        self._one = (lib.llama_token_data * 1)()
        self._parts: list[Any] = []
        try:
            self._grammar = self._make(
                "grammar",
                lib.llama_sampler_init_grammar(vocabulary.pointer, grammar.encode("utf-8"), _ROOT),
            )
            self._possible = self._make("possible", lib.llama_sampler_init_min_p(POSSIBLE, 1))
            self._controls = self._make("controls", _ban_controls(lib, vocabulary, marks))
        except BaseException:
            self.free()
            raise

    @property
    def waits(self) -> bool:
        """Whether the answer is still free."""
        return self._trigger is not None and not self._trigger.met

    def hear(self, token: int) -> None:
        """A token that was chosen while it waits."""
        if self._trigger is not None and not self._is_end(token):
            self._trigger.feed(self._piece(token))

    def next_token(self, context_pointer: Any, row: int) -> int:
        """The next token, allowed by the grammar. Raises worker-grammar-stuck."""
        array = self._read(context_pointer, row)
        token = self._choose(array)
        if not self._allows(token):
            array = self._read(context_pointer, row)
            self._lib.llama_sampler_apply(self._grammar, ctypes.byref(array))
            self._lib.llama_sampler_apply(self._possible, ctypes.byref(array))
            # Where anything is possible, the first candidate is.
            if array.data[0].logit == -math.inf:
                raise WorkerFault("worker-grammar-stuck")
            token = self._choose(array)
            if not self._allows(token):
                raise WorkerFault("worker-grammar-stuck")
        self._lib.llama_sampler_accept(self._chain, token)
        # The grammar has no use for the end of the answer, and native code aborts on it.
        if not self._is_end(token):
            self._lib.llama_sampler_accept(self._grammar, token)
        return token

    def free(self) -> None:
        """Give the native parts back."""
        for part in self._parts:
            self._lib.llama_sampler_free(part)
        self._parts.clear()

    def _make(self, name: str, sampler: Any) -> Any:
        if not sampler:
            if name == "grammar":
                raise WorkerFault("worker-schema-unsupported", path="$", keyword="engine")
            raise WorkerFault("worker-sampler-failed", name=name)
        self._parts.append(sampler)
        return sampler

    def _read(self, context_pointer: Any, row: int) -> Any:
        """The candidates of a row, with no control token among them: its text is not shown,
        so that it must not count as a part of the form."""
        logits = self._lib.llama_get_logits_ith(context_pointer, row)
        if not logits:
            raise WorkerFault("worker-sampler-failed", name="logits")
        values = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float * self._size)).contents
        ctypes.memmove(self._entries, self._blank, ctypes.sizeof(self._entries))
        floats = memoryview(self._entries).cast("B").cast("f")
        floats[1::3] = memoryview(values).cast("B").cast("f")
        array = self._array(self._entries, self._size)
        self._lib.llama_sampler_apply(self._controls, ctypes.byref(array))
        return array

    def _choose(self, array: Any) -> int:
        self._lib.llama_sampler_apply(self._chain, ctypes.byref(array))
        if not 0 <= array.selected < array.size:
            raise WorkerFault("worker-grammar-stuck")
        return int(array.data[array.selected].id)

    def _allows(self, token: int) -> bool:
        self._one[0].id, self._one[0].logit, self._one[0].p = token, 1.0, 0.0
        array = self._array(self._one, 1)
        self._lib.llama_sampler_apply(self._grammar, ctypes.byref(array))
        return float(self._one[0].logit) != -math.inf

    def _array(self, entries: Any, size: int) -> Any:
        return self._lib.llama_token_data_array(
            data=ctypes.cast(entries, self._lib.llama_token_data_p),
            size=size,
            selected=-1,
            sorted=False,
        )


def _ban_controls(lib: Any, vocabulary: Vocabulary, marks: bool) -> Any:
    """A sampler that makes every control token impossible that neither ends the answer nor
    is a mark of its form."""
    allowed = vocabulary.shown if marks else {}
    tokens = [
        token
        for token in vocabulary.control_tokens
        if not vocabulary.is_end(token) and token not in allowed
    ]
    pairs = (lib.llama_logit_bias * max(1, len(tokens)))()
    for pair, token in zip(pairs, tokens, strict=False):
        pair.token, pair.bias = token, -math.inf
    return lib.llama_sampler_init_logit_bias(vocabulary.size, len(tokens), pairs)
