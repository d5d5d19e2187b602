"""The ghost load: asks the installed engine itself what a model would take, without weights.

Owns the empty stand-in file (a header, then a hole as long as the model) and the child
process that opens it. The header is untrusted and may crash or hang the engine, so the child
has limits, and whatever becomes of it is a stated result; nothing here raises. Keeps nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from galosh.fit.enginelog import EngineAnswer, read_context
from galosh.fit.memory import RunSettings

_MIB = 1024 * 1024
LIMIT_SECONDS = 30.0
_LIMIT_BYTES = 4096 * _MIB
_PROBE_BYTES = 8 * _MIB
_MOST_ANSWER_BYTES = 4 * _MIB
_DETAIL_CHARACTERS = 300
_COMPLAINT = "error loading model: "
_UNKNOWN = "unknown model architecture"
_SET_SPARSE = 0x900C4  # FSCTL_SET_SPARSE


@dataclass(frozen=True)
class HeaderPart:
    """The start of one file of a model that is elsewhere, and the file's whole length."""

    name: str
    data: bytes
    size_bytes: int


def ghost_load(
    python: Path,
    model: Path | Sequence[HeaderPart],
    settings: Sequence[RunSettings],
    *,
    limit_seconds: float = LIMIT_SECONDS,
    folder: Path | None = None,
) -> EngineAnswer:
    """Open `model` in the engine whose interpreter is `python`, once for all `settings`.

    model: a file that is here (opened where it lies), or the headers of its parts.
    folder: where the stand-in is made (default: the system's for temporary files).
    """
    begun = time.perf_counter()
    try:
        with _file(model, folder) as path:
            answer = _ask(python, path, settings, limit_seconds)
    except _NoRoomError as error:
        return EngineAnswer("no-room", detail=str(error))
    except OSError as error:
        return EngineAnswer("no-room", detail=error.strerror or type(error).__name__)
    if isinstance(answer, EngineAnswer):
        return answer
    return _judge(answer, len(settings), time.perf_counter() - begun)


class _NoRoomError(Exception):
    """The folder cannot hold a file with a hole."""


@contextlib.contextmanager
def _file(model: Path | Sequence[HeaderPart], folder: Path | None) -> Iterator[Path]:
    if isinstance(model, Path):
        yield model
        return
    with tempfile.TemporaryDirectory(prefix="galosh-ghost-", dir=folder) as place:
        for part in model:
            # Only the name itself: it came over the network.
            _stand_in(Path(place) / Path(part.name).name, part)
        yield Path(place) / Path(model[0].name).name


def _stand_in(path: Path, part: HeaderPart) -> None:
    """The header, then a hole: as long as the model, and next to nothing on the disk."""
    with path.open("wb") as file:
        _allow_hole(file)
        file.write(part.data)
        file.flush()
        # A small hole first: where there are none, the long one would fill the disk.
        file.truncate(len(part.data) + _PROBE_BYTES)
        file.flush()
        if _on_disk(file) >= len(part.data) + _PROBE_BYTES:
            raise _NoRoomError("no sparse files")
        file.truncate(max(part.size_bytes, len(part.data)))


def _allow_hole(file: BinaryIO) -> None:
    """On Windows a file has holes only when told so before it grows."""
    if sys.platform != "win32":
        return
    import ctypes
    import msvcrt
    from ctypes import wintypes

    done = wintypes.DWORD()
    handle = msvcrt.get_osfhandle(file.fileno())
    control = ctypes.windll.kernel32.DeviceIoControl
    sent = control(handle, _SET_SPARSE, None, 0, None, 0, ctypes.byref(done), None)
    if not sent:
        raise _NoRoomError("no sparse files")


def _on_disk(file: BinaryIO) -> int:
    if sys.platform == "win32":
        return 0  # `_allow_hole` has asked already
    return os.fstat(file.fileno()).st_blocks * 512


def _ask(
    python: Path, path: Path, settings: Sequence[RunSettings], limit_seconds: float
) -> dict[str, Any] | EngineAnswer:
    request = {
        "path": str(path),
        "limit_bytes": _LIMIT_BYTES,
        "limit_seconds": max(1, int(limit_seconds)),
        "gpu_layers": settings[0].gpu_layers if settings else 0,
        "contexts": [
            {**vars(one), "step_tokens": one.step_tokens, "output_rows": one.output_rows}
            for one in settings
        ],
    }
    script = Path(__file__).with_name("ghost_child.py")
    command = [str(python), "-I", "-X", "utf8", str(script)]
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=sys.platform != "win32",
        )  # fmt: skip
    except OSError as error:
        return EngineAnswer("no-engine", detail=error.strerror or type(error).__name__)
    with child:
        try:
            out, _ = child.communicate(json.dumps(request).encode(), timeout=limit_seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            return EngineAnswer("timeout", detail=f"{limit_seconds:g} s")
    return _answer(child.returncode, out)


def _answer(status: int, out: bytes) -> dict[str, Any] | EngineAnswer:
    try:
        answer = json.loads(out) if len(out) <= _MOST_ANSWER_BYTES else None
    except ValueError:
        answer = None
    if status == 0 and isinstance(answer, dict):
        return answer
    return EngineAnswer(
        "crashed", detail=f"signal {-status}" if status < 0 else f"exit {status:#x}"
    )


def _judge(answer: dict[str, Any], count: int, seconds: float) -> EngineAnswer:
    if "failed" in answer:
        # The engine names the function first; what it complains of comes last.
        reason = str(answer.get("reason")).rpartition(_COMPLAINT)[2][:_DETAIL_CHARACTERS]
        return EngineAnswer("too-old" if _UNKNOWN in reason else "refused", detail=reason)
    found = [read_context(lines) for lines in answer["contexts"]]
    known = tuple(one for one in found if one is not None)
    if len(known) != count:
        # An engine whose log is worded otherwise: no answer is better than half of one.
        return EngineAnswer("refused", detail="log")
    return EngineAnswer("ok", known, seconds=seconds)
