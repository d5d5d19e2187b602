"""Threads follow the load: measured rates of a 2-core PC, played back."""

from __future__ import annotations

import pytest

from galosh.worker.pace import Pace

# Tokens/s by threads, and the share of the asked processor time that is got
# (measured with SmolLM2-135M: OpenMP, two cores).
QUIET = {2: (87.0, 1.0), 1: (51.0, 1.0)}
ONE_LOOP = {2: (30.0, 0.75), 1: (51.0, 1.0)}
TWO_LOOPS = {2: (13.0, 0.5), 1: (36.0, 0.75)}
# The same with waits that sleep (an engine compiled by galosh), loops in another session.
PATIENT_ONE_LOOP = {2: (47.0, 0.5), 1: (60.0, 1.0)}
PATIENT_TWO_LOOPS = {2: (30.0, 0.3), 1: (42.0, 0.68)}


def play(
    pace: Pace, load: dict[int, tuple[float, float]], tokens: int, idle: float | None = None
) -> float:
    """Seconds that `tokens` tokens take under `load`; idle: cores seen idle beside us."""
    total = 0.0
    for _ in range(tokens):
        rate, share = load[pace.threads]
        total += 1 / rate
        if idle is not None and pace.has_more:
            pace.see_idle_cores(idle)
        pace.note(1 / rate, share * pace.threads / rate)
    return total


def test_a_quiet_pc_keeps_every_thread() -> None:
    pace = Pace(2, 4, (4, 128))
    assert play(pace, QUIET, 400) == pytest.approx(400 / 87)
    assert pace.threads == 2


@pytest.mark.parametrize("load", [ONE_LOOP, TWO_LOOPS, PATIENT_ONE_LOOP, PATIENT_TWO_LOOPS])
def test_a_busy_pc_gets_the_best_fixed_choice_but_for_a_tenth(
    load: dict[int, tuple[float, float]],
) -> None:
    pace = Pace(2, 4, (4, 128))
    seconds = play(pace, load, 200)
    best = max(rate for rate, _ in load.values())
    assert seconds < 200 / best / 0.9
    assert pace.threads == 1


def test_when_the_pc_gets_quiet_again_every_thread_comes_back_soon() -> None:
    pace = Pace(2, 4, (4, 128))
    play(pace, TWO_LOOPS, 300)
    play(pace, QUIET, 160)
    assert pace.threads == 2


def test_looks_that_failed_on_a_quiet_pc_keep_no_crowd_waiting() -> None:
    """Found on a shared PC: a neighbour's moment had fewer threads tried in vain, and a crowd
    that came then was met with all of them for half a second."""
    pace = Pace(2, 4, (4, 128))
    for _ in range(4):
        play(pace, QUIET, 40)
        play(pace, {2: (55.0, 0.7), 1: (40.0, 1.0)}, 12)
    play(pace, QUIET, 8)
    assert pace.threads == 2
    play(pace, PATIENT_TWO_LOOPS, 10)
    assert pace.threads == 1


def test_a_load_that_comes_in_mid_answer_is_noticed_within_a_few_tokens() -> None:
    pace = Pace(2, 4, (4, 128))
    play(pace, QUIET, 100)
    play(pace, TWO_LOOPS, 6)
    assert (pace.threads, pace.on_trial) == (1, False)


def test_one_step_that_is_far_too_long_is_looked_into_at_once() -> None:
    pace = Pace(2, 4, (4, 128))
    play(pace, QUIET, 100)
    pace.note(0.08, 0.08)
    pace.note(0.08, 0.08)
    assert (pace.threads, pace.on_trial) == (1, True)


def test_a_long_step_that_had_its_cores_is_none_of_that() -> None:
    """More to compute, not a crowd."""
    pace = Pace(2, 4, (4, 128))
    play(pace, QUIET, 100)
    pace.note(0.08, 0.16)
    assert (pace.threads, pace.on_trial) == (2, False)


def test_fewer_threads_that_are_slower_are_not_kept() -> None:
    # A quota of the container: the share is low, but two threads still do more.
    quota = {4: (40.0, 0.6), 3: (36.0, 0.8), 2: (30.0, 1.0), 1: (20.0, 1.0)}
    pace = Pace(4, 4, (4, 128))
    seconds = play(pace, quota, 300)
    assert pace.threads == 4
    assert seconds < 300 / 40 / 0.95


def test_from_eight_threads_it_finds_the_two_that_are_left() -> None:
    crowded = {
        8: (5.0, 0.3), 7: (5.2, 0.3), 6: (5.5, 0.35), 4: (9.0, 0.5), 3: (15.0, 0.7),
        2: (20.0, 0.95), 1: (12.0, 1.0),
    }  # fmt: skip
    pace = Pace(8, 4, (4, 128))
    play(pace, crowded, 100)
    assert pace.threads == 2


def test_what_reading_found_out_writing_knows() -> None:
    reading, writing = Pace(2, 1, (1, 16)), Pace(2, 4, (4, 128))
    reading.note(2.56, 2.56, amount=256)
    assert reading.on_trial
    writing.join(reading)
    assert (writing.threads, writing.on_trial) == (1, False)


def test_a_slow_model_is_judged_after_one_token() -> None:
    pace = Pace(2, 4, (4, 128))
    pace.note(0.8, 0.8)
    assert pace.threads == 1


def test_one_thread_has_no_choice() -> None:
    pace = Pace(1, 4, (4, 128))
    play(pace, {1: (10.0, 0.2)}, 50)
    assert pace.threads == 1


