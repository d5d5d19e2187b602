"""Ranges, end-game and the number of links."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from galosh.download.limits import Limits
from galosh.download.schedule import Adaptive, Lease, Schedule

LIMITS = Limits(
    chunk_bytes=10, range_min_bytes=40, range_max_bytes=160, window_bytes=200, adapt_seconds=1.0
)


def make(chunks: int) -> Schedule:
    return Schedule(chunks * 10 - 3, 10, LIMITS)


def finish(schedule: Schedule, lease: Lease, chunks: int) -> None:
    for _ in range(chunks):
        if schedule.complete(lease):
            schedule.mark_done(lease.at)
            lease.at += 1


def test_the_last_chunk_is_short() -> None:
    assert make(3).span(2) == (20, 7)


def test_ranges_grow_with_the_speed() -> None:
    schedule = make(100)
    slow, fast = schedule.take(0.0), schedule.take(1e9)
    assert slow is not None
    assert fast is not None
    assert (slow.at, slow.end) == (0, 4)
    assert (fast.at, fast.end) == (4, 20)


def test_nothing_is_fetched_beyond_the_window() -> None:
    schedule = make(100)
    leases = [schedule.take(1e9), schedule.take(1e9)]
    assert all(lease is not None and lease.at < 20 for lease in leases)
    third = schedule.take(1.0)
    assert third is not None  # not beyond the window: half of what another link holds
    assert third.end <= 32


def test_the_rest_of_the_slowest_lease_is_split() -> None:
    schedule = make(16)
    first, second = schedule.take(1e9), None
    assert first is not None
    finish(schedule, first, 2)
    first.speed = 1000.0
    assert schedule.take() is None, "it is done in a moment"
    first.speed = 10.0
    second = schedule.take()
    assert second is not None
    assert first.end == second.at
    assert second.end == 16
    assert first.at < first.end


def test_a_slow_last_chunk_is_raced_and_the_first_copy_counts() -> None:
    schedule = make(8)
    slow, fast = schedule.take(), schedule.take()
    assert slow is not None
    assert fast is not None
    finish(schedule, slow, 3)
    slow.speed, fast.speed = 1.0, 100.0
    finish(schedule, fast, 4)
    other = Lease(0, 0, speed=100.0)
    schedule._leases.append(other)
    race = schedule.take()
    assert race is not None
    assert (race.at, race.race) == (3, True)
    assert schedule.complete(race)
    schedule.mark_done(race.at)
    assert slow.revoked
    assert not schedule.complete(slow)
    assert schedule.all_done


def test_a_lease_given_up_is_free_again_but_not_its_done_chunks() -> None:
    schedule = make(4)
    lease = schedule.take()
    assert lease is not None
    finish(schedule, lease, 1)
    schedule.release(lease)
    again = schedule.take()
    assert again is not None
    assert (again.at, again.end) == (1, 4)


def test_a_missing_chunk_before_the_frontier_is_fetched_again() -> None:
    schedule = make(4)
    lease = schedule.take()
    assert lease is not None
    finish(schedule, lease, 4)
    schedule.release(lease)
    assert schedule.all_done
    schedule.mark_missing(2)
    assert not schedule.all_done
    again = schedule.take()
    assert again is not None
    assert (again.at, again.end) == (2, 3)


@settings(max_examples=150)
@given(st.integers(1, 60), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5))))
def test_whatever_the_links_do_every_chunk_is_done_once(
    chunks: int, moves: list[tuple[int, int]]
) -> None:
    schedule = make(chunks)
    leases: dict[int, Lease] = {}
    done: list[int] = []

    def work(link: int, count: int) -> None:
        lease = leases.get(link) or schedule.take()
        if lease is None:
            return
        leases[link] = lease
        for _ in range(count):
            if lease.left and schedule.complete(lease):
                done.append(lease.at)
                schedule.mark_done(lease.at)
                lease.at += 1
        if not lease.left or count == 0:
            schedule.release(leases.pop(link))

    for link, count in moves:
        work(link, count)
    for link in list(leases):
        schedule.release(leases.pop(link))
    while not schedule.all_done:
        work(9, 7)
    assert sorted(done) == list(range(chunks))


def climb(adaptive: Adaptive, speed_of: dict[int, float], rounds: int) -> list[int]:
    """Feed one sample per half second; the counts over time."""
    now, total, counts = 0.0, 0.0, []
    for _ in range(rounds):
        adaptive.observe(now, int(total), adaptive.count)
        counts.append(adaptive.count)
        now += 0.5
        total += speed_of[adaptive.count] * 0.5
    return counts


def test_links_are_added_while_they_pay() -> None:
    counts = climb(Adaptive(4, LIMITS, 0.0), {1: 10e6, 2: 20e6, 4: 40e6}, 20)
    assert counts[-1] == 4


def test_a_link_that_does_not_pay_is_taken_back() -> None:
    counts = climb(Adaptive(4, LIMITS, 0.0), {1: 10e6, 2: 10.5e6, 4: 11e6}, 20)
    assert max(counts) == 2
    assert counts[-1] == 1


def test_trouble_narrows_to_one_link() -> None:
    adaptive = Adaptive(4, LIMITS, 0.0)
    climb(adaptive, {1: 10e6, 2: 20e6, 4: 40e6}, 20)
    adaptive.narrow(10.0)
    assert adaptive.count == 1
