"""Whether to try again, and when."""

from __future__ import annotations

from galosh.base.errors import GaloshError
from galosh.supervisor.deaths import Deaths
from galosh.supervisor.restart import Death, RestartRules, Verdict, judge

RULES = RestartRules()


def deaths(*at: float, loading: bool = False, own: bool = True) -> list[Death]:
    return [Death(seconds, loading, own) for seconds in at]


def test_the_first_restart_is_at_once_and_later_ones_wait() -> None:
    waits = [judge(deaths(*range(n)), n, RULES).delay_seconds for n in range(1, 6)]
    assert waits == [0.0, 1.0, 2.0, 4.0, None]


def test_old_deaths_do_not_count() -> None:
    assert judge(deaths(0, 1, 2, 3, 700), 700, RULES) == Verdict(0.0)


def test_two_own_deaths_while_loading_mark_the_model() -> None:
    assert judge(deaths(0, loading=True), 0, RULES) == Verdict(0.0)
    assert judge(deaths(0, 1, loading=True), 1, RULES) == Verdict(None, bad=True)


def test_kills_from_outside_never_mark_the_model() -> None:
    killed = deaths(0, 1, 2, 3, 4, loading=True, own=False)
    assert judge(killed, 4, RULES) == Verdict(None)


def test_a_load_or_an_answer_wipes_the_slate() -> None:
    record = Deaths(RULES)
    record.record("m", Death(0, True, True))
    record.has_loaded("m")
    assert record.record("m", Death(1, True, True)) == Verdict(0.0)
    record.forgive("m")
    assert record.count("m") == 0


def test_a_bad_model_stays_bad_until_it_is_forgiven() -> None:
    record = Deaths(RULES)
    record.mark_bad("m", GaloshError("supervisor-model-bad", model_id="m"))
    assert record.bad_models == ("m",)
    record.has_loaded("other")
    assert record.bad("m") is not None
    record.forgive("m")
    assert record.bad("m") is None
