"""What was read is remembered: in memory, on disk, over rest, restart and other questions,
with models that can go back in it and with models that cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes import gguf_models
from tests.worker.client import Event, WorkerProcess, answer
from tests.worker.test_answers import GREEDY

pytestmark = pytest.mark.engine

PRESET = "You are a helpful assistant. Answer in a few words, and never speak of the weather. " * 4
KEY = "5a" * 32
LIVES = {"prefix_memory_bytes": 64 << 20, "prefix_disk_bytes": 256 << 20}


def ask(text: str, preset: str = PRESET, **more: object) -> dict[str, Any]:
    messages = [{"role": "system", "content": preset}, {"role": "user", "content": text}]
    return {"messages": messages, "sampling": GREEDY, "max_tokens": 8, **more}


def number(event: Event, name: str) -> int:
    return int(str(event[name]))


def saving(folder: Path) -> dict[str, object]:
    """The load fields of a worker that keeps what it read in `folder`."""
    return {
        "threads": 1, "adaptive_threads": False, "prefix_folder": str(folder), "prefix_key": KEY,
        "prefix_identity": "starter/test", **LIVES,
    }  # fmt: skip


def leave(worker: WorkerProcess) -> None:
    worker.send(type="exit", save=True)
    assert worker.exit_status(10.0) == 0


def rest(worker: WorkerProcess, stage: str) -> Event:
    worker.send(type="rest", id="rest", stage=stage)
    event = worker.until("rested", "error")[-1]
    assert event["type"] == "rested", (event, worker.stderr)
    return event


def test_another_conversation_in_between_costs_nothing(fresh: WorkerProcess, model: Path) -> None:
    loaded = fresh.load(model, threads=1, adaptive_threads=False, **LIVES)
    sizes = ("weights_bytes", "cache_bytes", "compute_bytes", "output_bytes")
    assert all(number(loaded, name) > 0 for name in sizes)
    question = ask("What is the capital of Italy?", logprobs=2)
    first = fresh.generate(**question)
    warm = fresh.generate(**question)
    fresh.generate(**ask("Name a fish.", preset="Another text altogether. " * 12))
    again = fresh.generate(**question)
    assert number(first[-1], "restored_tokens") == number(warm[-1], "restored_tokens") == 0
    assert number(again[-1], "restored_tokens") == number(warm[-1], "cached_tokens") > 60
    # Not only the same words: the same numbers behind them, since the state is the same.
    # Pieces of text leave by the clock, so what is in each may differ; all of it may not.
    assert chances(again) == chances(warm)


@pytest.mark.parametrize("awaited", [False, True])
def test_what_was_read_outlives_the_worker(
    worker_argv: list[str], model: Path, tmp_path: Path, awaited: bool
) -> None:
    with WorkerProcess(worker_argv) as one:
        one.load(model, **saving(tmp_path / "p"))
        told = answer(one.generate(**ask("What is the capital of France?")))
        leave(one)
    with WorkerProcess(worker_argv) as two:
        two.load(model, awaited=awaited, **saving(tmp_path / "p"))
        events = two.generate(**ask("What is the capital of France?"))
        leave(two)
    done = events[-1]
    assert number(done, "restored_tokens") == number(done, "prompt_tokens") - 1
    assert answer(events) == told
    assert "You are" not in "".join(path.name for path in (tmp_path / "p").iterdir())


def test_a_word_in_common_restores_nothing(
    worker_argv: list[str], model: Path, tmp_path: Path
) -> None:
    """A state comes back whole: for one word, reading the word is sooner done."""
    with WorkerProcess(worker_argv) as one:
        one.load(model, **saving(tmp_path / "p"))
        one.generate(prompt=PRESET, sampling=GREEDY, max_tokens=1)
        leave(one)
    with WorkerProcess(worker_argv) as two:
        two.load(model, **saving(tmp_path / "p"))
        other = two.generate(prompt="You may go now, said the fish", sampling=GREEDY, max_tokens=1)
        again = two.generate(prompt=PRESET, sampling=GREEDY, max_tokens=1)
    assert number(other[-1], "restored_tokens") == number(other[-1], "cached_tokens") == 0
    assert number(again[-1], "restored_tokens") == number(again[-1], "prompt_tokens") - 1 > 50


def test_what_shall_not_be_remembered_leaves_nothing(
    worker_argv: list[str], model: Path, tmp_path: Path
) -> None:
    with WorkerProcess(worker_argv) as one:
        one.load(model, **saving(tmp_path / "p"))
        for _ in range(2):
            done = one.generate(**ask("What is the capital of France?", reuse=False))[-1]
            assert number(done, "cached_tokens") == 0
        assert number(one.generate(**ask("And of Italy?"))[-1], "cached_tokens") == 0
        leave(one)
    assert len(list((tmp_path / "p").iterdir())) == 1  # the last one's, which may be kept


@pytest.mark.parametrize("awaited", [False, True])
def test_a_tampered_file_is_not_used(
    worker_argv: list[str], model: Path, tmp_path: Path, awaited: bool
) -> None:
    with WorkerProcess(worker_argv) as one:
        one.load(model, **saving(tmp_path / "p"))
        told = answer(one.generate(**ask("What is the capital of France?")))
        leave(one)
    [path] = (tmp_path / "p").iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with WorkerProcess(worker_argv) as two:
        two.load(model, awaited=awaited, **saving(tmp_path / "p"))
        events = two.generate(**ask("What is the capital of France?"))
    assert events[-1]["cached_tokens"] == 0
    assert answer(events) == told
    assert not path.exists()


@pytest.mark.parametrize("stage", ["buffers", "model"])
def test_after_a_rest_only_what_is_new_is_read(
    fresh: WorkerProcess, model: Path, tmp_path: Path, stage: str
) -> None:
    loaded = fresh.load(model, use_mmap=False, **saving(tmp_path / "p"))
    told = answer(fresh.generate(**ask("What is the capital of France?")))
    rested = rest(fresh, stage)
    assert number(rested, "saved_bytes") > 1_000_000
    given_back = number(loaded, "memory_bytes") - number(rested, "memory_bytes")
    least = number(loaded, "cache_bytes" if stage == "buffers" else "weights_bytes")
    assert given_back > least // 2
    events = fresh.generate(**ask("What is the capital of France?"))
    kinds = [event["type"] for event in events]
    assert kinds[0] == "waking"
    assert kinds.index("woken") < kinds.index("started")
    assert ("load_progress" in kinds) == (stage == "model")
    assert all(event["id"] == "g" for event in events)
    assert number(events[-1], "restored_tokens") == number(events[-1], "prompt_tokens") - 1
    assert answer(events) == told


def test_a_resting_model_counts_and_can_rest_again(fresh: WorkerProcess, model: Path) -> None:
    fresh.load(model, threads=1)
    for stage in ("model", "buffers"):
        assert rest(fresh, stage)["stage"] == stage
    fresh.send(type="count", id="c", text="one two")
    kinds = [event["type"] for event in fresh.until("count", "error")]
    assert (kinds[0], kinds[-1]) == ("waking", "count")
    fresh.send(type="rest", id="rest", stage="deep")
    assert fresh.until("rested", "error")[-1]["code"] == "worker-option-wrong"


def test_waking_can_be_cancelled(fresh: WorkerProcess, model: Path) -> None:
    fresh.load(model, threads=1)
    rest(fresh, "model")
    fresh.send(type="generate", id="g", **ask("Hello"))
    fresh.send(type="cancel", id="g")
    assert fresh.until("done", "error")[-1]["finish_reason"] == "cancelled"
    assert fresh.generate(**ask("Hello"))[-1]["type"] == "done"


SHAPES = {
    "window": gguf_models.gemma3(),
    "recurrent": gguf_models.mamba(),
    "short convolution": gguf_models.lfm2(),
    "delta networks": gguf_models.qwen35(),
}


@pytest.fixture(params=SHAPES)
def forgetful(
    request: pytest.FixtureRequest, fresh: WorkerProcess, tmp_path: Path
) -> WorkerProcess:
    """A tiny model, with random weights, that cannot go back in all it has read."""
    path = SHAPES[request.param].write(tmp_path / "tiny.gguf", 3)
    loaded = fresh.load(
        path, context_tokens=2048, batch_tokens=64, sequences=2, **saving(tmp_path / "p")
    )
    assert loaded["type"] == "loaded", loaded
    return fresh


def test_a_model_that_cannot_go_back_remembers_at_the_right_places(
    forgetful: WorkerProcess,
) -> None:
    preset, text = "abc def " * 40, "x y z " * 10
    clean = forgetful.generate(**ask(text, preset, reuse=False))
    first = forgetful.generate(**ask(text, preset))
    other = forgetful.generate(**ask("and now?", preset))
    clean_other = forgetful.generate(**ask("and now?", preset, reuse=False))
    again = forgetful.generate(**ask(text, preset))
    assert answer(first) == answer(clean) == answer(again)
    assert answer(other) == answer(clean_other)
    prompt_tokens = number(first[-1], "prompt_tokens")
    assert number(other[-1], "cached_tokens") > 200
    assert prompt_tokens - 40 < number(again[-1], "cached_tokens") < prompt_tokens


def test_a_conversation_of_such_a_model_goes_on_where_it_was(forgetful: WorkerProcess) -> None:
    asked = ask("x y z " * 30, "abc def " * 40)
    told = answer(forgetful.generate(**asked))
    assert rest(forgetful, "model")["type"] == "rested"
    turns = [{"role": "assistant", "content": told}, {"role": "user", "content": "and now?"}]
    longer = {**asked, "messages": [*asked["messages"], *turns]}
    on = forgetful.generate(**longer)
    clean = forgetful.generate(**longer, reuse=False)
    # Up to where the answer began: the system text alone would be 341.
    assert number(on[-1], "restored_tokens") > 500
    assert answer(on) == answer(clean)


def test_cancelling_one_of_two_of_such_a_model_harms_no_other(forgetful: WorkerProcess) -> None:
    prompt = "abc def " * 40
    alone = forgetful.generate(prompt=prompt, max_tokens=20, sampling=GREEDY, reuse=False)
    asked = {"prompt": prompt, "max_tokens": 20, "sampling": GREEDY, "reuse": False}
    forgetful.send(type="generate", id="a", **asked)
    forgetful.send(type="generate", id="b", prompt="zz " * 500, reuse=False)
    forgetful.until("prefill", "text")
    forgetful.send(type="cancel", id="b")
    events = [*forgetful.until("done"), *forgetful.until("done")]
    assert answer([event for event in events if event["id"] == "a"]) == answer(alone)
    assert {event.get("finish_reason") for event in events if event["type"] == "done"} >= {
        "cancelled"
    }


def chances(events: list[Event]) -> list[object]:
    """What the model thought of each token of an answer."""
    found: list[object] = []
    for event in events:
        entries = event.get("logprobs", [])
        assert isinstance(entries, list)
        found += entries
    return found
