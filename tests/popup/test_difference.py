"""What a rewriting changed."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from galosh.popup.difference import ADDED, REMOVED, SAME, Change, changes


def test_words_that_changed() -> None:
    assert changes("Helo wrld, how is you?", "Hello world, how are you?") == [
        Change(REMOVED, "Helo wrld"),
        Change(ADDED, "Hello world"),
        Change(SAME, ", how "),
        Change(REMOVED, "is"),
        Change(ADDED, "are"),
        Change(SAME, " you?"),
    ]


def test_russian_and_a_comma() -> None:
    found = changes("Я думаю что это верно 🙂", "Я думаю, что это верно 🙂")
    assert found == [Change(SAME, "Я думаю"), Change(ADDED, ","), Change(SAME, " что это верно 🙂")]


def test_another_text_is_not_marked() -> None:
    assert changes("The weather is fine today.", "Сегодня хорошая погода.") is None
    assert changes("", "something") is None


def test_a_long_text_is_not_compared_for_minutes() -> None:
    began = time.monotonic()
    assert changes("word " * 40_000, "ward " * 40_000) is None
    assert time.monotonic() - began < 5


@given(st.text("ab \n,", max_size=60), st.text("ab \n,", max_size=60))
def test_both_texts_can_be_read_out_of_it(old: str, new: str) -> None:
    found = changes(old, new)
    if found is not None:
        assert "".join(one.text for one in found if one.kind != ADDED) == old
        assert "".join(one.text for one in found if one.kind != REMOVED) == new
        assert all(one.text for one in found)
