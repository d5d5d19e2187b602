"""A small model that guesses for a large one: the same words, and only where it pays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.worker.draft_pay import DraftPay
from tests import real
from tests.worker.client import WorkerProcess, answer
from tests.worker.test_answers import FRANCE, GREEDY, TALE
from tests.worker.test_drafting import ask, count


def played(pay: DraftPay, *, holds: bool, token_cost: float, steps: int) -> list[int]:
    """The lengths guessed over so many steps where all guesses hold, or none."""
    lengths = []
    for _ in range(steps):
        length = pay.length(7)
        lengths.append(length)
        if length:
            pay.note(length, length if holds else 0, 1.0 + token_cost * length)
        else:
            pay.note_plain(1.0, 1)
    return lengths


def test_nothing_is_guessed_before_a_step_was_seen() -> None:
    assert DraftPay().length(7) == 0


def test_a_good_cheap_guesser_goes_on_and_grows() -> None:
    lengths = played(DraftPay(), holds=True, token_cost=0.2, steps=40)
    assert lengths[0] == 0
    assert min(lengths[20:]) >= 4


@pytest.mark.parametrize(("holds", "token_cost"), [(True, 1.4), (False, 0.2)])
def test_one_that_does_not_pay_stops_and_is_tried_again_seldom(
    holds: bool, token_cost: float
) -> None:
    lengths = played(DraftPay(), holds=holds, token_cost=token_cost, steps=4000)
    assert sum(lengths[1:30]) > 0
    assert sum(length > 0 for length in lengths[100:]) <= 4


@pytest.fixture(scope="module")
def paired(worker_argv: list[str], model: Path) -> Iterator[WorkerProcess]:
    """The starter model with itself as the small one."""
    with WorkerProcess(worker_argv) as process:
        loaded = process.load(model, threads=1, outputs=8, draft_path=str(model))
        assert loaded["type"] == "loaded"
        assert (loaded["draft_model"], loaded["draft_refused"]) == (True, None)
        yield process


@pytest.mark.engine
def test_its_own_guesses_hold_and_change_no_word(paired: WorkerProcess) -> None:
    proposed = accepted = 0
    for question in (TALE, FRANCE, {**TALE, "max_tokens": 1}):
        plain, drafted = (
            ask(paired, {**question, "sampling": GREEDY}, draft) for draft in (False, True)
        )
        assert answer(drafted) == answer(plain)
        assert count(drafted, "completion_tokens") == count(plain, "completion_tokens")
        proposed += count(drafted, "draft_tokens")
        accepted += count(drafted, "draft_accepted")
    assert proposed >= 4
    assert accepted >= 0.7 * proposed  # what was said before is guessed without it


@pytest.mark.engine
def test_it_comes_back_after_a_rest(paired: WorkerProcess) -> None:
    before = answer(ask(paired, {**TALE, "sampling": GREEDY}, True))
    paired.send(type="rest", id="r", stage="model")
    assert paired.until("rested", "error")[-1]["type"] == "rested"
    assert answer(ask(paired, {**TALE, "sampling": GREEDY}, True)) == before


@pytest.mark.engine
def test_another_vocabulary_is_refused_and_the_model_answers(
    fresh: WorkerProcess, model: Path
) -> None:
    loaded = fresh.load(model, threads=1, outputs=8, draft_path=str(real.gemma_model()))
    assert (loaded["type"], loaded["draft_model"]) == ("loaded", False)
    assert loaded["draft_refused"] == {
        "code": "worker-draft-vocabulary",
        "facts": {"tokens": 262_144, "wanted_tokens": 49_152},
    }
    assert "Paris" in answer(ask(fresh, {**FRANCE, "sampling": GREEDY}, None))


@pytest.mark.engine
def test_a_small_model_that_is_gone_is_told_too(fresh: WorkerProcess, model: Path) -> None:
    loaded = fresh.load(model, threads=1, outputs=8, draft_path=str(model) + ".gone")
    refused = loaded["draft_refused"]
    assert isinstance(refused, dict)
    assert (loaded["type"], refused["code"]) == ("loaded", "worker-model-missing")
