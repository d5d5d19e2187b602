"""Loads a model file and holds it: weights, vocabulary, chat template.

Owns the native model's life (load, free). A load can be stopped at every step of its
progress; every null that native code hands back is turned into WorkerFault.
"""

from __future__ import annotations

import ctypes
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from galosh.worker.fault import WorkerFault
from galosh.worker.host import Host
from galosh.worker.native import Native
from galosh.worker.options import LoadOptions
from galosh.worker.render import Given, Template
from galosh.worker.vocabulary import Vocabulary

_PROGRESS_STEP = 0.02
_DESCRIPTION_BYTES = 256
_MIN_FILE_BYTES = 24


class Model:
    """A loaded model; must be freed (`free`) by the thread that uses it."""

    def __init__(
        self,
        native: Native,
        host: Host,
        options: LoadOptions,
        progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> None:
        """Load the file. Raises WorkerFault worker-model-missing, -load-cancelled,
        -load-failed."""
        self._lib = native.lib
        # Rows of a batch that come out as alone, once that was tried (`Context.try_rows`).
        self.exact_rows: int | None = None
        _check_regular(options.path)
        native.log.clear()
        params, keep = _params(self._lib, options, progress, cancelled)
        self.pointer: Any = self._lib.llama_model_load_from_file(
            host.path_bytes(options.path), params
        )
        del keep
        if not self.pointer:
            if cancelled():
                raise WorkerFault("worker-load-cancelled")
            raise WorkerFault("worker-load-failed", reason=native.log.reason())
        self.repacked = native.log.repacked
        try:
            self._read_facts(host, options)
        except BaseException:
            self.free()
            raise

    def _read_facts(self, host: Host, options: LoadOptions) -> None:
        lib, model = self._lib, self.pointer
        if not lib.llama_model_has_decoder(model) or lib.llama_model_has_encoder(model):
            raise WorkerFault("worker-load-failed", reason="not a text generator")
        self.vocabulary = Vocabulary(lib, model)
        own = lib.llama_model_chat_template(model, None)
        text = bytes(own).decode("utf-8", "replace") if own else ""
        words = self.vocabulary
        given = None
        if options.template is not None:
            given = Given(options.template_name, options.template, options.template_stops)
        self.template = Template(
            host, text.strip() and text, words.bos_text, words.eos_text, words.controls, given
        )
        words.show(self.template.form.marks)
        self.context_train = int(lib.llama_model_n_ctx_train(model))
        self.parameters = int(lib.llama_model_n_params(model))
        self.size_bytes = int(lib.llama_model_size(model))
        self.window_tokens = int(lib.llama_model_n_swa(model))
        self.forgetful = bool(
            lib.llama_model_is_recurrent(model) or lib.llama_model_is_hybrid(model)
        )
        buffer = ctypes.create_string_buffer(_DESCRIPTION_BYTES)
        lib.llama_model_desc(model, buffer, _DESCRIPTION_BYTES)
        self.description = buffer.value.decode("utf-8", "replace")

    def free(self) -> None:
        """Give the weights back; the model must not be used after."""
        if self.pointer:
            self._lib.llama_model_free(self.pointer)
            self.pointer = None


def _params(
    lib: Any,
    options: LoadOptions,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> tuple[Any, object]:
    """Native parameters, and what must stay alive while they are used."""
    last = -1.0

    def step(fraction: float, _user_data: object) -> bool:
        nonlocal last
        if fraction - last >= _PROGRESS_STEP or fraction >= 1.0:
            last = fraction
            progress(round(fraction, 3))
        return not cancelled()

    params = lib.llama_model_default_params()
    params.n_gpu_layers = options.gpu_layers
    if not params.n_gpu_layers:
        # An empty list of devices. Else a CUDA build computes long prompts on the card, and
        # merely asking what it has takes 518 MiB of it.
        none = (ctypes.c_void_p * 1)(None)
        params.devices = ctypes.addressof(none)
        params.kept = none  # for as long as the address is used
    params.load_mode = lib.LLAMA_LOAD_MODE_MMAP if options.use_mmap else lib.LLAMA_LOAD_MODE_NONE
    params.check_tensors = options.check_tensors
    callback = lib.llama_progress_callback(step)
    params.progress_callback = callback
    return params, callback


def _check_regular(path: str) -> None:
    try:
        facts = Path(path).stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise WorkerFault("worker-model-missing", path=path, reason=reason) from None
    if not stat.S_ISREG(facts.st_mode) or facts.st_size < _MIN_FILE_BYTES:
        raise WorkerFault("worker-model-missing", path=path, reason="not a model file")
