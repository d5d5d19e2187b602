"""What a worker may say: everything else is a lie, and nothing but a lie."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galosh.supervisor.replies import (
    Alive,
    Begun,
    Detokenized,
    Embedded,
    Finished,
    LieError,
    Loaded,
    LoadProgress,
    Text,
    Tokens,
    parse,
    stated_error,
)

DONE = {
    "type": "done", "id": "r1", "finish_reason": "stop", "prompt_tokens": 3,
    "completion_tokens": 2, "cached_tokens": 1, "prefill_seconds": 0.5, "decode_seconds": 1,
}  # fmt: skip
LOADED = {"type": "loaded", "context_tokens": 512, "template": True, "memory_bytes": 7}


def test_replies_are_typed() -> None:
    assert parse(DONE) == Finished("r1", "stop", 3, 2, 1, 0.5, 1.0)
    assert parse(LOADED) == Loaded(512, None, 7, None, True)
    assert parse({"type": "text", "id": "r1", "text": "\ud800"}) == Text("r1", "\ud800")
    assert parse({"type": "tokens", "id": "t", "tokens": [1, 2]}) == Tokens("t", 2, (1, 2))
    assert parse({"type": "count", "id": "t", "count": 4}) == Tokens("t", 4, None)
    assert parse({"type": "load_progress", "fraction": 1.5}) == LoadProgress(1.0)
    assert parse({"type": "started", "id": "r", "prompt_tokens": 9}) == Begun("r", 9, 0)


def test_replies_beside_answers() -> None:
    vector = {"type": "embedded", "id": "e", "vectors": ["AACAPw=="], "tokens": 4}
    assert parse(vector) == Embedded("e", (b"\0\0\x80?",), 4)
    assert parse({"type": "detokenized", "id": "d", "text": "a"}) == Detokenized("d", "a")
    ended = parse({**DONE, "stop_string": "x", "dropped_messages": 2, "dropped_tokens": 9})
    assert isinstance(ended, Finished)
    assert (ended.stop_string, ended.dropped_messages, ended.dropped_tokens) == ("x", 2, 9)
    begun = parse({"type": "started", "id": "r", "prompt_tokens": 9, "thinking": True})
    assert begun == Begun("r", 9, 0, thinking=True)


def test_a_newer_worker_may_say_more() -> None:
    assert parse({"type": "mood", "value": 3}) is None
    assert parse({"type": "prefill", "id": "r1"}) == Alive("r1")


@pytest.mark.parametrize(
    "change",
    [
        {"type": 7}, {"id": 7}, {"id": None}, {"finish_reason": "bored"}, {"finish_reason": None},
        {"prompt_tokens": -1}, {"prompt_tokens": True}, {"prompt_tokens": 1.5},
        {"completion_tokens": 1 << 50}, {"cached_tokens": "3"}, {"decode_seconds": float("nan")},
        {"prefill_seconds": float("inf")}, {"decode_seconds": -0.1}, {"decode_seconds": True},
    ],
)  # fmt: skip
def test_lies_are_called_lies(change: dict[str, object]) -> None:
    with pytest.raises(LieError):
        parse({**DONE, **change})


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_names = ["id", "text", "facts", "code", "tokens", "fraction", "context_tokens", *DONE]
_kinds = [
    "hello", "loaded", "load_failed", "started", "text", "done", "error", "tokens", "count",
    "rested", "woken", "load_progress",
]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a busy PC is no defect
@given(st.sampled_from(_kinds), st.dictionaries(st.sampled_from(_names), _json))
def test_whatever_it_says_only_a_lie_comes_out(kind: str, frame: dict[str, object]) -> None:
    with contextlib.suppress(LieError):
        parse({**frame, "type": kind})


def test_a_stated_error_keeps_its_code_when_it_is_known() -> None:
    assert stated_error("store-no-room", {"free_bytes": 1}).code == "store-no-room"
    unknown = stated_error("worker-from-the-future", {"why": "x" * 500})
    assert unknown.code == "supervisor-worker-refused"
    assert unknown.facts == {"worker_code": "worker-from-the-future", "reason": "x" * 200}
