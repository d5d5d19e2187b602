"""Asks NVIDIA's own management library for its GPUs: sizes and free memory in milliseconds.

Called through ctypes, so that no package is needed; `nvidia-smi` is the same library in a
program of its own, and the way out where this one does not answer. Never raises.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from typing import Any

from galosh.base.texts import say
from galosh.hardware.facts import Fact, GpuFacts
from galosh.hardware.run import Watched

_SOURCE = "NVML"
_LIMIT_SECONDS = 3.0
_NAME_BYTES = 96
_MOST_GPUS = 64
# Not on the loader's path in WSL and with older drivers on Windows.
_LIBRARIES = (
    ("nvml.dll", r"C:\Program Files\NVIDIA Corporation\NVSMI\nvml.dll")
    if sys.platform == "win32"
    else ("libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1")
)
Nvml = Callable[[], "tuple[GpuFacts, ...]"]


class _Memory(ctypes.Structure):
    _fields_ = [
        ("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)
    ]  # fmt: skip


def ask_nvml() -> tuple[GpuFacts, ...]:
    """The GPUs, within three seconds; none where the library is missing or silent."""

    def look() -> tuple[GpuFacts, ...]:
        library = _load(_LIBRARIES)
        return () if library is None else read_gpus(library)

    return Watched(look, _SOURCE).result(lambda _: (), _LIMIT_SECONDS)


def _load(names: Sequence[str]) -> Any:
    """The first of the libraries that opens."""
    opened = (_open(name) for name in names)
    return next((library for library in opened if library is not None), None)


def _open(name: str) -> Any:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def read_gpus(library: Any) -> tuple[GpuFacts, ...]:
    """Every GPU that the opened library names."""
    if library.nvmlInit_v2() != 0:
        return ()
    try:
        count = ctypes.c_uint()
        if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return ()
        driver = _text(library.nvmlSystemGetDriverVersion)
        found = [_gpu(library, i, driver) for i in range(min(count.value, _MOST_GPUS))]
        return tuple(gpu for gpu in found if gpu is not None)
    finally:
        library.nvmlShutdown()


def _gpu(library: Any, index: int, driver: str | None) -> GpuFacts | None:
    handle = ctypes.c_void_p()
    if library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle)) != 0:
        return None
    name = _text(lambda buffer, size: library.nvmlDeviceGetName(handle, buffer, size))
    memory = _Memory()
    known = library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) == 0 and memory.total
    absent = say("hardware.why.absent", place=_SOURCE)
    return GpuFacts(
        name=Fact(name, _SOURCE if name else absent),
        vendor=Fact("nvidia", _SOURCE),
        driver=Fact(driver, _SOURCE if driver else absent),
        total_bytes=Fact(int(memory.total), _SOURCE) if known else Fact(None, absent),
        free_bytes=Fact(int(memory.free), _SOURCE) if known else Fact(None, absent),
        integrated=Fact(value=False, source=_SOURCE),
    )


def _text(ask: Callable[[Any, Any], int]) -> str | None:
    buffer = ctypes.create_string_buffer(_NAME_BYTES)
    if ask(buffer, ctypes.c_uint(_NAME_BYTES)) != 0:
        return None
    return buffer.value.decode("utf-8", "replace").strip() or None
