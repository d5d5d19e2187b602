"""ggml's thread pool for one native context, made once instead of for every token.

Owns the native pool. An engine compiled from source needs it, since its threads know each
other by it; to a prebuilt one, whose threads are OpenMP's, it is a few bytes. Where the
library does not show the functions there is no pool, and ggml makes what it needs.
"""

from __future__ import annotations

import ctypes
from typing import Any

from galosh.worker.symbols import find_function

_MOST_THREADS = 512  # GGML_MAX_N_THREADS


class _Params(ctypes.Structure):
    """struct ggml_threadpool_params of ggml.h."""

    _fields_ = (
        ("cpumask", ctypes.c_bool * _MOST_THREADS),
        ("n_threads", ctypes.c_int),
        ("prio", ctypes.c_int),
        ("poll", ctypes.c_uint32),
        ("strict_cpu", ctypes.c_bool),
        ("paused", ctypes.c_bool),
    )


class Pool:
    """The pool attached to one context; it grows when more threads are asked for."""

    def __init__(self, lib: Any, context_pointer: Any) -> None:
        self._context = context_pointer
        self._size = 0
        self._pools: list[int] = []
        wanted = (
            ("ggml_threadpool_params_init", None, (ctypes.POINTER(_Params), ctypes.c_int)),
            ("ggml_threadpool_new", ctypes.c_void_p, (ctypes.POINTER(_Params),)),
            ("ggml_threadpool_free", None, (ctypes.c_void_p,)),
            ("llama_attach_threadpool", None, (ctypes.c_void_p,) * 3),
            ("llama_detach_threadpool", None, (ctypes.c_void_p,)),
        )
        found = [find_function(lib, *each) for each in wanted]
        self.there = None not in found
        self._prepare, self._new, self._free, self._attach, self._detach = found

    def serve(self, threads: int) -> None:
        """Have room for this many threads; more than the context is told to use sleep."""
        if not self.there or threads <= self._size:
            return
        params = _Params()
        self._prepare(ctypes.byref(params), min(threads, _MOST_THREADS))
        pool = self._new(ctypes.byref(params))
        if not pool:
            return
        # The context looks at the pool it had once more, so that one stays until the end.
        self._pools.append(pool)
        self._size = threads
        self._attach(self._context, pool, None)

    def free(self) -> None:
        """End the threads; the context must not compute any more."""
        if self._pools:
            self._detach(self._context)
        while self._pools:
            self._free(self._pools.pop())
