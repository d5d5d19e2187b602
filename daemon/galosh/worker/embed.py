"""Texts as vectors: what the loaded model makes of them, in a context of their own.

Owns that context for the length of one request; the weights are the loaded model's. Vectors
are normalised float32, little-endian. Pooling is what the model file asks for, else the
mean over the tokens, put together from the means of the pieces that are read at a time.
"""

from __future__ import annotations

import base64
import ctypes
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from galosh.worker.batch import Batch, Piece
from galosh.worker.context import AbortFlag, CancelledError
from galosh.worker.fault import WorkerFault
from galosh.worker.model import Model
from galosh.worker.native import Native
from galosh.worker.options import LoadOptions, utf8
from galosh.worker.threads import Threads

MAX_TEXTS = 64
# The engine keeps a row of the whole vocabulary for every token it reads in this mode.
_ROWS_BYTES = 32 * 1024 * 1024
_MOST_TOKENS, _LEAST_TOKENS = 256, 16
_META_BYTES = 64
_ABORTED = 2


@dataclass(frozen=True)
class Wish:
    """What is to be embedded. truncate: cut the end of what is too long."""

    texts: tuple[str, ...]
    truncate: bool


def read_embed(request: Mapping[str, object]) -> Wish:
    """The embed request, checked; raises WorkerFault worker-option-wrong."""
    texts, truncate = request.get("texts"), request.get("truncate", False)
    good = isinstance(texts, list) and 0 < len(texts) <= MAX_TEXTS
    if not isinstance(texts, list) or not good or not all(isinstance(text, str) for text in texts):
        expected = f'["…"], 1…{MAX_TEXTS}'
        raise WorkerFault("worker-option-wrong", name="texts", value="?", expected=expected)
    if not isinstance(truncate, bool):
        expected = "true | false"
        raise WorkerFault("worker-option-wrong", name="truncate", value="?", expected=expected)
    return Wish(tuple(texts), truncate)


def tokens_of(model: Model, wish: Wish, limit_tokens: int) -> tuple[list[list[int]], int]:
    """The tokens of each text, at most `limit_tokens`, and (at least) how many were cut. Raises
    WorkerFault worker-prompt-too-long, -prompt-empty, -text-broken."""
    found, dropped = [], 0
    for text in wish.texts:
        data = utf8(text, "texts")
        too_many = model.vocabulary.exceeds(data, limit_tokens, lambda: False)
        if too_many is not None and not wish.truncate:
            raise _too_long(too_many, limit_tokens)
        if too_many is not None:
            data = data[: limit_tokens * 64]  # no token that counts is longer
        words = model.vocabulary.tokens(data, False)
        bos = model.vocabulary.bos
        tokens = [bos, *words] if bos is not None and model.vocabulary.adds_bos else words
        if not tokens:
            raise WorkerFault("worker-prompt-empty")
        if len(tokens) > limit_tokens and not wish.truncate:
            raise _too_long(len(tokens), limit_tokens)
        found.append(tokens[:limit_tokens])
        dropped += max(0, max(too_many or 0, len(tokens)) - limit_tokens)
    return found, dropped


class Embedder:
    """See the module; a context manager around the native context."""

    def __init__(
        self, native: Native, model: Model, options: LoadOptions, abort: AbortFlag, tokens: int
    ) -> None:
        """tokens: how long the longest text is. Raises WorkerFault worker-context-failed."""
        lib = self._lib = native.lib
        self._model = model
        self._abort = abort
        rows = _ROWS_BYTES // (4 * model.vocabulary.size)
        self._step = max(_LEAST_TOKENS, min(_MOST_TOKENS, rows))
        self._last = _pooling(lib, model) == lib.LLAMA_POOLING_TYPE_LAST
        self._width = int(lib.llama_model_n_embd_out(model.pointer))
        native.log.clear()
        self._pointer: Any = lib.llama_init_from_model(
            model.pointer, self._params(lib, options, tokens)
        )
        if not self._pointer:
            raise WorkerFault("worker-context-failed", reason=native.log.reason())
        self._threads = Threads(
            lib, self._pointer, options.threads, options.threads_batch, options.adaptive_threads
        )
        self._callback = abort.callback(lib)
        lib.llama_set_abort_callback(self._pointer, *self._callback)
        self._memory = lib.llama_get_memory(self._pointer)
        self._batch = Batch(lib, self._step, 1)

    def __enter__(self) -> Embedder:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.free()
        self._lib.llama_free(self._pointer)

    def vector(self, tokens: Sequence[int], alive: Callable[[int], None]) -> str:
        """The vector of one text, in base64. alive: told how much is read, now and then.

        Raises CancelledError; WorkerFault worker-decode-failed.
        """
        self._lib.llama_memory_clear(self._memory, True)
        total = [0.0] * self._width
        for start in range(0, len(tokens), self._step):
            piece = tokens[start : start + self._step]
            self._decode(piece, start)
            found = self._lib.llama_get_embeddings_seq(self._pointer, 0)
            if not found:
                raise WorkerFault("worker-decode-failed", status=0, held_tokens=start)
            if self._last:
                total = found[: self._width]
            else:
                weight = float(len(piece))
                total = [
                    old + weight * new for old, new in zip(total, found[: self._width], strict=True)
                ]
            alive(start + len(piece))
        return _packed(total)

    def _decode(self, tokens: Sequence[int], start: int) -> None:
        batch, count = self._batch.fill([Piece(0, tokens, len(tokens))], [start])
        self._threads.before(count)
        result = int(self._lib.llama_decode(self._pointer, batch))
        if result == _ABORTED or self._abort.is_set():
            raise CancelledError
        if result != 0:
            raise WorkerFault("worker-decode-failed", status=result, held_tokens=start)

    def _params(self, lib: Any, options: LoadOptions, tokens: int) -> Any:
        params = lib.llama_context_default_params()
        params.n_ctx = tokens
        params.n_batch = params.n_ubatch = self._step
        params.n_seq_max = 1
        params.n_threads = options.threads
        params.n_threads_batch = options.threads_batch
        params.embeddings = True
        kind = lib.LLAMA_POOLING_TYPE_LAST if self._last else lib.LLAMA_POOLING_TYPE_MEAN
        params.pooling_type = kind
        params.offload_kqv = params.op_offload = options.gpu_layers != 0
        params.no_perf = True
        return params


def _pooling(lib: Any, model: Model) -> int:
    """What the model file asks for; -1 where it says nothing."""
    name = _meta(lib, model, b"general.architecture")
    try:
        return int(_meta(lib, model, name + b".pooling_type") or b"-1")
    except ValueError:
        return -1


def _meta(lib: Any, model: Model, key: bytes) -> bytes:
    buffer = ctypes.create_string_buffer(_META_BYTES)
    length = lib.llama_model_meta_val_str(model.pointer, key, buffer, _META_BYTES)
    return buffer.value if length > 0 else b""


def _packed(vector: Sequence[float]) -> str:
    length = math.sqrt(sum(value * value for value in vector))
    scale = 1.0 / length if length > 0 and math.isfinite(length) else 0.0
    floats = [value * scale for value in vector] if scale else [0.0] * len(vector)
    return base64.b64encode(struct.pack(f"<{len(floats)}f", *floats)).decode("ascii")


def _too_long(tokens: int, limit_tokens: int) -> WorkerFault:
    return WorkerFault("worker-prompt-too-long", prompt_tokens=tokens, context_tokens=limit_tokens)
