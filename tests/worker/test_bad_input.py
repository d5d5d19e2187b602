"""Hostile files and questions at the real engine: a stated error soon, and an answer after.

What is elsewhere: prompts of ten megabytes, empty and broken ones, templates that loop or
reach out, half a file, no file (test_limits); forms without end and hostile ones (test_forms,
test_grammar); hostile headers without an engine (tests/gguf).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.gguf import check_file
from galosh.supervisor import Supervisor
from tests import real
from tests.supervisor.kit import answer as ask_daemon
from tests.supervisor.kit import failure, in_loop
from tests.worker.client import WorkerProcess, answer
from tests.worker.files import with_template
from tests.worker.hostile import (
    LIES,
    NUMBERS,
    ONLY_THE_ENGINE_KNOWS,
    QUESTIONS,
    TEMPLATES,
    lying,
)
from tests.worker.test_answers import FRANCE

pytestmark = pytest.mark.engine

# A second on a quiet PC by far; test machines are busy.
SOON_SECONDS = 10.0


def load_or_death(worker: WorkerProcess, path: Path) -> dict[str, Any] | None:
    """What a load comes to; None: the worker died of it."""
    try:
        return worker.load(path, threads=1)
    except AssertionError:
        return None


@pytest.mark.parametrize("name", [*LIES, *NUMBERS])
def test_a_file_whose_tensors_lie_is_refused_and_the_worker_lives_or_is_replaced(
    name: str, fresh: WorkerProcess, worker_argv: list[str], model: Path, tmp_path: Path
) -> None:
    path = lying(model, tmp_path, name)
    begun = time.monotonic()
    if name not in ONLY_THE_ENGINE_KNOWS:
        # The daemon does not even show it to the engine.
        with pytest.raises(GaloshError) as caught:
            check_file(path)
        assert caught.value.code in ("gguf-damaged", "gguf-cut-short", "gguf-unsupported")
    found = load_or_death(fresh, path)
    assert time.monotonic() - begun < SOON_SECONDS
    if found is not None:
        assert (found["type"], found["code"]) == ("load_failed", "worker-load-failed")
        assert found["why"]
        assert fresh.load(model, threads=1)["type"] == "loaded"
        return
    with WorkerProcess(worker_argv) as next_one:
        assert next_one.load(model, threads=1)["type"] == "loaded"


@in_loop
async def test_a_context_longer_than_the_models_becomes_the_models(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.settings_file.write_text(
        "[engine]\nthreads = 1\n[model]\ncontext_tokens = 1048576\nmemory_override = true\n"
    )
    real.link_engines(paths)
    supervisor = Supervisor(paths, Settings.load(paths.settings_file))
    model = supervisor.store.add(real.starter_model())
    await supervisor.start()
    try:
        loaded = await supervisor.ready(model.id)
        assert loaded.context_tokens == loaded.context_train == model.context_length
        begun = time.monotonic()
        error = await failure(ask_daemon(supervisor, "word " * (loaded.context_tokens + 10)))
        assert time.monotonic() - begun < SOON_SECONDS
        assert error.code == "worker-prompt-too-long"
        assert error.facts["context_tokens"] == loaded.context_tokens
    finally:
        await supervisor.stop()


@pytest.mark.parametrize(
    "question",
    QUESTIONS.values(),
    ids=list(QUESTIONS),
)
def test_a_bad_question_is_refused_soon_and_the_next_answered(
    worker: WorkerProcess, question: dict[str, Any]
) -> None:
    begun = time.monotonic()
    refused = worker.generate(**question)[-1]
    assert time.monotonic() - begun < SOON_SECONDS
    assert refused["type"] == "error"
    assert "Paris" in answer(worker.generate(**FRANCE))


@pytest.mark.parametrize("source", TEMPLATES)
def test_a_template_that_loops_or_reaches_out_is_stopped_soon(
    fresh: WorkerProcess, worker_argv: list[str], model: Path, tmp_path: Path, source: str
) -> None:
    path = with_template(model, tmp_path / "m.gguf", source)
    assert fresh.load(path, threads=1)["type"] == "loaded"
    begun = time.monotonic()
    refused = fresh.generate(**FRANCE)[-1]
    assert time.monotonic() - begun < SOON_SECONDS
    assert refused["type"] == "error"
    assert str(refused["code"]).startswith("worker-template-")
    assert "France" not in str(refused["facts"])
    # Alive, or gone by its own decision so that it is replaced.
    if fresh.process.poll() is None:
        assert fresh.generate(prompt="Hello", max_tokens=1)[-1]["type"] == "done"
        return
    with WorkerProcess(worker_argv) as next_one:
        assert next_one.load(model, threads=1)["type"] == "loaded"
