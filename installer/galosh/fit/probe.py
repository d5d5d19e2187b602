"""Measures this PC with an installed engine: at most three seconds, in a child process.

The caller passes the engine's Python (this floor knows no engines). Refuses on a busy
machine and says so: beside other work every number would be wrong by a factor. Keeps
nothing; `record.py` does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galosh.fit.measured import (
    BATCH_TOKENS,
    FAR_KIND,
    NEAR_BYTES,
    Circumstances,
    Measured,
    read_answer,
)
from galosh.fit.work import Heads, Kind, Work

_MIB = 1024 * 1024
LIMIT_SECONDS = 2.6  # of measuring; starting Python and the library comes on top
_CHILD_LIMIT_SECONDS = 15.0
_FAR_BYTES = 256 * _MIB
_FAR_MOST_BYTES = 512 * _MIB
_SHARE_OF_AVAILABLE = 0.1
_OWN_SHARE = 0.9
_HOPELESS_SHARE = 0.75  # the child gives up below it: beside busy programs it would not end
_STEAL_SHARE = 0.01
_LOOK_SECONDS = 0.15
_BUSY_SHARE = 0.12  # of the processor, used by others while we only look
# What most downloads are made of, for a forecast that has no header.
_USUAL_KINDS = (Kind(12, 2560, 4096), Kind(14, 4096, 2560))
_USUAL_HEADS = (Heads(128, 128, 16, 4),)
_USUAL_WIDTH = 2560


@dataclass(frozen=True)
class Outcome:
    """A measurement, or why there is none: `busy`, `memory` or `failed` (with a reason)."""

    measured: Measured | None
    refused: str | None = None
    reason: str = ""


def measure(
    python: Path,
    circumstances: Circumstances,
    work: Work | None,
    available_bytes: int | None,
    *,
    cores: Sequence[int] = (),
    known: Measured | None = None,
    limit_seconds: float = LIMIT_SECONDS,
) -> Outcome:
    """Time the pieces of a model's work (of a usual one without `work`). Never raises.

    python: the engine's own. cores: other numbers of threads to read memory with.
    known: what was measured already, and is not measured again.
    """
    if is_busy():
        return Outcome(None, "busy")
    far = 0 if known and known.limit_rate is not None else _far_bytes(available_bytes)
    if available_bytes is not None and available_bytes < 4 * NEAR_BYTES:
        return Outcome(None, "memory")
    request = request_for(circumstances.threads, work, far, cores, limit_seconds, known)
    before = _processor_times()
    try:
        answer = ask_child(python, request)
        share, stolen = float(answer["share"]), _stolen_share(before)
        if share < _OWN_SHARE or stolen > _STEAL_SHARE:
            return Outcome(None, "busy", f"{share:.2f}, {stolen:.2f}")
        return Outcome(read_answer(answer, request, circumstances, time.time()))
    except subprocess.TimeoutExpired:  # it ends after three seconds, unless it gets no time
        return Outcome(None, "busy", f"no answer within {_CHILD_LIMIT_SECONDS:.0f} s")
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
        return Outcome(None, "failed", f"{type(error).__name__}: {error}"[:300])


def is_busy() -> bool:
    """Whether other programs use the processor at this moment (False where nobody tells)."""
    before = _processor_times()
    if before is None:
        return False
    time.sleep(_LOOK_SECONDS)
    after = _processor_times()
    if after is None:
        return False
    whole = sum(after) - sum(before)
    idle = sum(after[3:5]) - sum(before[3:5])
    return whole > 0 and 1 - idle / whole > _BUSY_SHARE


def request_for(
    threads: int,
    work: Work | None,
    far_bytes: int,
    cores: Sequence[int],
    limit_seconds: float,
    known: Measured | None = None,
) -> dict[str, Any]:
    """What the child is asked: the kinds that matter most first, none that is known."""
    kinds = _USUAL_KINDS if work is None else work.kinds()
    heads = _USUAL_HEADS if work is None else work.heads()
    if known is not None:
        kinds = tuple(kind for kind in kinds if kind not in known.kinds)
        heads = tuple(one for one in heads if one not in known.heads)
    return {
        "threads": threads,
        "batch_tokens": BATCH_TOKENS,
        "limit_seconds": limit_seconds,
        "least_share": _HOPELESS_SHARE,
        "kinds": [list(vars(kind).values()) for kind in kinds],
        "attentions": [list(vars(one).values()) for one in heads],
        "width": _USUAL_WIDTH if work is None else work.width,
        "near_bytes": NEAR_BYTES,
        "far_bytes": far_bytes,
        "far_kind": list(vars(FAR_KIND).values()),
        "counts": sorted({threads, *(n for n in cores if n > 0)}),
    }


def _far_bytes(available_bytes: int | None) -> int:
    """Weights too many for any cache, within a tenth of what is free."""
    wanted = max(_FAR_BYTES, min(_FAR_MOST_BYTES, 2 * (_last_cache_bytes() or 0)))
    if available_bytes is None:
        return wanted
    return min(wanted, int(available_bytes * _SHARE_OF_AVAILABLE))


def _last_cache_bytes() -> int | None:
    """The processor's largest cache, where Linux tells."""
    files = Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")
    try:
        texts = [file.read_text(encoding="ascii").strip() for file in files]
        return max((int(t.rstrip("KM")) * (_MIB if t[-1] == "M" else 1024) for t in texts),
                   default=None)  # fmt: skip
    except (OSError, ValueError, IndexError):
        return None


def ask_child(python: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """The child's one line of JSON; it dies with us, since its stdin is our pipe.

    Raises OSError, ValueError, TypeError or SubprocessError when there is no answer.
    """
    script = Path(__file__).with_name("probe_child.py")
    command = [str(python), "-I", "-X", "utf8", str(script), json.dumps(request)]
    environment = {**os.environ, "GGML_NO_BACKTRACE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=environment,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        keep, process.stdin = process.stdin, None  # else communicate() would close it at once
        try:
            out, _ = process.communicate(timeout=_CHILD_LIMIT_SECONDS)
        except BaseException:
            process.kill()
            raise
        finally:
            keep.close()
    if process.returncode != 0:
        raise ValueError(f"status {process.returncode}")
    answer = json.loads(out)
    if not isinstance(answer, dict):
        raise TypeError(out[:60])
    return answer


def _processor_times() -> list[int] | None:
    """Linux: ticks of user, nice, system, idle, wait, irq, softirq, steal."""
    if sys.platform != "linux":
        return None
    try:
        with Path("/proc/stat").open(encoding="ascii") as file:
            return [int(word) for word in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None


def _stolen_share(before: list[int] | None) -> float:
    """The share of the time since then that a host took away from this virtual machine."""
    after = _processor_times()
    if before is None or after is None or len(after) < 8:
        return 0.0
    whole = sum(after) - sum(before)
    return (after[7] - before[7]) / whole if whole else 0.0
