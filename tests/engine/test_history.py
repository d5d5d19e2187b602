"""What is remembered of trials."""

from __future__ import annotations

from galosh.base.paths import Paths
from galosh.engine import history
from galosh.engine.plan import Failure, Host
from galosh.engine.records import Trial
from tests.engine.machines import HASWELL, NEHALEM

CRASH = Trial(ok=False, cause="illegal-instruction", signal=4)


def test_a_crash_counts_for_this_processor_and_version_only(paths: Paths) -> None:
    history.remember(paths, "0.3.36", "cpu-a", "source-cc-native", CRASH)
    failure = Failure("source-cc-native", "illegal-instruction")
    assert history.lasting_failures(paths, "0.3.36", "cpu-a") == (failure,)
    assert history.lasting_failures(paths, "0.3.36", "cpu-b") == ()
    assert history.lasting_failures(paths, "0.3.37", "cpu-a") == ()


def test_what_may_pass_does_not_last(paths: Paths) -> None:
    for cause in ("timeout", "killed", "load-failed"):
        history.remember(paths, "1", "cpu", f"source-cc-{cause}", Trial(ok=False, cause=cause))
    assert history.lasting_failures(paths, "1", "cpu") == ()


def test_a_later_success_wipes_the_crash(paths: Paths) -> None:
    history.remember(paths, "1", "cpu", "source-cc-native", CRASH)
    history.remember(paths, "1", "cpu", "source-cc-native", Trial(ok=True))
    assert history.lasting_failures(paths, "1", "cpu") == ()


def test_asked_to_forget(paths: Paths) -> None:
    history.remember(paths, "1", "cpu", "source-cc-native", CRASH)
    history.remember(paths, "1", "other", "source-cc-native", CRASH)
    history.forget(paths, "1", "cpu")
    assert history.lasting_failures(paths, "1", "cpu") == ()
    assert len(history.lasting_failures(paths, "1", "other")) == 1


def test_a_damaged_history_is_no_history(paths: Paths) -> None:
    history.remember(paths, "1", "cpu", "source-cc-native", CRASH)
    (paths.state / "engine-trials.json").write_text("[{")
    assert history.lasting_failures(paths, "1", "cpu") == ()
    history.remember(paths, "1", "cpu", "source-cc-native", CRASH)
    assert len(history.lasting_failures(paths, "1", "cpu")) == 1


def test_a_processor_is_known_by_its_flags() -> None:
    one = history.processor_id(Host("linux", "x86_64", HASWELL), "i5")
    assert one == history.processor_id(Host("linux", "x86_64", frozenset(HASWELL)), "i5")
    assert one != history.processor_id(Host("linux", "x86_64", NEHALEM), "i5")
