"""Rows of a batch come out as they would alone: the rule, and the real engine held to it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from galosh.worker import exact
from tests import real

CHANGED = "CPU : AVX2 = 1 | REPACK = 1 | GALOSH_ROWS = 16 | "
STOCK = "CPU : AVX2 = 1 | REPACK = 1 | "


@pytest.mark.parametrize(
    ("system", "cache_type", "flash_attention", "expected"),
    [
        (CHANGED, "f16", True, 8),
        (CHANGED.replace("16", "3"), "f16", True, 3),
        (STOCK, "f16", True, 1),
        (STOCK, "f32", None, 1),
        (STOCK, "q8_0", True, 8),
        (STOCK, "q8_0", None, 1),
    ],
)
def test_long_attention_is_for_the_engine_to_say(
    system: str, cache_type: str, flash_attention: bool | None, expected: int
) -> None:
    assert exact.engine_rows(system, cache_type, flash_attention) == expected


def test_short_attention_is_the_same_in_every_engine() -> None:
    assert [exact.most_rows(1, cells, False) for cells in (0, 248, 249, 4000)] == [8, 8, 1, 1]
    assert exact.most_rows(3, 4000, False) == 3
    assert [exact.most_rows(8, cells, True) for cells in (0, 4000)] == [3, 3]


@pytest.mark.parametrize(("good", "expected"), [(1, 1), (2, 2), (3, 3), (4, 4), (7, 4), (8, 8)])
def test_a_trial_ends_at_the_first_size_that_differs(good: int, expected: int) -> None:
    alone = [bytes([number]) for number in range(8)]
    tried = []

    def together(count: int) -> list[bytes]:
        tried.append(count)
        rows = alone[:count]
        return rows if count <= good else [*rows[:-1], b"other"]

    assert exact.agreeing(alone, together) == expected
    assert [size for size in tried if size > good] == [size for size in exact.SIZES if size > good][
        :1
    ]


@pytest.mark.engine
@pytest.mark.parametrize(
    ("find_model", "cache_type", "bases"),
    [
        (real.starter_model, "f16", "100,252,300,600,1020,1500"),
        (real.starter_model, "q8_0", "100,600"),
        (real.gemma_model, "f16", "100,252,600"),
    ],
)
def test_every_row_of_an_allowed_batch_is_the_same_to_the_last_bit(
    worker_argv: list[str], find_model: Callable[[], Path], cache_type: str, bases: str
) -> None:
    child = Path(__file__).with_name("exact_child.py")
    argv = [worker_argv[0], "-I", str(child), str(find_model()), cache_type, bases]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert min(found["rows"].values()) >= 2, "there is something to compare"
    assert {key: same for key, same in found["same"].items() if same != 1} == {}
