"""Runs inside an engine's Python: load a model, prefill, decode, print one line of JSON.

Standard library, numpy and llama_cpp only; nothing of galosh (it is started by its path,
with `-I`, in an environment that holds no galosh). Whatever the native code does to this
process, the parent reads the exit status.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
import threading
import time
from typing import Any


def main() -> int:
    """Answer on the original stdout; native chatter goes to stderr."""
    request: dict[str, Any] = json.loads(sys.argv[1])
    answer = os.dup(1)
    os.dup2(2, 1)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    result = _attempt(request)
    os.write(answer, (json.dumps(result) + "\n").encode("ascii"))
    sys.stderr.flush()
    os._exit(0)  # the answer is out; tearing the library down proves nothing


def _die_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(70)


def _attempt(request: dict[str, Any]) -> dict[str, Any]:
    try:
        import llama_cpp
    except Exception as error:  # ImportError, OSError of the loader, RuntimeError of numpy
        return {"failed": "import-error", "detail": f"{type(error).__name__}: {error}"}
    try:
        return _run(llama_cpp, request)
    except (RuntimeError, ValueError, OSError, MemoryError) as error:
        return {"failed": "load-failed", "detail": f"{type(error).__name__}: {error}"}


def _run(lib: Any, request: dict[str, Any]) -> dict[str, Any]:
    log = _OffloadLog(lib)
    lib.llama_backend_init()
    started = time.perf_counter()
    model = _load(lib, request)
    vocabulary = lib.llama_model_get_vocab(model)
    prompt = _tokenize(lib, vocabulary, request["prompt"].encode("utf-8"))
    context = _context(lib, model, request, len(prompt))
    loaded = time.perf_counter()
    finite = True
    batch = (lib.llama_token * len(prompt))(*prompt)
    _decode(lib, context, lib.llama_batch_get_one(batch, len(prompt)))
    prefilled = time.perf_counter()
    tokens: list[int] = []
    for _ in range(int(request["decode_tokens"])):
        token, good = _greedy(lib, context, vocabulary)
        finite = finite and good
        tokens.append(token)
        if lib.llama_vocab_is_eog(vocabulary, token):
            break
        one = (lib.llama_token * 1)(token)
        _decode(lib, context, lib.llama_batch_get_one(one, 1))
    ended = time.perf_counter()
    text = b"".join(_piece(lib, vocabulary, token) for token in tokens)
    return {
        "finite": finite,
        "tokens": tokens,
        "text": text.decode("utf-8", "replace"),
        "prompt_tokens": len(prompt),
        "load_seconds": loaded - started,
        "prefill_seconds": prefilled - loaded,
        "decode_seconds": ended - prefilled,
        "system_info": (lib.llama_print_system_info() or b"").decode("utf-8", "replace"),
        "binding": str(lib.__version__),
        "offloaded": log.found,
    }


class _OffloadLog:
    """Listens for the line that says how many layers went to the graphics processor."""

    def __init__(self, lib: Any) -> None:
        self.found = ""
        self._callback = lib.llama_log_callback(self._take)  # kept: native code holds it
        lib.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _take(self, _level: int, text: bytes | None, _data: object) -> None:
        line = (text or b"").decode("utf-8", "replace")
        match = re.search(r"offloaded (\d+/\d+) layers to GPU", line)
        if match:
            self.found = match[1]
        sys.stderr.write(line)


def _load(lib: Any, request: dict[str, Any]) -> Any:
    params = lib.llama_model_default_params()
    params.n_gpu_layers = int(request.get("gpu_layers", 0))
    if not params.n_gpu_layers:
        # An empty list of devices. Else a CUDA build computes long prompts on the card, and
        # merely asking what it has takes 518 MiB of it.
        none = (ctypes.c_void_p * 1)(None)
        params.devices = ctypes.addressof(none)
        params.kept = none  # for as long as the address is used
    model = lib.llama_model_load_from_file(request["model"].encode("utf-8"), params)
    if not model:
        raise RuntimeError("llama.cpp could not load the model file")
    return model


def _context(lib: Any, model: Any, request: dict[str, Any], prompt_tokens: int) -> Any:
    params = lib.llama_context_default_params()
    params.n_ctx = prompt_tokens + int(request["decode_tokens"]) + 8
    params.n_batch = params.n_ubatch = max(prompt_tokens, 64)
    params.n_threads = params.n_threads_batch = int(request["threads"])
    context = lib.llama_init_from_model(model, params)
    if not context:
        raise RuntimeError("llama.cpp could not make a context")
    return context


def _tokenize(lib: Any, vocabulary: Any, text: bytes) -> list[int]:
    room = len(text) + 16
    buffer = (lib.llama_token * room)()
    count = lib.llama_tokenize(vocabulary, text, len(text), buffer, room, True, True)
    if count <= 0:
        raise RuntimeError("the model's vocabulary could not read the prompt")
    return list(buffer[:count])


def _decode(lib: Any, context: Any, batch: Any) -> None:
    code = lib.llama_decode(context, batch)
    if code != 0:
        raise RuntimeError(f"llama_decode returned {code}")


def _greedy(lib: Any, context: Any, vocabulary: Any) -> tuple[int, bool]:
    import numpy as np

    size = lib.llama_vocab_n_tokens(vocabulary)
    logits = np.ctypeslib.as_array(lib.llama_get_logits_ith(context, -1), shape=(size,))
    finite = bool(np.isfinite(logits).all())
    return (int(np.argmax(logits)) if finite else 0), finite


def _piece(lib: Any, vocabulary: Any, token: int) -> bytes:
    buffer = ctypes.create_string_buffer(256)
    length = lib.llama_token_to_piece(vocabulary, token, buffer, 256, 0, False)
    return buffer.raw[: max(length, 0)]


if __name__ == "__main__":
    sys.exit(main())
