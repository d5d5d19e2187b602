"""The place where native code enters: llama-cpp-python's low-level module, and its log.

Loads `llama_cpp.llama_cpp` without the package's own `__init__`: that one pulls in numpy
and the high-level class, which cost 20 MB and are not used here. Keeps the last lines of
llama.cpp's log as the reason for a failed load and passes warnings to stderr; prompts are
never in that log.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import re
import sys
import types
from collections import deque
from pathlib import Path
from typing import Any

_KEPT_LINES = 50
_SIZE = re.compile(r"(\S+) +(model|KV|RS|compute|output) buffer size = +([0-9.]+) MiB")
_VERSION = re.compile(r"^__version__ = [\"'](.+?)[\"']", re.MULTILINE)
# Where weights lie as they do in the file.
_PLAIN = ("CPU", "CPU_Mapped")
_WARNING, _ERROR, _CONTINUED = 3, 4, 5  # ggml.h


class Native:
    """The loaded library (`lib`), its version and its log. One per process."""

    def __init__(self) -> None:
        # Else an abort starts a debugger in the dying worker, which takes seconds.
        os.environ["GGML_NO_BACKTRACE"] = "1"
        self.lib, self.binding = _import_low_level()
        self.log = _Log(self.lib)
        self.lib.llama_backend_init()
        self.system = bytes(self.lib.llama_print_system_info()).decode("utf-8", "replace")


class _Log:
    """The last lines llama.cpp wrote."""

    def __init__(self, lib: Any) -> None:
        self._lines: deque[tuple[int, str]] = deque(maxlen=_KEPT_LINES)
        self._level = 0
        self._sizes: dict[tuple[str, str], float] = {}
        # Kept on self: native code holds the callback for the life of the process.
        self._callback = lib.llama_log_callback(self._take)
        lib.llama_log_set(self._callback, ctypes.c_void_p(0))

    def clear(self) -> None:
        """Forget what was written so far."""
        self._lines.clear()

    def take_sizes(self) -> dict[str, int]:
        """Bytes by kind of buffer (model, KV, RS, compute, output), as the engine told
        since the last call."""
        total: dict[str, float] = {}
        for (kind, _), mebibytes in self._sizes.items():
            total[kind] = total.get(kind, 0.0) + mebibytes
        self._sizes.clear()
        return {kind: round(mebibytes * 1024 * 1024) for kind, mebibytes in total.items()}

    @property
    def repacked(self) -> bool:
        """Whether weights of the model told of last lie otherwise than in its file."""
        return any(kind == "model" and place not in _PLAIN for kind, place in self._sizes)

    def reason(self) -> str:
        """The last complaint; else the last line; else an empty text."""
        lines = list(self._lines)
        errors = [text for level, text in lines if level == _ERROR]
        chosen = errors or [text for _, text in lines]
        # The first error names the cause, what follows only that the load failed.
        return chosen[0 if errors else -1][:300] if chosen else ""

    def lines(self) -> list[str]:
        """The kept lines, oldest first."""
        return [text for _, text in self._lines]

    def _take(self, level: int, text: bytes | None, _user_data: object) -> None:
        if level != _CONTINUED:
            self._level = level
        line = (text or b"").decode("utf-8", "replace").strip()
        if not line.strip("."):
            return
        self._lines.append((self._level, line))
        found = _SIZE.search(line)
        if found:
            self._add_size(found[1], found[2], float(found[3]))
        if self._level in (_WARNING, _ERROR):
            sys.stderr.write(f"llama: {line}\n")
            sys.stderr.flush()

    def _add_size(self, place: str, kind: str, mebibytes: float) -> None:
        # Compute buffers are planned more than once, and the last plan counts; a cache and a
        # model are told in parts.
        if kind not in ("compute", "output"):
            mebibytes += self._sizes.get((kind, place), 0.0)
        self._sizes[kind, place] = mebibytes


def _import_low_level() -> tuple[Any, str]:
    """The module, and the version of the package it is from."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.submodule_search_locations is None or spec.origin is None:
        raise ImportError("llama_cpp")
    # Asking importlib.metadata takes as long as all other imports here together.
    told = _VERSION.search(Path(spec.origin).read_text("utf-8"))
    package = types.ModuleType("llama_cpp")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    sys.modules["llama_cpp"] = package
    return importlib.import_module("llama_cpp.llama_cpp"), told[1] if told else "?"
