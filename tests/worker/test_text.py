"""Text streams: characters are never cut, stop strings never shown."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galosh.worker.text import StopHolder, Utf8Stream


@settings(deadline=None)
@given(st.text(max_size=40), st.integers(1, 5))
def test_characters_come_out_whole_however_their_bytes_are_cut(text: str, step: int) -> None:
    data = text.encode("utf-8")
    stream = Utf8Stream()
    pieces = [stream.feed(data[at : at + step]) for at in range(0, len(data), step)]
    assert "".join(pieces) + stream.finish() == text
    assert all("\ufffd" not in piece for piece in pieces) or "\ufffd" in text


def test_bytes_that_can_never_be_a_character_are_replaced_and_hold_nothing_up() -> None:
    stream = Utf8Stream()
    assert stream.feed(b"\xff") == "\ufffd"
    assert stream.feed(b"ok") == "ok"
    assert stream.feed(b"\xf0\x9f") == ""
    assert stream.feed(b"ok") == "\ufffdok"


def test_a_character_that_never_ends_is_replaced_at_the_end() -> None:
    stream = Utf8Stream()
    assert stream.feed("я".encode()[:1]) == ""
    assert stream.finish() == "\ufffd"


@pytest.mark.parametrize(
    ("pieces", "stops", "shown"),
    [
        (["Hello", " END", " more"], ["END"], "Hello "),
        (["HelloE", "N", "D more"], ["END"], "Hello"),
        (["E", "N", "E", "N", "D"], ["END"], "EN"),
        (["aab"], ["aaab", "ab"], "a"),
        (["x\n", "\n", "User"], ["\n\nUser:", "\n\nU"], "x"),
        (["При", "вет", "ок"], ["веток"], "При"),
    ],
)
def test_the_stop_string_itself_is_not_shown(
    pieces: list[str], stops: list[str], shown: str
) -> None:
    holder = StopHolder(stops)
    out = ""
    for piece in pieces:
        out += holder.feed(piece)
        if holder.stopped:
            break
    assert holder.stopped
    assert out + holder.finish() == shown


def test_only_a_possible_beginning_is_held_back() -> None:
    holder = StopHolder(["END"])
    assert holder.feed("abcEN") == "abc"
    assert holder.feed("x") == "ENx"
    assert holder.feed("E") == ""
    assert holder.finish() == "E"


@settings(deadline=None)
@given(
    st.text("abE", max_size=30),
    st.lists(st.text("abE", min_size=1, max_size=4), min_size=1, max_size=3),
    st.integers(1, 4),
)
def test_any_cut_shows_what_comes_before_the_first_stop(
    text: str, stops: list[str], step: int
) -> None:
    holder = StopHolder(stops)
    shown = ""
    for at in range(0, len(text), step):
        shown += holder.feed(text[at : at + step])
        if holder.stopped:
            break
    shown += holder.finish()
    # A piece may hold a longer stop's later start; the first to be complete decides.
    if holder.stopped:
        assert text.startswith(shown)
        assert any(text.startswith(stop, len(shown)) for stop in stops)
        assert not any(stop in shown for stop in stops)
    else:
        assert shown == text
        assert not any(stop in text for stop in stops)
