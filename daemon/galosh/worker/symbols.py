"""Native functions that the binding does not wrap, and that not every engine has. Owns none."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from typing import Any


def find_function(lib: Any, name: str, result: Any, arguments: tuple[Any, ...]) -> Any:
    """The function of llama.cpp's libraries, ready to be called; None where there is none."""
    for library in _libraries(lib):
        function = getattr(library, name, None)
        if function is not None:
            function.restype, function.argtypes = result, arguments
            return function
    return None


def _libraries(lib: Any) -> list[Any]:
    """llama.cpp's own libraries. Except on Windows the first shows what it was linked with."""
    found = [lib._lib]
    if sys.platform == "win32":
        for name in ("ggml-base.dll", "ggml-cpu.dll"):
            with contextlib.suppress(OSError):
                found.append(ctypes.CDLL(name))
    return found
