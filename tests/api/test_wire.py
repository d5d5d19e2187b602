"""The values on the wire: round trips, strangers' JSON, event streams cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.api.wire import DaemonFacts, Delta, ServerEvent, Usage, parse_sse

FACTS = DaemonFacts(12, "/run/x/galosh.sock", 11435, 1.5, "0.1.0", "77")
STREAM = (
    ': hello\n\nid: 7\nevent: model.ready\ndata: {"a":1}\n\n'
    "data: two\r\ndata:  слово\r\n\r\ndata: [DONE]\n\n"
).encode()
EVENTS = [
    ServerEvent('{"a":1}', "model.ready", "7"),
    ServerEvent("two\n слово", "message", "7"),
    ServerEvent("[DONE]", "message", "7"),
]


def test_facts_survive_the_file() -> None:
    assert DaemonFacts.from_json(FACTS.to_json()) == FACTS


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"pid": 1},
        {"pid": True, "started_at": 1},
        {"pid": -1, "started_at": 1},
        {"pid": 1, "started_at": "x"},
    ],
)
def test_what_are_no_facts(value: object) -> None:
    assert DaemonFacts.from_json(value) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "delta", "usage", "galosh", "content", "model", "pid", "port"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=10,
    )
)
def test_strange_answers_never_break_the_client(value: object) -> None:
    DaemonFacts.from_json(value)
    if isinstance(value, dict):
        assert isinstance(Delta.from_chunk(value).text, str)


def test_an_event_stream() -> None:
    assert list(parse_sse(STREAM.splitlines())) == EVENTS


def test_an_event_stream_cut_anywhere_gives_whole_events_only() -> None:
    for cut in range(len(STREAM)):
        found = list(parse_sse(STREAM[:cut].splitlines()))
        assert found == EVENTS[: len(found)]


def test_speed() -> None:
    assert Usage(1, 10, 0, 0.5, 2.0).tokens_per_second == 5.0
    assert Usage(1, 0, 0, 0.5, 2.0).tokens_per_second is None
    assert Usage(1, 10).tokens_per_second is None
