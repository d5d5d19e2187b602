"""A worker in the real engine with the real starter model, shared by the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import real
from tests.worker.client import WorkerProcess


@pytest.fixture(scope="session")
def worker_argv(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that starts a worker in the proven engine."""
    return real.own_worker_command(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="session")
def model() -> Path:
    """The starter model."""
    return real.starter_model()


@pytest.fixture(scope="module")
def worker(worker_argv: list[str], model: Path) -> Iterator[WorkerProcess]:
    """A worker with the model loaded; one thread, since test machines are busy."""
    with WorkerProcess(worker_argv) as process:
        assert process.load(model, threads=1)["type"] == "loaded"
        yield process


@pytest.fixture
def fresh(worker_argv: list[str]) -> Iterator[WorkerProcess]:
    """A worker of the test's own, with no model loaded."""
    with WorkerProcess(worker_argv) as process:
        yield process
