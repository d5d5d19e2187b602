"""Several answers in one worker at once: the same words as alone, each moving, none lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from galosh.worker.frames import encode
from tests.worker.client import Event, WorkerProcess, answer
from tests.worker.test_answers import FRANCE, GREEDY, SYSTEM, TALE

pytestmark = pytest.mark.engine

CITIES = ["France", "Italy", "Spain", "Japan"]
LONG = "The quick brown fox jumps over the lazy dog. " * 60


def question(country: str) -> dict[str, Any]:
    text = f"What is the capital of {country}?"
    return {
        "messages": [SYSTEM, {"role": "user", "content": text}],
        "sampling": GREEDY,
        "max_tokens": 12,
    }


@pytest.fixture(scope="module")
def four(worker_argv: list[str], model: Path) -> Iterator[WorkerProcess]:
    """A worker that answers four at a time."""
    with WorkerProcess(worker_argv) as process:
        loaded = process.load(model, threads=1, sequences=4, adaptive_threads=False)
        assert loaded["sequences"] == 4
        yield process


def collect(worker: WorkerProcess, names: list[str]) -> dict[str, list[Event]]:
    """The events of these requests, until each has ended; others' are not expected."""
    found: dict[str, list[Event]] = {name: [] for name in names}
    ended: set[str] = set()
    while len(ended) < len(names):
        event = worker.next()
        name = str(event["id"])
        found[name].append(event)
        if event["type"] in ("done", "error"):
            ended.add(name)
    return found


def whole(events: list[Event]) -> Event:
    """The last event, which must be of an answer that ended well."""
    assert events[-1]["type"] == "done", events[-1]
    return events[-1]


def test_four_at_once_say_what_each_says_alone(four: WorkerProcess) -> None:
    # Matrix products of several rows may differ in their last bits from those of one; these
    # short factual answers have no near ties that this could turn over.
    alone = {city: answer(four.generate(**question(city), reuse=False)) for city in CITIES}
    for city in CITIES:
        four.send(type="generate", id=city, **question(city), reuse=False)
    together = collect(four, CITIES)
    assert {city: answer(together[city]) for city in CITIES} == alone
    assert "Paris" in alone["France"]


