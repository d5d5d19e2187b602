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


def test_requests_come_in_order() -> None:
    box, _ = begin("a", "b")
    assert box.take() == {"id": "a"}
    box.done()
    assert box.take() == {"id": "b"}


def test_cancelling_the_running_one_raises_the_flag() -> None:
    box, flag = begin("a")
    box.take()
    box.cancel("a")
    assert flag.up


def test_cancelling_a_waiting_one_does_not_touch_the_running_one() -> None:
    box, flag = begin("a", "b")
    box.take()
    box.cancel("b")
    assert not flag.up
    box.done()
    box.take()
    assert flag.up


def test_a_cancellation_that_comes_too_late_does_not_hit_the_next() -> None:
    box, flag = begin("a", "b")
    box.take()
    box.done()
    box.cancel("a")
    box.take()
    assert not flag.up


def test_an_unknown_id_is_forgotten_at_once() -> None:
    box, flag = begin()
    box.cancel("x")
    box.put({"id": "x"})
    box.take()
    assert not flag.up


def test_the_last_wish_for_threads_is_told_once() -> None:
    box, _ = begin()
    box.ask_threads(4)
    box.ask_threads(2)
    assert box.take_threads() == 2
    assert box.take_threads() is None
