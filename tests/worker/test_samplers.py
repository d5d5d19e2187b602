"""Each sampler of the real engine does what its name says, and nothing where it is off."""

from __future__ import annotations

from typing import Any

import pytest

from tests.worker.client import WorkerProcess, answer
from tests.worker.test_answers import GREEDY, TALE

pytestmark = pytest.mark.engine

# Nothing is cut off and everything is likely: what a sampler changes, shows.
OPEN = {"temperature": 2.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "seed": 7}

# What follows is as good as certain.
COUNTING = "one two three one two three one two three one two"


def tale(worker: WorkerProcess, sampling: dict[str, Any], max_tokens: int = 10) -> str:
    events = worker.generate(**{**TALE, "max_tokens": max_tokens, "sampling": sampling})
    assert events[-1]["type"] == "done", events[-1]
    return answer(events)


def counted(worker: WorkerProcess, sampling: dict[str, Any], max_tokens: int) -> str:
    return answer(worker.generate(prompt=COUNTING, max_tokens=max_tokens, sampling=sampling))


@pytest.fixture(scope="module")
def greedy(worker: WorkerProcess) -> str:
    return tale(worker, GREEDY)


@pytest.mark.parametrize(
    "narrow",
    [
        {"top_k": 1},
        {"top_p": 0.0},
        {"min_p": 1.0},
        {"top_n_sigma": 0.001},
        {"mirostat": 2, "mirostat_tau": 0.0, "mirostat_eta": 0.0},
    ],
    ids=str,
)
def test_a_sampler_that_leaves_one_token_gives_the_greedy_answer(
    worker: WorkerProcess, greedy: str, narrow: dict[str, Any]
) -> None:
    assert tale(worker, OPEN) != greedy
    assert tale(worker, {**OPEN, **narrow}) == greedy


def test_the_surer_the_model_the_cooler(worker: WorkerProcess) -> None:
    hot = {**OPEN, "top_k": 40}
    cooled = {**hot, "dynatemp_range": 2.0, "dynatemp_exponent": 10.0}
    assert counted(worker, cooled, 6) == counted(worker, GREEDY, 6) != counted(worker, hot, 6)


@pytest.mark.parametrize(
    "off",
    [
        {"dry_multiplier": 0.0, "dry_base": 3.0},
        {"xtc_probability": 0.0, "xtc_threshold": 0.01},
        {"dynatemp_range": 0.0, "dynatemp_exponent": 5.0},
        {"top_n_sigma": -1.0, "typical_p": 1.0},
        {"mirostat": 0, "mirostat_tau": 0.5},
        {"repeat_penalty": 1.0, "repeat_last_n": 0},
    ],
    ids=str,
)
def test_a_sampler_that_is_off_changes_nothing(worker: WorkerProcess, off: dict[str, Any]) -> None:
    warm = {"temperature": 1.0, "seed": 3}
    assert tale(worker, {**warm, **off}) == tale(worker, warm)


@pytest.mark.parametrize(
    "on",
    [
        {"typical_p": 0.2},
        {"xtc_probability": 1.0, "xtc_threshold": 0.02},
        {"mirostat": 1},
        {"mirostat": 2},
        {"top_n_sigma": 1.0},
        {"presence_penalty": 2.0, "repeat_last_n": -1},
    ],
    ids=str,
)
def test_a_sampler_that_is_on_changes_the_text_and_a_seed_repeats_it(
    worker: WorkerProcess, on: dict[str, Any]
) -> None:
    texts = [tale(worker, {**OPEN, **on}, 16) for _ in range(2)]
    assert texts[0] == texts[1] != tale(worker, OPEN, 16)


def test_xtc_takes_the_likeliest_away(worker: WorkerProcess, greedy: str) -> None:
    # The first two words are within 0.02 of each other.
    cold = {"temperature": 0.001, "seed": 1}
    assert tale(worker, cold) == greedy
    xtc = {**cold, "xtc_probability": 1.0, "xtc_threshold": 0.01}
    assert tale(worker, xtc) != greedy


@pytest.mark.parametrize("last_n", [-1, 64])
def test_dry_breaks_a_loop_but_not_across_its_breakers(worker: WorkerProcess, last_n: int) -> None:
    dry = {**GREEDY, "dry_multiplier": 5.0, "dry_penalty_last_n": last_n}
    plain = counted(worker, GREEDY, 9)
    assert " three one two" in plain
    assert " three one two" not in counted(worker, dry, 9)
    assert counted(worker, {**dry, "dry_sequence_breakers": [" two"]}, 9) == plain
