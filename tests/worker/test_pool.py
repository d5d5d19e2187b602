"""The threads of the real engine are made once, and are as many as were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.client import WorkerProcess

pytestmark = pytest.mark.engine


def threads_of(worker: WorkerProcess) -> set[str]:
    """The kernel's names of them."""
    return {task.name for task in Path(f"/proc/{worker.process.pid}/task").iterdir()}


def test_an_answer_starts_no_threads(worker_argv: list[str], model: Path) -> None:
    with WorkerProcess(worker_argv) as worker:
        worker.load(model, threads=3, adaptive_threads=False)
        before = threads_of(worker)
        assert worker.generate(prompt="Once upon a time", max_tokens=8)[-1]["type"] == "done"
        assert threads_of(worker) == before
        assert len(before) == 1 + 3, "the reader, and three that compute"


def test_more_threads_in_mid_life_are_really_more(worker_argv: list[str], model: Path) -> None:
    with WorkerProcess(worker_argv) as worker:
        worker.load(model, threads=1, adaptive_threads=False)
        before = threads_of(worker)
        worker.send(type="threads", count=2)
        assert worker.generate(prompt="Once upon a time", max_tokens=8)[-1]["type"] == "done"
        assert len(threads_of(worker)) == len(before) + 1
