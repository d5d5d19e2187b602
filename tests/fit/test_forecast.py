"""Forecasts out of measured costs, and how this PC's own answers correct them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.fit import forecast as fitted
from galosh.fit import read_shape
from galosh.fit.forecast import (
    Speed,
    SpeedFacts,
    decode_seconds,
    expected_seconds,
    forecast,
    prefill_seconds,
)
from galosh.fit.measured import BATCH_TOKENS, Circumstances, Cost, Measured
from galosh.fit.runs import Run, correction
from galosh.fit.speed import Bandwidth
from galosh.fit.work import Heads, Kind, Work, read_work
from galosh.gguf import read_header
from galosh.gguf.source import BytesSource
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model

NOW = Circumstances("engine-1", "mains", 2)
MIB = 1 << 20
# The constants fitted on one model: what is checked here is the rest of the sum.
STEP, CELL, PAIR = fitted._STEP_FACTOR, fitted._CELL_FACTOR, fitted._PAIR_FACTOR


def work(model: Model) -> Work:
    header = read_header(BytesSource(model.header(), "test"))
    return read_work(header, read_shape(header))


def costs(found: Work, **rest: object) -> Measured:
    """The same price for every kind of weights of a model."""
    facts: dict[str, object] = {
        "circumstances": NOW,
        "kinds": dict.fromkeys(found.kinds(), Cost(1e-4, 3e-3)),
        "heads": dict.fromkeys(found.heads(), (1e-7, 1e-8)),
        "node_seconds": 1e-6,
        "number_seconds": 1e-11,
        "near_rate": 20e9,
        "far_rates": {1: 12e9, 2: 20e9},
        "far_bytes": 256 * MIB,
        **rest,
    }
    return Measured(**facts)  # type: ignore[arg-type]


def speed(found: Work, facts: SpeedFacts, context: int = 2048) -> Speed:
    return forecast(found, facts, context_tokens=context, batch_tokens=256, cell_bytes=2.0)


def known(found: Work, *runs: Run, identity: str = "me", **rest: object) -> SpeedFacts:
    return SpeedFacts(Bandwidth(20e9, 2), costs(found, **rest), runs, identity)


def answer(found: Work, times: float, identity: str = "me", **facts: Any) -> Run:
    """An answer `times` as quick as calculated."""
    run = Run(identity, NOW, 600, 0, 1.0, 100, 1.0, **facts)
    prefill, decode = expected_seconds(run, found, costs(found), 256, 2.0)
    done = Run(identity, NOW, 600, 0, prefill / times, 100, decode / times, **facts)
    return done.expecting(prefill, decode)


def test_a_token_costs_its_products_its_past_and_the_steps_between() -> None:
    found = work(models.llama(layers=2))
    products = 2 * 7 + 1
    start = decode_seconds(found, costs(found), 0, 2.0)
    assert start == pytest.approx(products * 1e-4 + found.steps * 1e-6 * STEP, rel=0.2)
    later = decode_seconds(found, costs(found), 1000, 2.0)
    assert later - start == pytest.approx(2 * 1000 * 1e-7 * CELL)


def test_a_window_ends_the_growth() -> None:
    found = work(models.gemma3(layers=6, window=128))
    at = [decode_seconds(found, costs(found), n, 2.0) for n in (128, 1128)]
    assert at[1] - at[0] == pytest.approx(1000 * 1e-7 * CELL)  # of six layers only one looks so far


def test_a_prompt_costs_batches_and_every_pair_of_tokens() -> None:
    found = work(models.llama(layers=2))
    one, two = (prefill_seconds(found, costs(found), 0, n, 256) for n in (256, 512))
    batch = Cost(1e-4, 3e-3).seconds(256)
    pairs = 2 * 256 * 257 / 2
    assert one == pytest.approx(14 * batch + 1e-4 + pairs * 1e-8 * PAIR, rel=0.05)
    assert two > 2 * one - 1e-3  # attention grows with the square
    whole = prefill_seconds(found, costs(found), 0, 1024, 256)
    parts = sum(prefill_seconds(found, costs(found), n, 256, 256) for n in range(0, 1024, 256))
    assert whole == pytest.approx(parts, rel=0.01)
    assert prefill_seconds(found, costs(found), 500, 0, 256) == 0.0


def test_experts_help_writing_more_than_reading() -> None:
    sparse, dense = work(models.moe(experts=8, used=1)), work(models.moe(experts=8, used=8))

    def ratio(take: str) -> float:
        a, b = speed(sparse, known(sparse)), speed(dense, known(dense))
        return float(getattr(a, take).mid / getattr(b, take).mid)

    assert ratio("first_rate") > 1.5
    assert 1.0 < ratio("prefill") < 8.0


def test_memory_that_cannot_keep_up_slows_large_models_only() -> None:
    small, large = work(models.llama()), work(models.llama(24, 2560, 20, 4, 8192, 32000, 8192))
    for found, slows in ((small, False), (large, True)):
        quick = decode_seconds(found, costs(found), 0, 2.0)
        slow = decode_seconds(found, costs(found, far_rates={2: 5e9}), 0, 2.0)
        assert (slow > 2 * quick) is slows


def test_memory_is_no_limit_where_computing_is_slower() -> None:
    found = work(models.llama())
    assert costs(found).limit_rate == math.inf
    assert costs(found, far_rates={2: 10e9}).limit_rate == pytest.approx(10.2e9, rel=0.01)
    assert costs(found, far_rates={1: 10e9}).limit_rate is None  # not with these threads
    assert costs(found, far_rates={1: 10e9, 2: 10.1e9}).best_threads == 1


def test_what_was_not_measured_is_put_in_proportion() -> None:
    have = costs(work(models.llama()), kinds={Kind(12, 2048, 2048): Cost(1e-3, 1e-2)})
    assert have.cost(Kind(12, 2048, 4096)).one_seconds == pytest.approx(2e-3)
    eight_bit = have.cost(Kind(8, 2048, 2048))
    assert eight_bit.one_seconds == pytest.approx(1e-3 * (34 / 32) / (144 / 256))
    assert eight_bit.batch_seconds == pytest.approx(1e-2)


def test_a_model_whose_pieces_were_not_measured_is_told() -> None:
    one, other = work(models.llama()), work(models.llama(width=128))
    assert not costs(one).lacks(one)
    assert costs(one).lacks(other)
    assert not costs(one).with_more(costs(other)).lacks(one)
    assert costs(one, near_rate=None).lacks(one)


def test_every_number_says_what_it_rests_on() -> None:
    found = work(models.llama())
    calculated = speed(found, known(found))
    assert (calculated.decode_basis, calculated.prefill_basis) == ("calculated", "calculated")
    own = speed(found, known(found, answer(found, 0.8), answer(found, 0.8)))
    assert (own.decode_basis, own.prefill_basis) == ("measured here", "measured here")
    coarse = speed(found, SpeedFacts(Bandwidth(20e9, 2), flags=frozenset({"avx2"})))
    assert (coarse.decode_basis, coarse.prefill_basis) == ("typical", "typical")
    assert coarse.prefill is not None
    assert coarse.prefill.high >= 5 * coarse.prefill.low  # and how little is known shows
    nothing = speed(found, SpeedFacts(Bandwidth(None, 2, "busy")))
    assert (nothing.first_rate, nothing.prefill, nothing.decode_basis) == (None, None, None)


def test_own_answers_stand_in_for_a_measurement_that_was_refused() -> None:
    found = work(models.llama())
    runs = [Run("me", NOW, 600, 0, 2.0, 100, 5.0) for _ in range(3)]
    said = speed(found, SpeedFacts(Bandwidth(None, 2, "busy"), None, runs, "me"))
    assert said.first_rate is not None
    assert said.prefill is not None
    assert (said.first_rate.mid, said.prefill.mid) == (20.0, 300.0)
    assert said.decode_basis == "measured here"


def test_the_record_moves_the_forecast() -> None:
    found = work(models.llama())
    plain = speed(found, known(found)).first_rate
    many = speed(found, known(found, *[answer(found, 0.7) for _ in range(20)])).first_rate
    others = [answer(found, 0.7, "another") for _ in range(20)]
    foreign = speed(found, known(found, *others)).first_rate
    assert plain is not None
    assert many is not None
    assert foreign is not None
    assert many.mid == pytest.approx(0.7 * plain.mid, rel=0.03)
    assert many.high - many.low < plain.high - plain.low  # what was measured is known better
    assert 0.7 * plain.mid < foreign.mid < 0.8 * plain.mid


def test_one_odd_answer_moves_nothing() -> None:
    found = work(models.llama())
    plain = speed(found, known(found)).first_rate
    odd = speed(found, known(found, answer(found, 0.1, "another"))).first_rate
    steady = speed(found, known(found, *[answer(found, 1.0)] * 9, answer(found, 0.05))).first_rate
    assert plain is not None
    assert odd is not None
    assert steady is not None
    assert odd.mid > 0.6 * plain.mid
    assert steady.mid == pytest.approx(plain.mid, rel=0.01)


@pytest.mark.parametrize("facts", [{"load": 1.5}, {"together": 2}, {"drafted_tokens": 30}])
def test_answers_under_other_conditions_do_not_count(facts: dict[str, Any]) -> None:
    found = work(models.llama())
    runs = [answer(found, 0.5, **facts) for _ in range(5)]
    assert runs[0].decode_ratio is None
    assert speed(found, known(found, *runs)).decode_basis == "calculated"


@given(st.lists(st.floats(0.01, 100), max_size=40), st.lists(st.floats(0.01, 100), max_size=40))
def test_a_correction_is_always_a_sane_range(own: list[float], others: list[float]) -> None:
    found = correction(own, others)
    rate = found.rate(10.0, 0.2)
    assert 0 < rate.low <= rate.mid <= rate.high
    inside = [*own, *others, 1.0]
    assert min(inside) * 0.999 <= found.factor <= max(inside) * 1.001


@given(
    st.integers(0, 100_000), st.integers(1, 5000), st.sampled_from([64, 256, 512]),
    st.sampled_from([models.llama, models.gemma3, models.moe, models.qwen35, models.deepseek2]),
)  # fmt: skip
def test_times_are_finite_and_grow(past: int, new: int, batch: int, make: object) -> None:
    found = work(make())  # type: ignore[operator]
    have = costs(found)
    took = prefill_seconds(found, have, past, new, batch)
    assert math.isfinite(took)
    assert took <= prefill_seconds(found, have, past, new + 1, batch)
    assert decode_seconds(found, have, past, 2.0) <= decode_seconds(found, have, past + 1, 2.0)


def test_costs_survive_the_database() -> None:
    have = costs(work(models.gemma3()))
    assert Measured.from_json(have.to_json()) == have
    assert Cost(2e-4, 2e-4).seconds(BATCH_TOKENS) == 2e-4
    assert Heads(64, 64, 9, 3) not in have.heads
    assert have.attention(Heads(64, 64, 4, 1))[0] == pytest.approx(2e-7)