def test_batches_of_different_sizes_are_judged_by_the_token() -> None:
    pace = Pace(2, 1, (1, 16))
    pace.note(2.56, 2.56, amount=256)  # crowded: half the time asked for
    assert pace.threads == 1
    pace.note(0.05, 0.05, amount=10)  # 5 ms a token instead of 10
    assert pace.threads == 1
    assert not pace.on_trial


def test_an_idle_core_is_used_within_a_few_tokens() -> None:
    pace = Pace(2, 4, (4, 128))
    play(pace, PATIENT_TWO_LOOPS, 1000, idle=0.0)
    play(pace, QUIET, 9, idle=1.0)
    assert pace.threads == 2


def test_while_no_core_is_idle_more_threads_are_hardly_tried() -> None:
    pace = Pace(2, 4, (4, 128))
    play(pace, ONE_LOOP, 20, idle=0.0)
    seconds = play(pace, ONE_LOOP, 400, idle=0.0)
    assert seconds < 400 / 51 * 1.01


def test_cores_that_were_idle_before_the_crowd_came_are_not_looked_for() -> None:
    """As it was seen on two cores: the figure was of a second ago, and cost four bad steps."""
    pace = Pace(2, 4, (4, 128))
    pace.see_idle_cores(1.0)
    play(pace, PATIENT_ONE_LOOP, 12)
    assert pace.threads == 1
    assert play(pace, PATIENT_ONE_LOOP, 60) == pytest.approx(60 / 60)


def test_a_look_at_more_threads_ends_at_the_first_slow_step() -> None:
    pace = Pace(2, 4, (4, 128))
    play(pace, PATIENT_ONE_LOOP, 12)
    with_two = 0
    for _ in range(200):
        with_two += pace.threads == 2
        play(pace, PATIENT_ONE_LOOP, 1)
    assert with_two <= 6  # looks after 8, 16, 32, 64 steps, and again


def test_idle_cores_that_help_nobody_are_not_tried_at_every_window() -> None:
    # A quota: cores are idle, but not for us.
    quota = {4: (30.0, 0.5), 3: (35.0, 0.66), 2: (40.0, 1.0), 1: (25.0, 1.0)}
    pace = Pace(4, 4, (4, 128))
    play(pace, quota, 100, idle=2.0)
    assert play(pace, quota, 400, idle=2.0) < 400 / 40 / 0.93


def test_load_that_changes_in_mid_answer_costs_less_than_a_tenth() -> None:
    pace = Pace(2, 4, (4, 128))
    spent = best = 0.0
    for load, idle in [(QUIET, 0.0), (PATIENT_TWO_LOOPS, 0.0), (QUIET, 1.0), (PATIENT_ONE_LOOP, 0)]:
        spent += play(pace, load, 100, idle=idle)
        best += 100 / max(rate for rate, _ in load.values())
    assert best / spent > 0.9


def test_one_busy_core_of_four_leaves_three_threads() -> None:
    one_loop = {4: (40.0, 0.75), 3: (75.0, 1.0), 2: (55.0, 1.0), 1: (30.0, 1.0)}
    pace = Pace(4, 4, (4, 128))
    play(pace, one_loop, 12, idle=0.0)
    assert pace.threads == 3


def two_loops_by_turns(pace: Pace, number: int) -> None:
    """One step beside two busy loops: their turns of the processor come between."""
    if pace.threads == 2:
        pace.note(0.018, 0.014)
    else:
        pace.note((0.032, 0.008, 0.008, 0.008)[number % 4], 0.008)


def test_one_long_step_ends_no_look_at_fewer_threads() -> None:
    pace = Pace(2, 4, (4, 128))
    for number in range(4):
        two_loops_by_turns(pace, number)
    assert pace.on_trial
    for number in range(4):
        two_loops_by_turns(pace, number)
    assert (pace.threads, pace.on_trial) == (1, False)


def test_while_cores_are_short_fewer_threads_are_looked_at_again_and_again() -> None:
    pace = Pace(2, 4, (4, 128))
    failed = 0
    for _ in range(400):  # every look goes wrong by chance
        failed += pace.on_trial
        pace.note(0.024 if pace.threads == 2 else 0.03, 0.008 * pace.threads)
    assert failed >= 400 // 20 - 4
    for number in range(40):
        two_loops_by_turns(pace, number)
    assert pace.threads == 1


def test_what_was_measured_while_the_load_came_is_no_figure() -> None:
    """As it was seen on two cores: two of three tokens were still of better times."""
    pace = Pace(2, 4, (4, 128))
    play(pace, QUIET, 100)
    pace.note(0.030, 0.058, 3, 3)
    pace.note(0.0605, 0.0672, 3, 3)
    assert (pace.threads, pace.on_trial) == (2, True), "the next step is judged alone"
    pace.note(0.045, 0.029)
    for wall in (0.0658, 0.0455, 0.0210, 0.0217):
        assert (pace.threads, pace.on_trial) == (1, True)
        pace.note(wall, 0.0215)
    assert (pace.threads, pace.on_trial) == (1, False)


def test_a_moment_without_the_cores_costs_no_look_at_fewer_threads() -> None:
    """As it was seen on a quiet PC: one step of four times its length, and none after it."""
    pace = Pace(2, 4, (4, 128))
    play(pace, QUIET, 100)
    pace.note(0.040, 0.038)
    assert (pace.threads, pace.on_trial) == (2, True)
    play(pace, QUIET, 20)
    assert (pace.threads, pace.on_trial) == (2, False)


def test_as_fast_with_fewer_threads_is_better() -> None:
    as_fast = {2: (20.0, 0.5), 1: (20.2, 0.7)}
    pace = Pace(2, 4, (4, 128))
    play(pace, as_fast, 40, idle=0.0)
    assert pace.threads == 1
