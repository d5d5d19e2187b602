"""Runs inside an engine's Python: times ggml's own work and prints one line of JSON.

Standard library only, and nothing of galosh (it is started by its path, with `-I`, in an
environment that holds no galosh). Calls the engine's `ggml-base` and `ggml-cpu` libraries:
products of one token and of a batch with weights of given types and measures, in the layout
the engine itself would give them (repacked where it repacks), attention, and the price of a
step between threads. Knows no model and judges nothing; `measured.py` reads the answer.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_P, _I, _L, _S = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_size_t
_F32, _F16 = 0, 1
_SLOT_SECONDS = 0.07  # of repeats for one number
_MOST_REPEATS = 60
_MOST_MATRICES = 1500
_BATCH_FLOPS = 6e8  # of one repeat with a batch: some ten milliseconds
_STEPS = 128
_MOST_THREADS = 512  # GGML_MAX_N_THREADS
_CROWD_SECONDS = 0.3  # of processor time asked for, until crowding is believed
_CELLS, _BATCH_CELLS, _BATCH_QUERIES = 1024, 512, 256


def main() -> int:
    """Answer on the original stdout; native chatter goes to stderr."""
    request: dict[str, Any] = json.loads(sys.argv[1])
    answer = os.dup(1)
    os.dup2(2, 1)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    probe = Probe(Ggml(_library_folder()), request)
    try:
        result = probe.run()
    except _CrowdedError:
        result = {"share": probe.share}
    os.write(answer, (json.dumps(result) + "\n").encode("ascii"))
    os._exit(0)


def _die_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(70)


def _library_folder() -> Path:
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("no llama_cpp")
    return Path(next(iter(spec.submodule_search_locations))) / "lib"


class _CrowdedError(Exception):
    """Other programs take the processor."""


class _Init(ctypes.Structure):
    _fields_ = (("size", _S), ("buffer", _P), ("no_alloc", ctypes.c_bool))


class _PoolParams(ctypes.Structure):
    """struct ggml_threadpool_params of ggml.h."""

    _fields_ = (
        ("cpumask", ctypes.c_bool * _MOST_THREADS),
        ("n_threads", _I),
        ("prio", _I),
        ("poll", ctypes.c_uint32),
        ("strict_cpu", ctypes.c_bool),
        ("paused", ctypes.c_bool),
    )


class Ggml:
    """The functions used, with their types."""

    def __init__(self, folder: Path) -> None:
        base, cpu = _load(folder, "ggml-base"), _load(folder, "ggml-cpu")
        declare = _declarer(base)
        # Kept: native code holds the callback. Its lines are of no use here.
        self._quiet = ctypes.CFUNCTYPE(None, _I, ctypes.c_char_p, _P)(lambda *_: None)
        declare("ggml_log_set", None, type(self._quiet), _P)(self._quiet, None)
        self.init = declare("ggml_init", _P, _Init)
        self.free = declare("ggml_free", None, _P)
        self.new = declare("ggml_new_tensor_3d", _P, _P, _I, _L, _L, _L)
        self.permute = declare("ggml_permute", _P, _P, _P, _I, _I, _I, _I)
        self.product = declare("ggml_mul_mat", _P, _P, _P, _P)
        self.add = declare("ggml_add", _P, _P, _P, _P)
        self.attend = declare("ggml_flash_attn_ext", _P, *[_P] * 5, *[ctypes.c_float] * 3)
        self.graph = declare("ggml_new_graph_custom", _P, _P, _S, ctypes.c_bool)
        self.expand = declare("ggml_build_forward_expand", None, _P, _P)
        self.bytes = declare("ggml_nbytes", _S, _P)
        self.data = declare("ggml_get_data", _P, _P)
        self.allocate = declare("ggml_backend_alloc_ctx_tensors_from_buft", _P, _P, _P)
        self.free_buffer = declare("ggml_backend_buffer_free", None, _P)
        self.fill = declare("ggml_backend_tensor_set", None, _P, _P, _S, _S)
        self.compute = declare("ggml_backend_graph_compute", _I, _P, _P)
        self.plain = declare("ggml_backend_cpu_buffer_type", _P)()
        self._supports = declare("ggml_backend_dev_supports_op", ctypes.c_bool, _P, _P)
        declare_cpu = _declarer(cpu)
        self.backend = declare_cpu("ggml_backend_cpu_init", _P)()
        self.set_threads = declare_cpu("ggml_backend_cpu_set_n_threads", None, _P, _I)
        self._prepare_pool = declare("ggml_threadpool_params_init", None, _P, _I)
        self._new_pool = declare_cpu("ggml_threadpool_new", _P, _P)
        self._set_pool = declare_cpu("ggml_backend_cpu_set_threadpool", None, _P, _P)
        registry = declare_cpu("ggml_backend_cpu_reg", _P)()
        self._device = declare("ggml_backend_reg_dev_get", _P, _P, _S)(registry, 0)
        address = declare("ggml_backend_reg_get_proc_address", _P, _P, ctypes.c_char_p)
        found = address(registry, b"ggml_backend_dev_get_extra_bufts")
        self._extras = _extras(found, self._device)

    def use_pool(self, threads: int) -> None:
        """Make the threads once, as the worker does, not for every graph anew."""
        params = _PoolParams()
        self._prepare_pool(ctypes.byref(params), threads)
        pool = self._new_pool(ctypes.byref(params))
        if pool:  # it lives as long as this process
            self._set_pool(self.backend, pool)

    def layout(self, kind: int, columns: int, rows: int) -> Any:
        """The kind of memory the engine would put such a weight in, as its loader chooses."""
        for layout in self._extras:
            work = self.init(_Init(1 << 16, None, True))
            weight = self.new(work, kind, columns, rows, 1)
            buffer = self.allocate(work, layout)
            operation = self.product(work, weight, self.new(work, _F32, columns, 1, 1))
            fits = buffer and self._supports(self._device, operation)
            self.free_buffer(buffer)
            self.free(work)
            if fits:
                return layout
        return self.plain


def _load(folder: Path, name: str) -> ctypes.CDLL:
    pattern = {"win32": f"{name}.dll", "darwin": f"lib{name}.dylib"}
    file = folder / pattern.get(sys.platform, f"lib{name}.so")
    if sys.platform == "win32":
        os.add_dll_directory(str(folder))
    return ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)


def _declarer(library: ctypes.CDLL) -> Callable[..., Any]:
    def declare(name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(library, name)
        function.restype, function.argtypes = result, list(arguments)
        return function

    return declare


def _extras(address: int | None, device: int) -> list[int]:
    if not address:
        return []
    found = ctypes.CFUNCTYPE(ctypes.POINTER(_P), _P)(address)(device)
    layouts: list[int] = []
    while found and found[len(layouts)]:
        layouts.append(found[len(layouts)])
    return layouts


class Graph:
    """Weights and steps over them, in memory until `free`."""

    def __init__(self, ggml: Ggml) -> None:
        self._ggml = ggml
        self.weights = ggml.init(_Init(1 << 20, None, True))
        self.work = ggml.init(_Init(4 << 20, None, True))
        self.graph = ggml.graph(self.work, 4 * _MOST_MATRICES, False)
        self._buffers: list[Any] = []

    def place(self, tensors: Sequence[Any], layout: Any) -> None:
        """Give memory to the weights, which must all be alike, and to the steps."""
        ggml = self._ggml
        self._allocate(self.work, ggml.plain)
        if not tensors:
            return
        self._allocate(self.weights, layout)
        size = ggml.bytes(tensors[0])
        ggml.fill(tensors[0], bytes(size), 0, size)  # rearranges it where the layout does
        first = ggml.data(tensors[0])
        for tensor in tensors[1:]:  # written, so that every page exists and is its own
            ctypes.memmove(ggml.data(tensor), first, size)

    def _allocate(self, tensors: Any, layout: Any) -> None:
        buffer = self._ggml.allocate(tensors, layout)
        if not buffer:
            raise MemoryError
        self._buffers.append(buffer)

    def add(self, step: Any) -> None:
        """One more step."""
        self._ggml.expand(self.graph, step)

    def free(self) -> None:
        """Give everything back."""
        for buffer in self._buffers:
            self._ggml.free_buffer(buffer)
        self._ggml.free(self.work)
        self._ggml.free(self.weights)


class Probe:
    """One run over everything asked, the important first, until the time is up."""

    def __init__(self, ggml: Ggml, request: dict[str, Any]) -> None:
        self._ggml = ggml
        self._request = request
        self._threads = int(request["threads"])
        ggml.use_pool(max(self._threads, *map(int, request["counts"])))
        self._least_share = float(request["least_share"])
        self._batch = int(request["batch_tokens"])
        self._end = time.perf_counter() + float(request["limit_seconds"])
        self._asked = self._got = 0.0

    def run(self) -> dict[str, Any]:
        """Everything measured; what there was no time for is None."""
        request = self._request
        kinds = [self._in_time(self._kind, *kind) for kind in request["kinds"]]
        node = self._in_time(self._steps, int(request["width"]), 1)
        wide = self._in_time(self._steps, int(request["width"]), self._batch)
        attentions = [self._in_time(self._attention, *one) for one in request["attentions"]]
        far = self._in_time(self._far) if request["far_bytes"] else None
        return {
            "kinds": kinds,
            "node_seconds": node,
            "wide_seconds": wide,
            "attentions": attentions,
            "far": far,
            "share": self.share,
        }

    @property
    def share(self) -> float:
        """Of the processor time that was asked for, what was given."""
        return self._got / self._asked if self._asked else 1.0

    def _in_time(self, measure: Callable[..., Any], *arguments: Any) -> Any:
        return measure(*arguments) if time.perf_counter() < self._end else None

    def _kind(self, *shape: int) -> list[float]:
        """Seconds for one product with one token, and with a batch."""
        near = int(self._request["near_bytes"])
        [one] = self._products(shape, 1, near, [self._threads])
        flops = 2.0 * shape[1] * shape[2] * self._batch
        size = self._size(shape) * max(1, int(_BATCH_FLOPS / flops))
        [batch] = self._products(shape, self._batch, min(near, size), [self._threads])
        return [one, batch]

    def _far(self) -> dict[str, Any]:
        """Bytes per second out of weights that fit a cache and out of too many for any."""
        shape = tuple(int(n) for n in self._request["far_kind"])
        counts = [int(n) for n in self._request["counts"]]
        size = self._size(shape)
        [near] = self._products(shape, 1, int(self._request["near_bytes"]), [self._threads])
        far = self._products(shape, 1, int(self._request["far_bytes"]), counts)
        speeds = {str(n): size / one for n, one in zip(counts, far, strict=True)}
        return {"near": size / near, "far": speeds}

    def _size(self, shape: Sequence[int]) -> int:
        work = self._ggml.init(_Init(1 << 16, None, True))
        size = int(self._ggml.bytes(self._ggml.new(work, *shape, 1)))
        self._ggml.free(work)
        return size

    def _products(
        self, shape: Sequence[int], tokens: int, total_bytes: int, counts: Sequence[int]
    ) -> list[float]:
        """Seconds for one product, on weights that together take `total_bytes`, with each
        number of threads."""
        graph, new = Graph(self._ggml), self._ggml.new
        try:
            matrices = max(1, min(_MOST_MATRICES, total_bytes // self._size(shape)))
            weights = [new(graph.weights, *shape, 1) for _ in range(matrices)]
            token = new(graph.work, _F32, shape[1], tokens, 1)
            for weight in weights:
                graph.add(self._ggml.product(graph.work, weight, token))
            graph.place(weights, self._ggml.layout(*shape))
            return [self._time(graph, count) / matrices for count in counts]
        finally:
            graph.free()

    def _steps(self, width: int, tokens: int) -> float:
        """Seconds for one light step that every thread has to meet for."""
        graph = Graph(self._ggml)
        try:
            numbers = self._ggml.new(graph.work, _F32, width, tokens, 1)
            step = numbers
            for _ in range(_STEPS):
                step = self._ggml.add(graph.work, step, numbers)
            graph.add(step)
            graph.place((), self._ggml.plain)
            return self._time(graph, self._threads) / _STEPS
        finally:
            graph.free()

    def _attention(self, key: int, value: int, heads: int, groups: int) -> list[float]:
        """Seconds for a cell of the cache with one token, and for a cell and token of many."""
        one = self._attend(key, value, heads, groups, _CELLS, 1)
        many = self._attend(key, value, heads, groups, _BATCH_CELLS, _BATCH_QUERIES)
        return [one, many]

    def _attend(
        self, key: int, value: int, heads: int, groups: int, cells: int, tokens: int
    ) -> float:
        graph, ggml = Graph(self._ggml), self._ggml
        try:
            # As the engine keeps its cache: all heads of a token side by side.
            parts = [
                ggml.permute(graph.work, ggml.new(graph.work, *shape), 0, 2, 1, 3)
                for shape in (
                    (_F32, key, heads, tokens),
                    (_F16, key, groups, cells),
                    (_F16, value, groups, cells),
                )
            ]
            graph.add(ggml.attend(graph.work, *parts, None, key**-0.5, 0.0, 0.0))
            graph.place((), ggml.plain)
            return self._time(graph, self._threads) / (cells * tokens)
        finally:
            graph.free()

    def _time(self, graph: Graph, threads: int) -> float:
        """The middle of a few repeats; adds to what the threads asked for and got."""
        ggml = self._ggml
        ggml.set_threads(ggml.backend, threads)
        ggml.compute(ggml.backend, graph.graph)  # work space, first touch
        times: list[float] = []
        while len(times) < 3 or (sum(times) < _SLOT_SECONDS and len(times) < _MOST_REPEATS):
            start, spent = time.perf_counter(), time.process_time()
            if ggml.compute(ggml.backend, graph.graph) != 0:
                raise RuntimeError
            times.append(time.perf_counter() - start)
            self._asked += times[-1] * threads
            self._got += time.process_time() - spent
            if self._asked > _CROWD_SECONDS and self.share < self._least_share:
                raise _CrowdedError
        return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
