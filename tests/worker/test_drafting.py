"""Guessed tokens in the real engine: the same words, in fewer steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import real
from tests.worker.client import Event, WorkerProcess, answer
from tests.worker.test_answers import FRANCE, GREEDY, TALE

pytestmark = pytest.mark.engine

LINES = "Anna has a red boat. Peter has a blue car. Maria has a green house. "
COPY: dict[str, Any] = {"prompt": f"Text: {LINES}\nCopy: {LINES}\nCopy:", "max_tokens": 60}
RENAME: dict[str, Any] = {
    "prompt": f"Text: {LINES}\nCopy: {LINES.replace('Peter', 'Boris')}\nText: {LINES}\nCopy:",
    "max_tokens": 60,
}


@pytest.fixture(scope="module")
def drafting(worker_argv: list[str], model: Path) -> Iterator[WorkerProcess]:
    """A worker with rows of logits for guesses."""
    with WorkerProcess(worker_argv) as process:
        assert process.load(model, threads=1, outputs=8)["type"] == "loaded"
        yield process


def ask(worker: WorkerProcess, question: dict[str, Any], draft: bool | None) -> list[Event]:
    events = worker.generate(**{"sampling": GREEDY, **question}, draft=draft)
    assert events[-1]["type"] == "done", events[-1]
    return events


def count(events: list[Event], name: str) -> int:
    return int(str(events[-1][name]))


@pytest.mark.parametrize("question", [COPY, RENAME, FRANCE, TALE, {**COPY, "max_tokens": 1}])
def test_guesses_change_no_word_of_a_greedy_answer(
    drafting: WorkerProcess, question: dict[str, Any]
) -> None:
    plain, drafted = (
        ask(drafting, {**question, "sampling": GREEDY, "reuse": False}, draft)
        for draft in (False, True)
    )
    assert answer(drafted) == answer(plain)
    assert count(drafted, "completion_tokens") == count(plain, "completion_tokens")
    assert drafted[-1]["finish_reason"] == plain[-1]["finish_reason"]
    assert count(plain, "draft_tokens") == 0


NAMES = ("Anna", "Peter", "Maria", "Boris", "Clara", "David", "Emma", "Frank", "Greta", "Hugo")
THINGS = ("a red boat", "a blue car", "a green house", "an old book", "a white cat", "two dogs")
LONG = " ".join(
    f"{name} has {thing} and lives in house number {number} of the {number % 7 + 2}nd street."
    for number, (name, thing) in enumerate(zip(NAMES * 6, THINGS * 10, strict=True))
)


def rewriting(characters: int) -> dict[str, Any]:
    """A text to say again, of which the model makes what it can."""
    text = LONG[:characters]
    return {"prompt": f"Text:\n{text}\n\nThe same text again:\n{text[:60]}", "max_tokens": 120}


@pytest.mark.parametrize(
    ("find_model", "sizes"),
    [(real.starter_model, (900, 1700, 4300)), (real.gemma_model, (900, 1700))],
)
def test_long_greedy_answers_are_the_same_too(
    worker_argv: list[str], find_model: Callable[[], Path], sizes: tuple[int, ...]
) -> None:
    with WorkerProcess(worker_argv) as worker:
        load = {"context_tokens": 4096, "outputs": 8, "adaptive_threads": False}
        assert worker.load(find_model(), threads=2, **load)["type"] == "loaded"
        # A count that changes within the reading of a prompt changes the sizes of its batches,
        # and with them the last bits of what was read, with guesses and without.
        accepted = 0
        for characters in sizes:
            question = {**rewriting(characters), "reuse": False}
            plain, drafted = (ask(worker, question, draft) for draft in (False, True))
            assert count(plain, "prompt_tokens") > characters / 5
            assert answer(drafted) == answer(plain), characters
            assert count(drafted, "completion_tokens") == count(plain, "completion_tokens")
            accepted += count(drafted, "draft_accepted")
        assert accepted > 0, "nothing was compared"


def test_guesses_at_a_copy_hold(worker_argv: list[str], model: Path) -> None:
    """How many are made hangs on what a row costs on this PC, which a new worker does not know."""
    with WorkerProcess(worker_argv) as worker:
        assert worker.load(model, threads=1, outputs=8)["type"] == "loaded"
        events = ask(worker, COPY, None)
    accepted = count(events, "draft_accepted")
    assert accepted >= 3
    assert accepted > 0.6 * count(events, "draft_tokens")


@pytest.mark.parametrize(
    "sampling",
    [
        {"seed": 5, "temperature": 0.7},
        {"seed": 6, "temperature": 0.7, "repeat_penalty": 1.05, "dry_multiplier": 0.1},
        {"seed": 7, "mirostat": 2, "mirostat_tau": 1.0},
    ],
    ids=str,
)
def test_a_seeded_answer_is_the_same_with_guesses(
    drafting: WorkerProcess, sampling: dict[str, Any]
) -> None:
    question = {**COPY, "sampling": sampling}
    plain, drafted = (ask(drafting, question, draft) for draft in (False, True))
    assert answer(drafted) == answer(plain)


def test_a_form_holds_with_guesses_too(drafting: WorkerProcess) -> None:
    names = ["Anna", "Peter", "Maria", "Anna", "Peter", "Maria"]
    schema = {
        "type": "array",
        "items": {"enum": ["Anna", "Peter", "Maria"]},
        "minItems": 12,
        "maxItems": 12,
    }
    text = str(names).replace("'", '"')
    question = {"prompt": f"{text}\n{text}\n", "max_tokens": 80, "json_schema": schema}
    plain, drafted = (ask(drafting, question, draft) for draft in (False, True))
    assert answer(drafted) == answer(plain)
    assert answer(plain).count(",") == 11


def test_a_stop_string_inside_a_right_guess_ends_the_answer(drafting: WorkerProcess) -> None:
    question = {**COPY, "stop": [" blue"]}
    plain, drafted = (ask(drafting, question, draft) for draft in (False, True))
    assert answer(drafted) == answer(plain)
    assert "blue" not in answer(drafted)


def test_what_follows_a_drafted_answer_is_as_if_it_had_not_been(drafting: WorkerProcess) -> None:
    clean = ask(drafting, {**FRANCE, "reuse": False}, False)
    drafted = ask(drafting, COPY, True)
    longer = {"prompt": str(COPY["prompt"]) + answer(drafted) + " Anna", "max_tokens": 8}
    kept = ask(drafting, longer, False)
    assert count(kept, "cached_tokens") > 60
    assert answer(kept) == answer(ask(drafting, {**longer, "reuse": False}, False))
    assert answer(ask(drafting, FRANCE, None)) == answer(clean)
