"""The arithmetic of the engine's verdicts."""

from __future__ import annotations

import importlib
import inspect

import pytest

from scripts.benches.engine import ROWS
from scripts.benches.engine_verdict import Row, Verdict, growth, number, paired_ratio


@pytest.mark.parametrize(
    ("value", "relation", "passed"),
    [(0.97, "at least", True), (0.969, "at least", False), (0.97, "at most", True),
     (0.971, "at most", False), (None, "at most", False)],
)  # fmt: skip
def test_a_target_is_met_or_not(value: float | None, relation: str, passed: bool) -> None:
    verdict = Verdict("decode", value, relation, 0.97)  # type: ignore[arg-type]
    assert verdict.passed is passed
    assert verdict.line().startswith("pass" if passed else "MISS")


def test_what_was_not_measured_says_so() -> None:
    line = Verdict("decode", None, "at least", 0.97, note="no peers").line()
    assert "not measured" in line
    assert "no peers" in line


def test_a_row_passes_with_all_of_its_verdicts_and_never_without_any() -> None:
    good = Verdict("a", 1.0, "at least", 1.0)
    bad = Verdict("b", 0.5, "at least", 1.0)
    assert Row("x", (good,)).passed
    assert not Row("x", (good, bad)).passed
    assert not Row("x", ()).passed


def test_a_ratio_is_taken_round_by_round() -> None:
    # The second round ran on a PC that was half as fast; a ratio of sums would say 0.92.
    assert paired_ratio([90, 45, 88], [100, 50, 80]) == pytest.approx(0.9)
    assert paired_ratio([], []) is None
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([1.0], [])


def test_growth_is_a_share_and_shrinking_is_none() -> None:
    assert growth(100, 105) == pytest.approx(0.05)
    assert growth(100, 90) == 0


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (45.0, "45"), (0.9712, "0.971"), (12.34, "12.3"),
                        (1234.5, "1234")],
)  # fmt: skip
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize("name", ROWS)
def test_every_row_has_what_measures_it(name: str) -> None:
    module, function = ROWS[name][0].split(":")
    found = getattr(importlib.import_module(f"scripts.benches.{module}"), function)
    assert list(inspect.signature(found).parameters) == ["bench"]
