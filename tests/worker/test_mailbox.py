"""Cancellation reaches the request it names, whenever it comes, and no other."""

from __future__ import annotations

from galosh.worker.mailbox import Mailbox


class Flag:
    """What a context looks at."""

    def __init__(self) -> None:
        self.up = False

    def set(self) -> None:
        self.up = True

    def clear(self) -> None:
        self.up = False


def begin(*ids: str) -> tuple[Mailbox, Flag]:
    flag = Flag()
    box = Mailbox(flag)
    for request_id in ids:
        box.put({"id": request_id})
    return box, flag


def test_requests_come_in_order_and_nobody_waits_for_none() -> None:
    box, _ = begin("a", "b")
    assert box.take(True) == {"id": "a"}
    assert box.take(False) == {"id": "b"}
    assert box.take(False) is None
    assert box.take(True, 0.01) is None


def test_cancelling_a_guarded_one_raises_the_flag() -> None:
    box, flag = begin("a")
    box.guard(["a"])
    box.cancel("a")
    assert flag.up
    assert box.cancelled == {"a"}


def test_cancelling_another_one_does_not_touch_the_batch() -> None:
    box, flag = begin("a", "b")
    box.guard(["a"])
    box.cancel("b")
    assert not flag.up
    box.guard(["b"])
    assert flag.up


def test_a_cancellation_that_comes_too_late_does_not_hit_the_next() -> None:
    box, flag = begin("a", "b")
    box.guard(["a"])
    box.done("a")
    box.cancel("a")
    assert not flag.up
    assert box.cancelled == set()


def test_the_flag_of_an_ended_one_is_taken_down() -> None:
    box, flag = begin("a", "b")
    box.guard(["a"])
    box.cancel("a")
    box.done("a")
    box.guard(["b"])
    assert not flag.up


def test_an_unknown_id_is_forgotten_at_once() -> None:
    box, flag = begin()
    box.cancel("x")
    box.put({"id": "x"})
    box.guard(["x"])
    assert not flag.up


def test_the_wish_to_leave_stops_every_batch_and_wakes_whoever_waits() -> None:
    box, flag = begin()
    box.leave()
    assert box.take(True) is None
    box.guard([])
    assert flag.up
    assert box.leaving


def test_the_last_wish_for_threads_is_told_once() -> None:
    box, _ = begin()
    box.ask_threads(4)
    box.ask_threads(2)
    assert box.take_threads() == 2
    assert box.take_threads() is None


def test_what_was_asked_since_the_last_look_is_news() -> None:
    box, _ = begin("a")
    assert box.news.value
    box.take(False)
    box.put({"id": "b"})
    assert box.take(False) == {"id": "b"}
    assert not box.news.value
    assert box.take(False) is None
    assert not box.news.value
