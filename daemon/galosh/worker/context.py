"""The model's memory of what it has read: several sequences of tokens in one pool of cells.

Owns the native context and the record of which tokens each sequence holds (`held`), which
must match at every moment, also after an abort in mid-batch. Who uses a sequence and when
is not decided here. Only the thread that owns the model may use it, except `AbortFlag`,
which any thread may set.
"""

from __future__ import annotations

import ctypes
import hashlib
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from galosh.worker import exact
from galosh.worker.batch import Batch, Piece
from galosh.worker.fault import WorkerFault
from galosh.worker.host import Host
from galosh.worker.model import Model
from galosh.worker.native import Native
from galosh.worker.options import LoadOptions
from galosh.worker.streak import Chooser, Streak
from galosh.worker.threads import Threads

_DEFAULT_CONTEXT_TOKENS = 4096
_NO_ROOM, _ABORTED = 1, 2
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


class NoRoomError(Exception):
    """The pool has no cells left for this batch; nothing has changed."""


class Context:
    """See the module. `held[n]` is what sequence n holds."""

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
        self.size_tokens = int(lib.llama_n_ctx(self.pointer))
        self.batch_tokens = int(lib.llama_n_batch(self.pointer))
        self.sequences = options.sequences
        self.outputs = options.outputs
        self.drafts = options.draft and not model.forgetful
        self._engine_rows = exact.engine_rows(
            native.system, options.cache_type, options.flash_attention
        )
        self.held: list[list[int]] = [[] for _ in range(self.sequences)]
        self._batch = Batch(lib, self.batch_tokens, self.sequences)
        self._streak = Streak(lib, self.pointer, self.sequences)

    @property
    def can_write(self) -> bool:
        """Whether `write` can be asked."""
        return self._streak.usable

    @property
    def can_share(self) -> bool:
        """Whether sequences can share cells, and be cut anywhere."""
        return not self._model.forgetful and self._model.window_tokens == 0

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
            self.decode([Piece(0, [token], 1)])
            if time.perf_counter() - begun > _WARM_UP_SECONDS:
                break
        self.reset(0)

    def decode(self, pieces: Sequence[Piece]) -> None:
        """Add the pieces to their sequences (each at most once), `batch_tokens` at most.

        Raises NoRoomError; CancelledError where the abort flag ended it; WorkerFault
        worker-decode-failed.
        """
        held = self.held
        starts = [len(held[piece.sequence]) for piece in pieces]
        batch, count = self._batch.fill(pieces, starts)
        self.threads.before(count)
        wall_seconds, cpu_seconds = time.perf_counter(), time.process_time()
        result = int(self._lib.llama_decode(self.pointer, batch))
        if result == 0:
            for piece in pieces:
                held[piece.sequence] += piece.tokens
            wall_seconds = time.perf_counter() - wall_seconds
            cpu_seconds = time.process_time() - cpu_seconds
            self.threads.note(wall_seconds, cpu_seconds, count)
            return
        self._recover_from(result, pieces)

    def write(
        self, pieces: Sequence[Piece], choosers: Sequence[Chooser], steps: int, seconds: float,
        news: ctypes.c_int32,
    ) -> list[tuple[int, ...]]:  # fmt: skip
        """Add the one token of each piece, then the one chosen after it, and so on: `steps`
        times, or until one has ended, the time is up, there is `news`, or a step was far too
        long. Returns the tokens chosen in each step, at least one step's, in the order of the
        pieces; the last are not added yet.

        Raises what `decode` does, where already the first step fails.
        """
        held = self.held
        answers = [
            (piece.sequence, len(held[piece.sequence]), piece.tokens[0], chooser)
            for piece, chooser in zip(pieces, choosers, strict=True)
        ]
        self.threads.before(len(pieces))
        wall_seconds, cpu_seconds = time.perf_counter(), time.process_time()
        chosen, result = self._streak.run(answers, steps, seconds, news)
        if chosen:
            wall_seconds = time.perf_counter() - wall_seconds
            cpu_seconds = time.process_time() - cpu_seconds
            added = [tuple(piece.tokens[0] for piece in pieces), *chosen[:-1]]
            for piece, tokens in zip(pieces, zip(*added, strict=True), strict=True):
                held[piece.sequence] += tokens
            total = len(pieces) * len(chosen)
            self.threads.note(wall_seconds, cpu_seconds, total, len(chosen))
        if result != 0:
            try:
                self._recover_from(result, pieces)
            except (CancelledError, NoRoomError, WorkerFault):
                if not chosen:
                    raise  # else the next step fails in the same way
        return chosen

    def cut(self, sequence: int, length: int) -> bool:
        """Drop what a sequence holds from `length` on. False (and all of it is dropped)
        where the model's memory cannot be cut there."""
        held = self.held[sequence]
        if length == len(held):
            return True
        reaches = length > 0 and self.reaches_back(sequence, length)
        if reaches and self._lib.llama_memory_seq_rm(self._memory, sequence, length, -1):
            del held[length:]
            return True
        self.reset(sequence)
        return length == 0

    def can_take_back(self, sequence: int, count: int) -> bool:
        """Whether the last `count` tokens of a sequence could be dropped again right after
        they were added: a sliding window moves on by as many."""
        window = self._window()
        if self._model.forgetful or window == 0:
            return not self._model.forgetful
        return self.oldest(sequence) <= max(0, len(self.held[sequence]) - window - 2 * count)

    def most_rows(self) -> int:
        """The most rows of a batch that come out as they would alone; before `try_rows`: that
        may do so. 1: none can be sure of it."""
        used = sum(len(held) for held in self.held)
        rows = exact.most_rows(self._engine_rows, used, self._model.repacked)
        if self._window():
            # Cells of a window are used anew in a circle; what is taken back shifts it.
            circle = self._window() * self.sequences + self.batch_tokens
            rows = rows if used + exact.LARGEST <= circle else 1
        if self._model.exact_rows is not None:
            rows = min(rows, self._model.exact_rows)
        return min(rows, self.outputs, self.batch_tokens)

    @property
    def rows_tried(self) -> bool:
        """Whether `try_rows` has been done for this model."""
        return self._model.exact_rows is not None

    def try_rows(self, sequence: int, tokens: Sequence[int]) -> None:
        """Compare rows of a batch with rows alone, behind the end of a sequence, which is the
        same after. Takes a dozen steps; raises what `decode` does."""
        end = len(self.held[sequence])
        tokens = list(tokens[-self.most_rows() :])

        def rows(count: int, at: int = 0) -> list[bytes]:
            self.decode([Piece(sequence, tokens[at : at + count], count)])
            return [self.row(number) for number in range(count)]

        def together(count: int) -> list[bytes]:
            self.cut(sequence, end)
            return rows(count)

        try:
            alone = [rows(1, at)[0] for at in range(len(tokens))]
            self._model.exact_rows = exact.agreeing(alone, together)
        except WorkerFault:
            self._model.exact_rows = 1
            raise
        finally:
            self.cut(sequence, end)

    def row(self, number: int) -> bytes:
        """What tells a row of the last batch's logits from any other."""
        logits = self._lib.llama_get_logits_ith(self.pointer, number)
        size_bytes = self._model.vocabulary.size * ctypes.sizeof(ctypes.c_float)
        return hashlib.blake2b(ctypes.string_at(logits, size_bytes)).digest()

    def reaches_back(self, sequence: int, length: int) -> bool:
        """Whether all that token `length` looks at is still held: a sliding window or a
        recurrent state may have moved on."""
        return self.oldest(sequence) in range(max(0, length - max(1, self._window())) + 1)

    def usable(self, oldest: int, count: int, common: int) -> int:
        """How many of the first `common` tokens a state of `count` tokens, that remembers
        back to `oldest`, can be used for: all or none."""
        if common == count or 0 <= oldest <= max(0, common - max(1, self._window())):
            return common
        return 0

    def oldest(self, sequence: int) -> int:
        """The first position that a sequence remembers in every layer; -1: none."""
        return int(self._lib.llama_memory_seq_pos_min(self._memory, sequence))

    def reset(self, sequence: int) -> None:
        """Forget all of a sequence."""
        if self.held[sequence]:
            self._lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
            self.held[sequence] = []

    def share(self, source: int, target: int, length: int) -> None:
        """Let `target` hold the first `length` tokens of `source` too, in the same cells."""
        self.reset(target)
        self._lib.llama_memory_seq_cp(self._memory, source, target, 0, length)
        self.held[target] = self.held[source][:length]

    def snapshot_bytes(self, sequence: int) -> int:
        """How long a snapshot of a sequence would be."""
        return int(self._lib.llama_state_seq_get_size_ext(self.pointer, sequence, 0))

    def snapshot_oldest(self, sequence: int) -> int:
        """The first position that a snapshot remembers in every layer: of a sliding window
        it holds what the next token looks at, and not what happens to be left behind it."""
        window = self._window()
        behind = len(self.held[sequence]) - window if window else 0
        return max(self.oldest(sequence), behind)

    def snapshot(self, sequence: int) -> bytearray | None:
        """All that is remembered of a sequence, as bytes for `restore`."""
        state = bytearray(self.snapshot_bytes(sequence))
        if not state:
            return None
        view = (ctypes.c_uint8 * len(state)).from_buffer(state)
        written = self._lib.llama_state_seq_get_data_ext(
            self.pointer, view, len(state), sequence, 0
        )
        return state if written == len(state) else None

    def restore(self, sequence: int, tokens: Sequence[int], state: bytearray) -> bool:
        """Let a sequence hold `tokens` again. The bytes must be from `snapshot` of this very
        model, engine and settings: native code trusts them. False: there was no room."""
        self.reset(sequence)
        view = (ctypes.c_uint8 * len(state)).from_buffer(state)
        read = self._lib.llama_state_seq_set_data_ext(self.pointer, view, len(state), sequence, 0)
        newest = int(self._lib.llama_memory_seq_pos_max(self._memory, sequence))
        self.held[sequence] = list(tokens)
        if read != len(state) or newest != len(tokens) - 1:
            self.reset(sequence)
            return False
        return True

    def _window(self) -> int:
        return self._model.window_tokens

    def _recover_from(self, result: int, pieces: Sequence[Piece]) -> NoReturn:
        """Raise what a batch's `result` means, with `held` true again."""
        if result == _NO_ROOM:
            raise NoRoomError
        held_tokens = max(len(self.held[piece.sequence]) for piece in pieces)
        for piece in pieces:
            self._recover(piece.sequence)
        if result == _ABORTED or self._abort.is_set():
            raise CancelledError
        raise WorkerFault("worker-decode-failed", status=result, held_tokens=held_tokens)

    def _recover(self, sequence: int) -> None:
        """After a batch that ended early: trust only what the memory says it holds."""
        held = self.held[sequence]
        newest = int(self._lib.llama_memory_seq_pos_max(self._memory, sequence))
        keep = min(newest + 1, len(held))
        # A recurrent state may be half updated, and nothing tells.
        if self._model.forgetful or keep <= 0:
            held.append(-1)  # so that `reset` has something to forget
            self.reset(sequence)
            return
        self._lib.llama_memory_seq_rm(self._memory, sequence, keep, -1)
        del held[keep:]


def _params(lib: Any, model: Model, options: LoadOptions) -> Any:
    wanted = options.context_tokens or min(model.context_train, _DEFAULT_CONTEXT_TOKENS)
    params = lib.llama_context_default_params()
    params.n_ctx = wanted
    params.n_batch = max(min(options.batch_tokens, wanted), options.sequences)
    params.n_ubatch = params.n_batch
    params.n_seq_max = options.sequences
    # One pool: a single long answer may use all of it.
    params.kv_unified = True
    params.n_outputs_max = options.outputs
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
