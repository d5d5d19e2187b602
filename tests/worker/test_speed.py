"""The thread count follows the real load of this machine, in the real worker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.client import WorkerProcess

# Slow: it keeps every core of the machine busy, and its time depends on who else does.
pytestmark = [pytest.mark.engine, pytest.mark.slow]


def rate(worker: WorkerProcess) -> float:
    """Tokens/s of an answer of 12 tokens."""
    sampling = {"temperature": 0, "logit_bias": {"0": -100, "2": -100}}
    done = worker.generate(prompt="Once upon a time", max_tokens=12, sampling=sampling)[-1]
    return int(str(done["completion_tokens"])) / float(str(done["decode_seconds"]))


@pytest.mark.parametrize("adaptive", [True, False])
def test_on_a_busy_pc_more_threads_than_cores_do_not_collapse(
    worker_argv: list[str], model: Path, adaptive: bool
) -> None:
    # Not adaptive: what the engine's own waits do, told to keep every thread.
    cores = os.cpu_count() or 1
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        with WorkerProcess(worker_argv) as alone, WorkerProcess(worker_argv) as many:
            alone.load(model, threads=1, context_tokens=256)
            many.load(model, threads=cores, adaptive_threads=adaptive, context_tokens=256)
            many_rates, alone_rates = [], []
            for _ in range(2):
                many_rates.append(rate(many))
                alone_rates.append(rate(alone))
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    # A third is far above the collapse (a tenth and less) and below any measuring noise.
    assert max(many_rates) > max(alone_rates) / 3
