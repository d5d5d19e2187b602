"""What a worker really needs, against what the forecast said before: gemma-3-270m, 8k context.

The worker is loaded as `galosh fit` says a run would load it, then reads a context nearly
full, so that every page that will ever be used has been. The kernel's own high-water mark
(VmHWM) is the peak.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from galosh.base.paths import Paths
from galosh.engine import current, worker_command
from galosh.fit.memory import RunSettings
from galosh.supervisor.load_plan import LoadPlan
from galosh.worker.frames import MAX_FRAME_BYTES
from scripts.benches.engine_bench import Bench
from scripts.benches.engine_verdict import Row, Verdict
from tests import real
from tests.worker.client import WorkerProcess

MIB = 1024 * 1024
CONTEXT_TOKENS = 8192
COMPUTE_LIMIT_MIB = 32.0
# The forecast is meant as the most that will be needed; it must not promise far too much either.
OVER, UNDER = 1.05, 0.80
_READ_TOKENS = 7400


def measure(bench: Bench) -> Row:
    """Compute buffer and peak of a worker."""
    del bench
    model = real.gemma_model()
    forecast = _forecast(model)
    with tempfile.TemporaryDirectory() as home, WorkerProcess(_command(Path(home))) as worker:
        plan = LoadPlan(RunSettings(**forecast["settings"]), threads=2)
        worker.send(**plan.frame(model))
        loaded = worker.until("loaded", "load_failed", "error")[-1]
        if loaded["type"] != "loaded":
            raise RuntimeError(f"the worker does not load: {loaded}")
        events = worker.generate(prompt=_long_text(), max_tokens=16)
        if events[-1]["type"] != "done":
            raise RuntimeError(f"the worker does not answer: {events[-1]}")
        peak = _peak_bytes(worker.process.pid)
        settings = dict(forecast["settings"])
    said = int(forecast["memory"]["peak_bytes"])
    compute = loaded.get("compute_bytes")
    verdicts = (
        Verdict(
            "compute buffer of gemma-3-270m at 8k context",
            compute / MIB if isinstance(compute, int) else None,
            "at most", COMPUTE_LIMIT_MIB, "MiB",
        ),
        Verdict("peak memory over the forecast", peak / said, "at most", OVER),
        Verdict("peak memory over the forecast, from below", peak / said, "at least", UNDER),
    )  # fmt: skip
    shown: dict[str, object] = {
        "peak_mib": peak / MIB,
        "forecast_mib": said / MIB,
        "forecast_parts_mib": {
            k: round(v / MIB, 1) for k, v in forecast["memory"]["parts"].items()
        },
        "engine_says_mib": {
            name: round(value / MIB, 2)
            for name in ("compute_bytes", "cache_bytes", "output_bytes", "weights_bytes")
            if isinstance(value := loaded.get(name), int)
        },
        "read_tokens": events[-1].get("prompt_tokens"),
        "settings": settings,
    }
    return Row("memory", verdicts, shown)


def _command(home: Path) -> list[str]:
    paths = Paths.under(home)
    real.link_engines(paths)
    engine = current(paths)
    assert engine is not None
    return worker_command(paths, engine)


def _forecast(model: Path) -> Mapping[str, Any]:
    """What `galosh fit FILE --json` says, asked as a user asks."""
    with tempfile.TemporaryDirectory() as home:
        words = ["fit", str(model), "--ctx", str(CONTEXT_TOKENS), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "galosh.cli", *words],
            env={**os.environ, "GALOSH_HOME": home},
            capture_output=True,
            text=True,
            check=False,
        )
    if not done.stdout:
        raise RuntimeError(f"galosh fit ended with {done.returncode}: {done.stderr[-300:]}")
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def _long_text() -> str:
    """A text that nearly fills the context, whatever the vocabulary: one digit, one token."""
    chooser = random.Random(8)
    text = "".join(chooser.choice("0123456789") for _ in range(_READ_TOKENS))
    assert len(text) < MAX_FRAME_BYTES
    return text


def _peak_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel does not tell the peak")
