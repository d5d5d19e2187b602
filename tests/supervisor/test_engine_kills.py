"""The real engine under kills: a handful always, hundreds by hand (`scripts/test.py --slow`)."""

from __future__ import annotations

import pytest

from scripts.benches.engine_kills import measure


@pytest.mark.engine
def test_a_few_kills_under_load_lose_nothing() -> None:
    check(measure(4, 2))


@pytest.mark.slow
def test_many_kills_under_load_lose_nothing() -> None:
    check(measure(100, 50))


def check(seen: dict[str, object]) -> None:
    assert seen["unstated"] == []
    assert (seen["orphans"], seen["double_loads"], seen["lost_settings"]) == (0, 0, 0)
    load = seen["load_seconds"]
    assert isinstance(load, float)
    for name in ("next_answer_after_worker_seconds", "next_answer_after_daemon_seconds"):
        spread = seen[name]
        assert isinstance(spread, dict)
        assert spread["worst"] < 5 + load
