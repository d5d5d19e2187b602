"""Chooses the next token with llama.cpp's own samplers, in its own order.

Owns the native sampler chain of one answer. Every sampler that native code could not make
is refused instead of being added (a null in the chain ends the process). What a sampler
remembers (penalties, DRY, mirostat, a grammar) moves on by the tokens it chose and by no
others, so that a draft can be checked row by row: the first row whose token differs is the
last one to be sampled.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Sequence
from typing import Any

from galosh.worker.constrain import POSSIBLE, Constraint
from galosh.worker.fault import WorkerFault
from galosh.worker.options import Sampling, fold_seed
from galosh.worker.shortlist import Shortlist
from galosh.worker.streak import Chooser
from galosh.worker.trigger import Trigger
from galosh.worker.vocabulary import Vocabulary

_WHOLE_CONTEXT = 1 << 20
_MIROSTAT_TOKENS = 100  # llama.cpp's own figure


class Sampler:
    """One answer's sampler; `free` it when the answer is done."""

    def __init__(
        self,
        lib: Any,
        vocabulary: Vocabulary,
        sampling: Sampling,
        prompt: Sequence[int],
        *,
        grammar: str | None = None,
        trigger: Trigger | None = None,
        marks: bool = False,
        context_tokens: int = _WHOLE_CONTEXT,
    ) -> None:
        """`prompt` is what the penalties look back on, `context_tokens` how far at most;
        `grammar` is one of `galosh.worker.grammar`, never a caller's; `trigger`, `marks`:
        see Constraint.

        Raises worker-sampler-failed, worker-schema-unsupported.
        """
        self._lib = lib
        self._vocabulary = vocabulary
        self._context_tokens = context_tokens
        if sampling.seed is None or sampling.seed == -1:
            self.seed = fold_seed(int.from_bytes(os.urandom(4), "big"))
        else:
            self.seed = fold_seed(sampling.seed)
        params = lib.llama_sampler_chain_default_params()
        params.no_perf = True
        self._constraint: Constraint | None = None
        self._chain: Any = lib.llama_sampler_chain_init(params)
        if not self._chain:
            raise WorkerFault("worker-sampler-failed", name="chain")
        # The asker's, and what the model's maker says it must never write.
        banned = dict.fromkeys(vocabulary.suppressed, -math.inf)
        self._biases: dict[int, float] = {**sampling.logit_bias, **banned}
        self._shortlist = Shortlist(lib, vocabulary.size, self._first_keeps(sampling))
        try:
            self._build(sampling, prompt)
            if grammar is not None:
                self._constraint = Constraint(
                    lib, vocabulary, grammar, self._chain, trigger, marks=marks
                )
        except BaseException:
            self.free()
            raise

    def next_token(self, context_pointer: Any, row: int = -1) -> int:
        """The token after the last batch's token `row` (-1: the last one with logits); the
        sampler remembers it. Rows are to be sampled in their order.

        Raises worker-grammar-stuck.
        """
        if self._constraint is not None and not self._constraint.waits:
            return self._constraint.next_token(context_pointer, row)
        token = None
        if self._shortlist.usable:
            token = self._shortlist.choose(self._chain, context_pointer, row)
        if token is None:
            token = int(self._lib.llama_sampler_sample(self._chain, context_pointer, row))
        if self._constraint is not None:
            self._constraint.hear(token)
        return token

    def chooser(self) -> Chooser | None:
        """What chooses without us; None where every token has to be looked at first."""
        if self._constraint is not None:
            return None
        if not self._shortlist.usable:
            return Chooser(self._chain, None, 0)
        return Chooser(self._chain, *self._shortlist.room)

    def free(self) -> None:
        """Give the native chain back."""
        if self._constraint is not None:
            self._constraint.free()
            self._constraint = None
        if self._chain:
            self._lib.llama_sampler_free(self._chain)
            self._chain = None

    def _first_keeps(self, sampling: Sampling) -> int:
        """How many of the likeliest tokens the first sampler keeps; 0: it needs all."""
        if sampling.penalises or sampling.dries:
            return 0
        if any(bias > 0 for bias in self._biases.values()):
            return 0  # may lift any token among the likeliest
        if sampling.temperature <= 0:
            return 1 + len(self._biases)
        if sampling.mirostat or sampling.top_n_sigma > 0 or sampling.top_k <= 0:
            return 0
        return sampling.top_k + len(self._biases)

    def _build(self, sampling: Sampling, prompt: Sequence[int]) -> None:
        lib = self._lib
        self._add_biases()
        reach = max(self._add_penalties(sampling), self._add_dry(sampling))
        if reach:
            for token in prompt[-reach:]:
                lib.llama_sampler_accept(self._chain, token)
        if sampling.temperature <= 0:
            self._add("greedy", lib.llama_sampler_init_greedy())
            return
        if sampling.mirostat:
            self._add_mirostat(sampling)
            return
        if sampling.top_n_sigma > 0:
            self._add("top_n_sigma", lib.llama_sampler_init_top_n_sigma(sampling.top_n_sigma))
        if sampling.top_k > 0:
            self._add("top_k", lib.llama_sampler_init_top_k(sampling.top_k))
        if sampling.typical_p < 1:
            self._add("possible", lib.llama_sampler_init_min_p(POSSIBLE, 1))
            self._add("typical_p", lib.llama_sampler_init_typical(sampling.typical_p, 1))
        if sampling.top_p < 1:
            self._add("top_p", lib.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            self._add("min_p", lib.llama_sampler_init_min_p(sampling.min_p, 1))
        if sampling.xtc_probability > 0:
            chance, threshold = sampling.xtc_probability, sampling.xtc_threshold
            self._add("xtc", lib.llama_sampler_init_xtc(chance, threshold, 1, self.seed))
        self._add_temperature(sampling)
        self._add("dist", lib.llama_sampler_init_dist(self.seed))

    def _add_biases(self) -> None:
        biases = self._biases
        if not biases:
            return
        pairs = (self._lib.llama_logit_bias * len(biases))()
        for pair, (token, bias) in zip(pairs, biases.items(), strict=True):
            pair.token, pair.bias = token, bias
        self._add(
            "logit_bias",
            self._lib.llama_sampler_init_logit_bias(self._vocabulary.size, len(pairs), pairs),
        )

    def _add_penalties(self, sampling: Sampling) -> int:
        """Returns how many tokens they look back on; 0 without any."""
        if not sampling.penalises:
            return 0
        reach = self._reach(sampling.repeat_last_n)
        penalties = self._lib.llama_sampler_init_penalties(
            self._vocabulary.size,
            reach,
            sampling.repeat_penalty,
            sampling.frequency_penalty,
            sampling.presence_penalty,
        )
        self._add("penalties", penalties)
        return reach

    def _add_dry(self, sampling: Sampling) -> int:
        """Returns how many tokens it looks back on; 0 without it."""
        if not sampling.dries:
            return 0
        reach = self._reach(sampling.dry_penalty_last_n)
        texts = [text.encode("utf-8") for text in sampling.dry_sequence_breakers]
        breakers = (ctypes.c_char_p * max(1, len(texts)))(*texts)
        dry = self._lib.llama_sampler_init_dry(
            self._vocabulary.pointer,
            sampling.dry_multiplier,
            sampling.dry_base,
            sampling.dry_allowed_length,
            reach,
            breakers,
            len(texts),
        )
        self._add("dry", dry)
        return reach

    def _add_mirostat(self, sampling: Sampling) -> None:
        """It stands for all samplers that cut the vocabulary, as in llama.cpp."""
        lib, tau, eta = self._lib, sampling.mirostat_tau, sampling.mirostat_eta
        self._add("temperature", lib.llama_sampler_init_temp(sampling.temperature))
        if sampling.mirostat == 1:
            size = self._vocabulary.size
            mirostat = lib.llama_sampler_init_mirostat(size, self.seed, tau, eta, _MIROSTAT_TOKENS)
        else:
            mirostat = lib.llama_sampler_init_mirostat_v2(self.seed, tau, eta)
        self._add("mirostat", mirostat)

    def _add_temperature(self, sampling: Sampling) -> None:
        temperature = self._lib.llama_sampler_init_temp_ext(
            sampling.temperature, sampling.dynatemp_range, sampling.dynatemp_exponent
        )
        self._add("temperature", temperature)

    def _reach(self, last_n: int) -> int:
        """-1 is the whole context; nothing is ever further back than that."""
        return min(last_n, self._context_tokens) if last_n > 0 else self._context_tokens

    def _add(self, name: str, sampler: Any) -> None:
        if not sampler:
            raise WorkerFault("worker-sampler-failed", name=name)
        self._lib.llama_sampler_chain_add(self._chain, sampler)


class Logprobs:
    """Log-probabilities of a chosen token and of the likeliest ones, before any sampler.

    Everything over the whole vocabulary runs in native code; made once per model.
    """

    def __init__(self, lib: Any, vocabulary_tokens: int) -> None:
        self._lib = lib
        self._size = vocabulary_tokens
        self._entries = (lib.llama_token_data * vocabulary_tokens)()
        self._sorted = (lib.llama_token_data * vocabulary_tokens)()
        ids = (ctypes.c_int32 * vocabulary_tokens)(*range(vocabulary_tokens))
        memoryview(self._entries).cast("B").cast("i")[::3] = memoryview(ids).cast("B").cast("i")
        self._softmax = lib.llama_sampler_init_dist(0)
        if not self._softmax:
            raise WorkerFault("worker-sampler-failed", name="logprobs")

    def read(self, context_pointer: Any, row: int = -1) -> None:
        """Take the logits after the batch's token `row`; call before it is sampled."""
        logits = self._lib.llama_get_logits_ith(context_pointer, row)
        if not logits:
            raise WorkerFault("worker-sampler-failed", name="logits")
        values = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float * self._size)).contents
        floats = memoryview(self._entries).cast("B").cast("f")
        floats[1::3] = memoryview(values).cast("B").cast("f")
        self._apply(self._softmax, self._entries)

    def of(self, token: int) -> float:
        """Log-probability of `token`."""
        return _log(self._entries[token].p)

    def likeliest(self, count: int) -> list[tuple[int, float]]:
        """The `count` likeliest tokens, best first."""
        if count == 0:
            return []
        ctypes.memmove(self._sorted, self._entries, ctypes.sizeof(self._entries))
        best = self._lib.llama_sampler_init_top_k(count)
        if not best:
            raise WorkerFault("worker-sampler-failed", name="logprobs")
        self._apply(best, self._sorted)
        self._lib.llama_sampler_free(best)
        top = self._sorted[: min(count, self._size)]
        return [(int(entry.id), _log(entry.p)) for entry in top]

    def free(self) -> None:
        """Give the native part back."""
        self._lib.llama_sampler_free(self._softmax)

    def _apply(self, sampler: Any, entries: Any) -> None:
        array = self._lib.llama_token_data_array(
            data=ctypes.cast(entries, self._lib.llama_token_data_p),
            size=self._size,
            selected=-1,
            sorted=False,
        )
        self._lib.llama_sampler_apply(sampler, ctypes.byref(array))


def _log(probability: float) -> float:
    # The floor keeps the frame JSON: a token that was banned outright has probability 0.
    return round(math.log(probability), 6) if probability > 0 else -9999.0
