"""Frames: whole, byte by byte, cut everywhere, with lies about length, and back again."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galosh.worker.frames import (
    MAX_FRAME_BYTES,
    FrameDecoder,
    FrameError,
    check_hello,
    encode,
    hello,
)

MESSAGES: list[dict[str, object]] = [
    {"type": "text", "text": "Привет 👋"},
    {},
    {"type": "done", "n": [1, 2.5, None, True]},
]
WIRE = b"".join(encode(message) for message in MESSAGES)

ANY_TEXT = st.text(st.characters(codec=None, categories=None))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_whole_bytes_give_every_message() -> None:
    assert list(FrameDecoder().feed(WIRE)) == MESSAGES


def test_byte_by_byte_gives_the_same() -> None:
    decoder = FrameDecoder()
    found = [m for byte in WIRE for m in decoder.feed(bytes([byte]))]
    decoder.finish()
    assert found == MESSAGES


@pytest.mark.parametrize("cut", range(len(WIRE) + 1))
def test_a_cut_anywhere_changes_nothing(cut: int) -> None:
    decoder = FrameDecoder()
    assert [*decoder.feed(WIRE[:cut]), *decoder.feed(WIRE[cut:])] == MESSAGES


def test_bytes_after_the_last_frame_are_kept_and_noticed_at_the_end() -> None:
    decoder = FrameDecoder()
    assert list(decoder.feed(WIRE + b"\x00\x00")) == MESSAGES
    with pytest.raises(FrameError) as caught:
        decoder.finish()
    assert caught.value.reason == "cut"


@settings(deadline=None)
@given(st.dictionaries(ANY_TEXT, VALUES, max_size=5), st.integers(1, 64))
def test_what_goes_in_comes_out(message: dict[str, object], step: int) -> None:
    wire = encode(message)
    decoder = FrameDecoder()
    cuts = [*range(0, len(wire), step), len(wire)]
    found = [m for a, b in pairwise(cuts) for m in decoder.feed(wire[a:b])]
    assert found == [message]


def test_a_lone_surrogate_survives() -> None:
    assert list(FrameDecoder().feed(encode({"text": "a\ud800b"}))) == [{"text": "a\ud800b"}]


def test_a_length_above_the_limit_is_refused_before_its_bytes_come() -> None:
    with pytest.raises(FrameError) as caught:
        list(FrameDecoder().feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big")))
    assert caught.value.reason == "too-long"


def test_a_message_above_the_limit_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galosh.worker.frames.MAX_FRAME_BYTES", 10)
    with pytest.raises(FrameError) as caught:
        encode({"text": "0123456789"})
    assert caught.value.reason == "too-long"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"\xff\xfe", "not-json"),
        (b'{"a": NaN}', "not-json"),
        (b'{"a": -Infinity}', "not-json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not-json"),
        (b"[" * 100_000, "not-json"),
        (b"[]", "not-an-object"),
        (b"null", "not-an-object"),
    ],
)
def test_a_body_that_is_no_object_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(FrameError) as caught:
        list(FrameDecoder().feed(len(body).to_bytes(4, "big") + body))
    assert caught.value.reason == reason


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_json_cannot_say_is_not_written(value: object) -> None:
    with pytest.raises(FrameError):
        encode({"value": value})


def test_good_messages_before_a_bad_frame_are_not_lost() -> None:
    decoder = FrameDecoder()
    found = decoder.feed(encode({"n": 1}) + b"\x00\x00\x00\x01x")
    assert next(found) == {"n": 1}
    with pytest.raises(FrameError):
        next(found)


def test_the_hello_of_another_protocol_is_refused() -> None:
    mine = json.loads(encode(hello("0.3.36", "CPU", 1))[4:])
    check_hello(mine)
    for other in ({**mine, "protocol": 1}, {**mine, "type": "text"}, {}):
        with pytest.raises(FrameError):
            check_hello(other)
