"""The engine's own search for the likeliest tokens finds what a sort of all would."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.worker.client import WorkerProcess, answer
from tests.worker.test_answers import TALE

pytestmark = pytest.mark.engine


def test_it_finds_the_largest_and_of_equal_ones_the_first(worker_argv: list[str]) -> None:
    child = Path(__file__).with_name("shortlist_child.py")
    argv = [worker_argv[0], "-I", str(child)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "300 found"), done.stderr[-2000:]


@pytest.mark.parametrize(
    "sampling",
    [
        {"temperature": 0},
        {"temperature": 1.5, "seed": 7},
        {"temperature": 1.0, "seed": 7, "top_k": 200, "top_p": 1.0, "min_p": 0.0},
        {"temperature": 1.0, "seed": 7, "typical_p": 0.5, "xtc_probability": 0.5},
        {"temperature": 0, "logit_bias": {"28": -100, "30": -2.5, "260": -100}},
        {"temperature": 1.5, "seed": 7, "top_k": 3, "logit_bias": {"28": -100, "284": -1}},
    ],
    ids=str,
)
def test_the_words_are_those_that_a_list_of_all_gives(
    worker: WorkerProcess, sampling: dict[str, Any]
) -> None:
    # A bias too small to change a chance needs the whole list: it is above nothing.
    biases = sampling.get("logit_bias", {})
    told = [
        answer(
            worker.generate(
                **{**TALE, "reuse": False, "max_tokens": 60},
                sampling={**sampling, "logit_bias": {**biases, **more}},
            )
        )
        for more in ({}, {"17": 1e-30})
    ]
    assert told[0] == told[1]
    assert len(told[0]) > 40