def test_the_words_of_four_come_by_turns(four: WorkerProcess) -> None:
    tale = {**TALE, "max_tokens": 40, "sampling": {"seed": 1, "logit_bias": {"2": -100}}}
    for name in "abcd":
        four.send(type="generate", id=name, **tale)
    order = []
    ended = 0
    while ended < 4:
        event = four.next()
        ended += event["type"] == "done"
        if event["type"] == "text":
            order.append(event["id"])
    # In the middle of it every one of the four writes.
    assert set(order[max(0, len(order) // 2 - 8) : len(order) // 2 + 8]) == set("abcd")


def test_a_long_prompt_does_not_hold_up_who_writes(four: WorkerProcess) -> None:
    tale = {**TALE, "max_tokens": 200, "sampling": {"seed": 1, "logit_bias": {"2": -100}}}
    four.send(type="generate", id="tale", **tale)
    four.until("text")
    four.send(type="generate", id="long", prompt=LONG, max_tokens=1, reuse=False)
    words = 0
    while (event := four.next())["type"] != "done" or event["id"] != "long":
        words += event["type"] == "text"
    read = int(str(event["prompt_tokens"]))
    four.send(type="cancel", id="tale")
    collect(four, ["tale"])
    assert read > 500
    # Each step reads a little and writes a word; one batch at a time it would be three words.
    assert words >= 6


def test_the_quick_prompt_goes_first(fresh: WorkerProcess, model: Path) -> None:
    fresh.load(model, threads=1, sequences=1)
    endless = {**TALE, "max_tokens": 1000, "sampling": {"seed": 1, "logit_bias": {"2": -100}}}
    fresh.send(type="generate", id="slow", **endless, priority=0)
    fresh.until("text")
    later = {"type": "generate", "id": "later", **question("Italy"), "priority": 1}
    quick = {"type": "generate", "id": "quick", **question("France"), "priority": 2}
    fresh.send_bytes(encode(later) + encode(quick))
    ended = [fresh.until("done")[-1]["id"] for _ in range(2)]
    fresh.send(type="cancel", id="slow")
    assert [*ended, fresh.until("done")[-1]["id"]] == ["quick", "later", "slow"]


def test_a_paused_answer_goes_on_as_if_nothing_had_been(fresh: WorkerProcess, model: Path) -> None:
    tale = {**TALE, "max_tokens": 24, "sampling": {"seed": 5}, "reuse": False}
    fresh.load(model, threads=1, sequences=1, adaptive_threads=False)
    alone = answer(fresh.generate(**tale))
    fresh.send(type="generate", id="slow", **tale, priority=0)
    begun = fresh.until("text")
    fresh.send(type="generate", id="quick", **question("France"), priority=2)
    found = collect(fresh, ["slow", "quick"])
    assert "Paris" in answer(found["quick"])
    assert answer(begun) + answer(found["slow"]) == alone


def test_cancelling_one_of_four_ends_it_and_no_other(four: WorkerProcess) -> None:
    alone = {city: answer(four.generate(**question(city), reuse=False)) for city in CITIES}
    endless = {**TALE, "max_tokens": 1000, "sampling": {"seed": 1, "logit_bias": {"2": -100}}}
    four.send(type="generate", id="endless", **endless)
    four.until("text")
    for city in CITIES[:3]:
        four.send(type="generate", id=city, **question(city), reuse=False)
    asked = time.monotonic()
    four.send(type="cancel", id="endless")
    found = collect(four, ["endless", *CITIES[:3]])
    assert whole(found["endless"])["finish_reason"] == "cancelled"
    assert float(str(found["endless"][-1]["at"])) - asked < 1.0
    assert {city: answer(found[city]) for city in CITIES[:3]} == {
        city: alone[city] for city in CITIES[:3]
    }


def test_stopping_a_long_read_in_mid_batch_harms_no_neighbour(four: WorkerProcess) -> None:
    alone = answer(four.generate(**{**question("France"), "max_tokens": 30}, reuse=False))
    four.send(type="generate", id="long", prompt=LONG, max_tokens=1, reuse=False)
    four.until("prefill")
    four.send(type="generate", id="France", **{**question("France"), "max_tokens": 30}, reuse=False)
    four.until("started")
    four.send(type="cancel", id="long")
    found = collect(four, ["long", "France"])
    assert whole(found["long"])["finish_reason"] == "cancelled"
    assert answer(found["France"]) == alone


def test_one_that_fails_ends_no_other(four: WorkerProcess) -> None:
    four.send(type="generate", id="good", **question("France"))
    four.send(type="generate", id="bad", prompt="x", sampling={"temperature": 99})
    four.send(type="generate", id="long", prompt=LONG * 8)
    found = collect(four, ["good", "bad", "long"])
    assert "Paris" in answer(found["good"])
    assert found["bad"][-1]["code"] == "worker-option-wrong"
    assert found["long"][-1]["code"] == "worker-prompt-too-long"


def test_counting_does_not_wait_for_the_answers(four: WorkerProcess) -> None:
    endless = {**TALE, "max_tokens": 1000, "sampling": {"seed": 1, "logit_bias": {"2": -100}}}
    four.send(type="generate", id="endless", **endless)
    four.until("text")
    four.send(type="count", id="c", text="one two three")
    events = four.until("count", "done")
    assert events[-1]["type"] == "count"
    four.send(type="cancel", id="endless")
    collect(four, ["endless"])


def test_a_shared_beginning_is_read_once(four: WorkerProcess) -> None:
    preset = {"role": "system", "content": "You are a helpful assistant. " + LONG[:1500]}
    for city in CITIES:
        messages = [preset, *question(city)["messages"][1:]]
        four.send(type="generate", id=city, **{**question(city), "messages": messages})
    found = collect(four, CITIES)
    fresh_tokens = [
        int(str(whole(found[city])["prompt_tokens"])) - int(str(found[city][-1]["cached_tokens"]))
        for city in CITIES
    ]
    assert max(fresh_tokens) > 300  # the first one read it
    assert max(sorted(fresh_tokens)[:-1]) < 40


def test_a_full_pool_pauses_the_youngest_and_ends_nobody(fresh: WorkerProcess, model: Path) -> None:
    fresh.load(model, threads=1, context_tokens=512, sequences=2, adaptive_threads=False)
    sampling = {"temperature": 0, "logit_bias": {"2": -100, "0": -100}}
    prompts = {"first": "Once upon a time", "second": "In a dark wood"}
    asked = {"max_tokens": 300, "sampling": sampling}
    for name, prompt in prompts.items():
        fresh.send(type="generate", id=name, prompt=prompt, **asked)
    found = collect(fresh, list(prompts))
    for name in prompts:
        assert whole(found[name])["completion_tokens"] == 300
    # The one that came first was never held up.
    assert float(str(found["first"][-1]["at"])) < float(str(found["second"][-1]["at"]))


def test_a_quiet_model_can_rest_and_a_busy_one_says_so(four: WorkerProcess) -> None:
    endless = {**TALE, "max_tokens": 1000, "sampling": {"seed": 1, "logit_bias": {"2": -100}}}
    four.send(type="generate", id="endless", **endless)
    four.until("text")
    four.send(type="rest", id="r", stage="buffers")
    error = four.until("error", "rested")[-1]
    assert (error["id"], error["code"]) == ("r", "worker-busy")
    four.send(type="cancel", id="endless")
    collect(four, ["endless"])
    four.send(type="rest", id="r", stage="buffers")
    assert four.until("error", "rested")[-1]["stage"] == "buffers"
    events = four.generate(**FRANCE)
    assert [event["type"] for event in events[:2]] == ["waking", "woken"]
    assert "Paris" in answer(events)
