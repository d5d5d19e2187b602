"""Runs inside an engine's Python: open a model without its weights, say what it would take.

Standard library and llama_cpp only; nothing of galosh (it is started by its path, with
`-I`). The header is untrusted and native code reads it, so whatever happens to this process
is the parent's to judge. Owns nothing but one line of JSON on stdout.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.util
import json
import os
import sys
import types
from typing import Any

_ERROR, _CONTINUED = 4, 5  # ggml.h
_MOST_LINES = 2000
_MOST_CHARACTERS = 400


class Log:
    """The lines of the engine's log that speak of sizes, and its first complaint."""

    def __init__(self, lib: Any) -> None:
        self.sizes: list[str] = []
        self.reason = ""
        self._level = 0
        self._callback = lib.llama_log_callback(self._take)  # kept: native code calls it
        lib.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _take(self, level: int, text: bytes | None, _user_data: object) -> None:
        if level != _CONTINUED:
            self._level = level
        line = (text or b"").decode("utf-8", "replace").strip()[:_MOST_CHARACTERS]
        if "size" in line and "MiB" in line and len(self.sizes) < _MOST_LINES:
            self.sizes.append(line)
        # The first error names the cause, what follows only that the load failed.
        if self._level == _ERROR and line and not self.reason:
            self.reason = line


def main() -> None:
    """Read the request on stdin, write the answer to what was stdout."""
    answer_to = os.dup(1)
    os.dup2(2, 1)  # whatever native code prints is not the answer
    request = json.load(sys.stdin)
    limit_memory(request["limit_bytes"], request["limit_seconds"])
    os.environ["GGML_NO_BACKTRACE"] = "1"
    lib = import_low_level()
    lib.llama_backend_init()
    log = Log(lib)
    answer = look(lib, log, request)
    os.write(answer_to, json.dumps(answer).encode())


def look(lib: Any, log: Log, request: dict[str, Any]) -> dict[str, object]:
    """What the engine says of the model and of a context with each of the settings."""
    params = lib.llama_model_default_params()
    params.no_alloc = True
    params.load_mode = lib.LLAMA_LOAD_MODE_NONE
    params.n_gpu_layers = request["gpu_layers"]
    if not params.n_gpu_layers:
        # An empty list of devices. Else a CUDA build computes long prompts on the card, and
        # merely asking what it has takes 518 MiB of it.
        none = (ctypes.c_void_p * 1)(None)
        params.devices = ctypes.addressof(none)
        params.kept = none  # for as long as the address is used
    model = lib.llama_model_load_from_file(os.fsencode(request["path"]), params)
    if not model:
        return {"failed": "model", "reason": log.reason}
    contexts: list[list[str]] = []
    for settings in request["contexts"]:
        log.sizes.clear()
        context = lib.llama_init_from_model(model, context_params(lib, settings))
        if not context:
            return {"failed": "context", "reason": log.reason, "contexts": contexts}
        contexts.append(list(log.sizes))
        lib.llama_free(context)
    return {"contexts": contexts}


def context_params(lib: Any, settings: dict[str, Any]) -> Any:
    """Native parameters; the worker's own (`galosh.worker.context`) are the same."""
    params = lib.llama_context_default_params()
    params.n_ctx = settings["context_tokens"]
    params.n_batch = params.n_ubatch = settings["step_tokens"]
    params.n_seq_max = settings["sequences"]
    params.n_outputs_max = settings["output_rows"]
    params.kv_unified = True
    params.n_threads = params.n_threads_batch = 1
    params.flash_attn_type = int(settings["flash_attention"])
    params.type_k = params.type_v = getattr(lib, f"GGML_TYPE_{settings['cache_type'].upper()}")
    params.offload_kqv = params.op_offload = settings["gpu_layers"] != 0
    params.swa_full = settings["full_window_cache"]
    params.no_perf = True
    return params


def limit_memory(limit_bytes: int, limit_seconds: int) -> None:
    """A header may ask for any amount; Windows has no such limit, there time is the only one."""
    if sys.platform == "win32":
        return
    import resource

    limits = {
        resource.RLIMIT_DATA: limit_bytes,
        resource.RLIMIT_CPU: limit_seconds,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        with contextlib.suppress(OSError, ValueError):  # a lower limit is in force already
            resource.setrlimit(kind, (limit, limit))


def import_low_level() -> Any:
    """llama_cpp's native functions without its package, which pulls in numpy."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("llama_cpp")
    package = types.ModuleType("llama_cpp")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    sys.modules["llama_cpp"] = package
    return importlib.import_module("llama_cpp.llama_cpp")


if __name__ == "__main__":
    main()
