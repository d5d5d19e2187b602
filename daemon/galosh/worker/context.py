"""The model's memory of one conversation: decoding into it and reusing what it holds.

Owns the native context and the record of which tokens it holds (`held`), which must match
at every moment, also after an abort in mid-batch. One row of logits is ever asked for, so
that native code reserves no more. Only the thread that owns the model may use it, except
`abort`, which any thread may set.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from typing import Any

from galosh.worker.fault import WorkerFault
from galosh.worker.host import Host
from galosh.worker.model import Model
from galosh.worker.native import Native
from galosh.worker.options import LoadOptions
from galosh.worker.threads import Threads

_DEFAULT_CONTEXT_TOKENS = 4096
_ABORTED = 2
_WARM_UP_TOKENS = 4
_WARM_UP_SECONDS = 0.25


class AbortFlag:
    """A byte that native code looks at between two operations of a running batch.

    The look is a native function without Python in it (C's `strlen` over the byte): a
    Python callback would take the interpreter's lock a thousand times per token.
    """

    def __init__(self, host: Host) -> None:
        self._byte = ctypes.create_string_buffer(2)
        self._reader_address = host.flag_reader_address()

    def callback(self, lib: Any) -> tuple[Any, Any]:
        """The native callback and its argument; keep both while native code may call."""
        reader = ctypes.cast(self._reader_address, lib.ggml_abort_callback)
        return reader, ctypes.cast(self._byte, ctypes.c_void_p)

    def set(self) -> None:
        """Stop the running batch, and every later one until `clear`."""
        self._byte[0] = b"\x01"

    def clear(self) -> None:
        """Let batches run."""
        self._byte[0] = b"\x00"

    def is_set(self) -> bool:
        """Whether batches are to stop."""
        return self._byte[0] != b"\x00"


class CancelledError(Exception):
    """The abort flag ended a batch; the context stays usable."""


class Context:
    """One sequence of tokens in the model's memory."""

    def __init__(
        self, native: Native, model: Model, options: LoadOptions, abort: AbortFlag
    ) -> None:
        """Reserve the memory. Raises WorkerFault worker-context-failed."""
        lib = self._lib = native.lib
        self._model = model
        self._abort = abort
        native.log.clear()
        self.pointer: Any = lib.llama_init_from_model(model.pointer, _params(lib, model, options))
        if not self.pointer:
            raise WorkerFault("worker-context-failed", reason=native.log.reason())
        self.threads = Threads(
            lib, self.pointer, options.threads, options.threads_batch, options.adaptive_threads
        )
        self._memory = lib.llama_get_memory(self.pointer)
        if not self._memory:
            self.free()
            raise WorkerFault("worker-context-failed", reason="no memory")
        self._callback = abort.callback(lib)
        lib.llama_set_abort_callback(self.pointer, *self._callback)
        self.size_tokens = int(lib.llama_n_ctx_seq(self.pointer))
        self.batch_tokens = int(lib.llama_n_batch(self.pointer))
        self.held: list[int] = []
        self._batch = _Batch(lib, self.batch_tokens)

    def free(self) -> None:
        """Give the memory back."""
        if self.pointer:
            self.threads.free()
            self._lib.llama_free(self.pointer)
            self.pointer = None

    def warm_up(self) -> None:
        """Read the weights once and see how busy the PC is, before anybody waits for it."""
        begun = time.perf_counter()
        token = self._model.vocabulary.bos or 0
        for _ in range(_WARM_UP_TOKENS):
            self.decode([token], True)
            if time.perf_counter() - begun > _WARM_UP_SECONDS:
                break
        self.reset()

    def keep_prefix(self, tokens: Sequence[int], reuse: bool) -> int:
        """Keep what memory and `tokens` have in common at their start and drop the rest.

        At least the last token is left to decode, since its logits are wanted. Returns how
        many tokens are kept; 0 where the model's memory cannot be cut there.
        """
        common = 0
        limit = min(len(self.held), len(tokens) - 1) if reuse else 0
        while common < limit and self.held[common] == tokens[common]:
            common += 1
        if common == 0 or not self._reaches_back(common):
            self.reset()
            return 0
        if common < len(self.held) and not self._drop_from(common):
            return 0
        return common

    def _reaches_back(self, length: int) -> bool:
        """Whether all that token `length` looks at is still held: a sliding window or a
        recurrent state may have moved on."""
        window = max(1, self._model.window_tokens)
        oldest = int(self._lib.llama_memory_seq_pos_min(self._memory, 0))
        return 0 <= oldest <= max(0, length - window)

    def _drop_from(self, length: int) -> bool:
        if not self._lib.llama_memory_seq_rm(self._memory, 0, length, -1):
            self.reset()
            return False
        del self.held[length:]
        return True

    def reset(self) -> None:
        """Forget everything."""
        # False: the bytes stay. Clearing them would write to memory nobody has used yet.
        self._lib.llama_memory_clear(self._memory, False)
        self.held.clear()

    def decode(self, tokens: Sequence[int], wants_logits: bool) -> None:
        """Add up to `batch_tokens` tokens to the memory; logits for the last, if wanted.

        Raises CancelledError where the abort flag ended it, WorkerFault worker-decode-failed.
        """
        batch = self._batch.fill(tokens, len(self.held), wants_logits)
        self.threads.before(len(tokens))
        wall_seconds, cpu_seconds = time.perf_counter(), time.process_time()
        result = int(self._lib.llama_decode(self.pointer, batch))
        if result == 0:
            self.held += tokens
            wall_seconds = time.perf_counter() - wall_seconds
            cpu_seconds = time.process_time() - cpu_seconds
            self.threads.note(wall_seconds, cpu_seconds, len(tokens))
            return
        self._recover(tokens)
        if result == _ABORTED or self._abort.is_set():
            raise CancelledError
        raise WorkerFault("worker-decode-failed", status=result, held_tokens=len(self.held))

    def _recover(self, tokens: Sequence[int]) -> None:
        """After a batch that ended early: trust only what the memory says it holds."""
        if self._model.forgetful:
            # A recurrent state may be half updated, and nothing tells.
            self.reset()
            return
        newest = int(self._lib.llama_memory_seq_pos_max(self._memory, 0))
        self.held += tokens
        self._drop_from(max(0, min(newest + 1, len(self.held))))


class _Batch:
    """One native batch, allocated once and filled anew for every decode."""

    def __init__(self, lib: Any, size: int) -> None:
        self._tokens = (ctypes.c_int32 * size)()
        self._positions = (ctypes.c_int32 * size)()
        self._outputs = (ctypes.c_int8 * size)()
        counts = (ctypes.c_int32 * size)(*([1] * size))
        sequence = (ctypes.c_int32 * 1)(0)
        pointer = ctypes.POINTER(ctypes.c_int32)
        sequences = (pointer * size)(*([ctypes.cast(sequence, pointer)] * size))
        self._keep = (counts, sequence, sequences)
        self._native = lib.llama_batch(
            n_tokens=0,
            token=ctypes.cast(self._tokens, pointer),
            embd=None,
            pos=ctypes.cast(self._positions, pointer),
            n_seq_id=ctypes.cast(counts, pointer),
            seq_id=ctypes.cast(sequences, ctypes.POINTER(pointer)),
            logits=ctypes.cast(self._outputs, ctypes.POINTER(ctypes.c_int8)),
        )

    def fill(self, tokens: Sequence[int], start: int, wants_logits: bool) -> Any:
        count = len(tokens)
        self._tokens[:count] = list(tokens)
        self._positions[:count] = list(range(start, start + count))
        self._outputs[:count] = [0] * count
        self._outputs[count - 1] = wants_logits
        self._native.n_tokens = count
        return self._native


def _params(lib: Any, model: Model, options: LoadOptions) -> Any:
    wanted = options.context_tokens or min(model.context_train, _DEFAULT_CONTEXT_TOKENS)
    params = lib.llama_context_default_params()
    params.n_ctx = wanted
    params.n_batch = min(options.batch_tokens, wanted)
    params.n_ubatch = params.n_batch
    params.n_seq_max = 1
    params.n_outputs_max = 1
    params.n_threads = options.threads
    params.n_threads_batch = options.threads_batch
    kinds = {
        None: lib.LLAMA_FLASH_ATTN_TYPE_AUTO,
        True: lib.LLAMA_FLASH_ATTN_TYPE_ENABLED,
        False: lib.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    }
    params.flash_attn_type = kinds[options.flash_attention]
    types = {"f16": lib.GGML_TYPE_F16, "q8_0": lib.GGML_TYPE_Q8_0, "f32": lib.GGML_TYPE_F32}
    params.type_k = params.type_v = types[options.cache_type]
    params.offload_kqv = params.op_offload = options.gpu_layers != 0
    params.swa_full = False
    params.no_perf = True
    return params
