"""Tokens chosen in a row, in native code: the words are those of a turn for each token."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.worker.client import Event, WorkerProcess, answer
from tests.worker.test_answers import FRANCE, GREEDY

pytestmark = pytest.mark.engine
TALE: dict[str, Any] = {"prompt": "Once upon a time there was a cat who", "max_tokens": 24}


def told(worker: WorkerProcess, **more: Any) -> list[Event]:
    return worker.generate(**{**TALE, "reuse": False, "draft": False, "max_tokens": 60, **more})


@pytest.mark.parametrize(
    "sampling",
    [
        GREEDY,
        {"temperature": 1.2, "seed": 7},
        {"temperature": 1.0, "seed": 7, "top_k": 0},
        {"temperature": 0.9, "seed": 3, "repeat_penalty": 1.3, "dry_multiplier": 0.5},
        {"seed": 7, "mirostat": 2, "mirostat_tau": 3.0},
    ],
    ids=str,
)
def test_the_words_are_the_same(worker: WorkerProcess, sampling: dict[str, Any]) -> None:
    in_a_row = told(worker, sampling=sampling)
    # Whoever wants chances is given every token by itself.
    one_by_one = told(worker, sampling=sampling, logprobs=1)
    assert answer(in_a_row) == answer(one_by_one)
    assert len(answer(in_a_row)) > 40


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 9, 15, 16, 17])
def test_it_ends_at_its_limit(worker: WorkerProcess, length: int) -> None:
    events = told(worker, sampling=GREEDY, max_tokens=length)
    assert events[-1]["completion_tokens"] == length
    assert events[-1]["finish_reason"] == "length"


@pytest.mark.parametrize("place", range(12, 24))
def test_a_stop_string_ends_it_wherever_in_a_row_it_shows(
    worker: WorkerProcess, place: int
) -> None:
    whole = answer(told(worker, sampling=GREEDY))
    stop = whole[place : place + 9]
    events = told(worker, sampling=GREEDY, stop=[stop])
    assert events[-1]["finish_reason"] == "stop"
    assert answer(events) == whole[: whole.index(stop)]


def test_what_was_chosen_behind_the_stop_is_forgotten(worker: WorkerProcess) -> None:
    """What is held must be what was said, or the next answer reads something else."""
    whole = answer(told(worker, sampling=GREEDY))
    stop = whole[20:26]
    first = told(worker, sampling=GREEDY, stop=[stop], reuse=True)
    assert answer(first) == whole[:20]
    prompt = TALE["prompt"] + whole[:20] + " And then"
    more = {**TALE, "prompt": prompt, "sampling": GREEDY, "draft": False, "max_tokens": 30}
    again = worker.generate(**more, reuse=True)
    assert int(str(again[0]["cached_tokens"])) > 0
    assert answer(again) == answer(worker.generate(**more, reuse=False))


def test_a_model_that_ends_by_itself_ends_there(worker: WorkerProcess) -> None:
    question = {**FRANCE, "reuse": False, "draft": False}
    in_a_row, one_by_one = worker.generate(**question), worker.generate(**question, logprobs=1)
    assert in_a_row[-1]["finish_reason"] == one_by_one[-1]["finish_reason"] == "stop"
    assert answer(in_a_row) == answer(one_by_one)
    assert in_a_row[-1]["completion_tokens"] == one_by_one[-1]["completion_tokens"]


def test_answers_side_by_side_end_each_at_its_own_place(worker: WorkerProcess) -> None:
    lengths = [5, 11, 24, 60]
    for number, length in enumerate(lengths):
        worker.send(
            type="generate", id=f"s{number}",
            **{**TALE, "reuse": False, "draft": False, "max_tokens": length, "sampling": GREEDY},
        )  # fmt: skip
    ends: dict[object, Event] = {}
    while len(ends) < len(lengths):
        event = worker.next()
        assert event["type"] != "error", event
        if event["type"] == "done":
            ends[event["id"]] = event
    assert [ends[f"s{n}"]["completion_tokens"] for n in range(len(lengths))] == lengths


def test_a_cancelled_answer_keeps_what_it_said(worker: WorkerProcess) -> None:
    question = {**TALE, "reuse": False, "draft": False, "max_tokens": 1000, "sampling": GREEDY}
    worker.send(type="generate", id="c", **question)
    worker.until("text")
    worker.send(type="cancel", id="c")
    events = worker.until("done")
    assert events[-1]["finish_reason"] == "cancelled"
    assert answer(told(worker, sampling=GREEDY)), "and the next one is answered"


def test_whoever_asks_waits_for_one_token_only(worker_argv: list[str], model: Path) -> None:
    child = Path(__file__).with_name("streak_child.py")
    argv = [worker_argv[0], "-I", str(child), str(model)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    # A step that took far too long on a busy machine ends a row, too.
    assert found["nobody"][0] > 1
    assert found["somebody"] == [1, 0]
