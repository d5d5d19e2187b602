"""Fits, fits after closing, no, cannot tell: from live memory, never from swap."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.fit.budget import Room, judge, room_of
from galosh.hardware import Fact, Machine, MemoryFacts
from galosh.hardware.facts import OsFacts, SwapFacts

MIB = 1 << 20
GIB = 1 << 30


def machine(
    installed: int | None = 8 * GIB,
    available: int | None = 5 * GIB,
    limit: int | None = None,
    system: str = "linux",
    **swap: Any,
) -> Machine:
    return Machine(
        os=OsFacts(system=Fact(system, "test")),
        memory=MemoryFacts(Fact(installed, "test"), Fact(available, "test"), Fact(limit, "test")),
        swap=SwapFacts(**{name: Fact(value, "test") for name, value in swap.items()}),
    )


@pytest.mark.parametrize(
    ("installed_gib", "reserve_gib"), [(2, 0.9), (4, 1.4), (8, 2.8), (16, 5.6), (32, 8), (64, 8)]
)
def test_room_for_the_desktop(installed_gib: int, reserve_gib: float) -> None:
    room = room_of(machine(installed_gib * GIB))
    assert room.reserve_bytes == pytest.approx(reserve_gib * GIB)
    assert room.most_bytes == pytest.approx((installed_gib - reserve_gib) * GIB)


def test_fits_now_after_closing_and_not() -> None:
    room = room_of(machine())
    assert judge(3 * GIB, 3 * GIB, room).kind == "fits"
    tight = judge(4400 * MIB, 0, room)
    assert tight.kind == "fits-after-closing"
    assert tight.close_bytes == int(tight.needed_bytes / 0.9) - 5 * GIB
    # Exactly what is to be closed is enough, and less is not.
    for freed, kind in ((tight.close_bytes, "fits"), (tight.close_bytes - 8, "fits-after-closing")):
        assert judge(4400 * MIB, 0, room_of(machine(available=5 * GIB + freed))).kind == kind
    assert judge(5 * GIB, 0, room).kind == "no"


def test_the_margin_is_on_top() -> None:
    assert judge(1000 * MIB, 0, room_of(machine())).needed_bytes == (1050 + 64) * MIB


def test_a_containers_limit_counts_and_swap_never_does() -> None:
    need = 3 * GIB
    assert judge(need, 0, room_of(machine(limit=4 * GIB))).kind == "no"
    assert judge(need, 0, room_of(machine(installed=None, limit=4 * GIB))).kind == "no"
    swapped = machine(4 * GIB, 3 * GIB, total_bytes=64 * GIB, free_bytes=64 * GIB)
    assert judge(need, 0, room_of(swapped)).kind == "no"


@pytest.mark.parametrize(("installed", "available"), [(None, None), (0, 0), (None, GIB)])
def test_unknown_memory_is_said_to_be_unknown(installed: int | None, available: int | None) -> None:
    verdict = judge(MIB, MIB, room_of(machine(installed, available)))
    assert verdict.kind == "unknown"
    assert verdict.close_bytes is None


def test_what_is_free_is_unknown() -> None:
    room = room_of(machine(available=None))
    assert judge(GIB, 0, room).kind == "unknown"
    assert judge(60 * GIB, 0, room).kind == "no"


def test_nothing_free_at_all() -> None:
    assert judge(MIB, 0, room_of(machine(available=0))).kind == "fits-after-closing"


def test_windows_must_promise_it() -> None:
    facts: dict[str, Any] = {"commit_limit_bytes": 9 * GIB, "committed_bytes": 7 * GIB}
    verdict = judge(2 * GIB, 2 * GIB, room_of(machine(system="windows", **facts)))
    assert (verdict.kind, verdict.by_commit) == ("fits-after-closing", True)
    assert verdict.close_bytes == GIB + 150 * MIB
    assert judge(2 * GIB, 2 * GIB, room_of(machine(**facts))).kind == "fits"


@given(
    st.integers(1, 1 << 36),
    st.integers(0, 1 << 36),
    st.integers(0, 1 << 36),
    st.integers(0, 1 << 36),
)
def test_never_fits_what_is_not_there(installed: int, available: int, need: int, more: int) -> None:
    room = Room(installed, None, available)
    verdict = judge(need, need, room)
    if verdict.kind == "fits":
        assert room.now_bytes is not None
        assert verdict.needed_bytes <= room.now_bytes + 1
    order = ["fits", "fits-after-closing", "no"]
    assert order.index(judge(need + more, need, room).kind) >= order.index(verdict.kind)
