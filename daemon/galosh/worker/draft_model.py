"""A small model of the same vocabulary that guesses what the large one will say.

Owns the small model's weights and its context of one sequence, and keeps that sequence a
beginning of the answer's tokens. Its guesses are checked by the large model like any others,
so nothing here can change a word; whatever goes wrong ends the guessing and nothing else.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

from galosh.worker.batch import Batch, Piece
from galosh.worker.context import AbortFlag
from galosh.worker.draft_pay import DraftPay
from galosh.worker.fault import WorkerFault
from galosh.worker.host import Host
from galosh.worker.model import Model
from galosh.worker.native import Native
from galosh.worker.options import LoadOptions
from galosh.worker.prefixes import common_tokens
from galosh.worker.threads import Threads
from galosh.worker.vocabulary import Vocabulary

# Every so many-th token is compared: another vocabulary of the same size differs in most.
_COMPARED_STEP = 61
_ABORTED = 2


class DraftModel:
    """See the module."""

    def __init__(
        self, native: Native, host: Host, model: Model, options: LoadOptions, abort: AbortFlag
    ) -> None:
        """Load it beside `model`. Raises WorkerFault worker-draft-vocabulary,
        worker-draft-unfit, or why it cannot be loaded."""
        assert options.draft_path is not None
        self._lib = native.lib
        self._context: Any = None
        self._threads: Threads | None = None
        self._sampler: Any = None
        own = dataclasses.replace(options, path=options.draft_path, gpu_layers=0)
        self._model = Model(native, host, own, lambda _: None, abort.is_set)
        self.pay = DraftPay()
        try:
            self._check(model)
            self._open(native, own, abort)
        except BaseException:
            self.free()
            raise

    def guess(self, tokens: Sequence[int], most: int) -> list[int] | None:
        """How `tokens` may go on: at most `most` tokens. None: it is still reading them (one
        batch at a time, so that nobody waits long for his next word)."""
        same = common_tokens(self._held, tokens, len(tokens) - 1)
        self._cut(same)
        missing = list(tokens[same:])
        if len(tokens) + most >= self._size_tokens:
            return []
        if len(missing) > self._step_tokens:
            self._read(missing[: self._step_tokens], 0)
            return None
        found: list[int] = []
        while len(found) < most and self.usable and self._read(missing, 1):
            token = int(self._lib.llama_sampler_sample(self._sampler, self._context, -1))
            if not 0 <= token < self._model.vocabulary.size:
                break
            found.append(token)
            if self._model.vocabulary.is_end(token):
                break
            missing = [token]
        return found

    @property
    def usable(self) -> bool:
        """Whether it can guess."""
        return self._context is not None

    def free(self) -> None:
        """Give everything back."""
        if self._sampler:
            self._lib.llama_sampler_free(self._sampler)
        if self._threads is not None:
            self._threads.free()
        if self._context:
            self._lib.llama_free(self._context)
        self._sampler = self._threads = self._context = None
        self._model.free()

    def _check(self, model: Model) -> None:
        if not is_same(model.vocabulary, self._model.vocabulary):
            raise WorkerFault(
                "worker-draft-vocabulary",
                tokens=self._model.vocabulary.size,
                wanted_tokens=model.vocabulary.size,
            )
        if self._model.forgetful:
            raise WorkerFault("worker-draft-unfit", reason="recurrent")

    def _open(self, native: Native, options: LoadOptions, abort: AbortFlag) -> None:
        lib = self._lib
        native.log.clear()
        params = _params(lib, options)
        self._context = lib.llama_init_from_model(self._model.pointer, params)
        if not self._context:
            raise WorkerFault("worker-context-failed", reason=native.log.reason())
        self._threads = Threads(
            lib, self._context, options.threads, options.threads_batch, options.adaptive_threads
        )
        self._callback = abort.callback(lib)
        lib.llama_set_abort_callback(self._context, *self._callback)
        self._memory = lib.llama_get_memory(self._context)
        self._sampler = lib.llama_sampler_init_greedy()
        self._size_tokens = int(lib.llama_n_ctx(self._context))
        self._step_tokens = int(lib.llama_n_batch(self._context))
        self._batch = Batch(lib, self._step_tokens, 1)
        self._held: list[int] = []

    def _read(self, tokens: list[int], outputs: int) -> bool:
        """Add tokens to what is held; False where that was stopped or failed."""
        batch, count = self._batch.fill([Piece(0, tokens, outputs)], [len(self._held)])
        assert self._threads is not None
        self._threads.before(count)
        result = int(self._lib.llama_decode(self._context, batch))
        if result == 0:
            self._held += tokens
            return True
        self._lib.llama_memory_clear(self._memory, True)
        self._held = []
        if result != _ABORTED:
            sys.stderr.write(f"the draft model failed with status {result}; it is not used\n")
            self.free()
        return False

    def _cut(self, length: int) -> None:
        if length == len(self._held):
            return
        if self._lib.llama_memory_seq_rm(self._memory, 0, length, -1):
            del self._held[length:]
        else:
            self._lib.llama_memory_clear(self._memory, True)
            self._held = []


def is_same(one: Vocabulary, other: Vocabulary) -> bool:
    """Whether tokens of one mean the same in the other."""
    if (one.size, one.bos, one.eos_text) != (other.size, other.bos, other.eos_text):
        return False
    places = range(0, one.size, _COMPARED_STEP)
    return all(one.text([token]) == other.text([token]) for token in places)


def _params(lib: Any, options: LoadOptions) -> Any:
    params = lib.llama_context_default_params()
    params.n_ctx = options.context_tokens
    params.n_batch = params.n_ubatch = options.batch_tokens
    params.n_seq_max = params.n_outputs_max = 1
    params.n_threads = options.threads
    params.n_threads_batch = options.threads_batch
    params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_AUTO
    # Wrong guesses are taken back, further than a window would remember.
    params.swa_full = True
    params.offload_kqv = params.op_offload = False
    params.no_perf = True
    return params
