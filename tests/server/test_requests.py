"""What clients may ask: bounds, plain refusals, and nothing else but GaloshError."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galosh.base.errors import GaloshError
from galosh.server import replies, requests
from galosh.server.messages import Message
from galosh.server.requests import Question
from galosh.server.words import Words

HELLO = {"messages": [{"role": "user", "content": "hello"}]}
PARSERS: list[Callable[[dict[str, object]], object]] = [
    requests.parse_chat,
    requests.parse_completion,
    requests.parse_model_choice,
    requests.parse_new_model,
    requests.parse_new_setting,
    requests.parse_tokenize,
]


def error_of(work: Callable[[], object]) -> GaloshError | None:
    """The stated error that `work` ends with; anything else it raises fails the test."""
    try:
        work()
    except GaloshError as error:
        return error
    return None


def refused(data: dict[str, object]) -> GaloshError:
    with pytest.raises(GaloshError) as caught:
        requests.parse_chat({**HELLO, **data})
    assert str(caught.value)
    return caught.value


def test_a_full_chat_request() -> None:
    question = requests.parse_chat(
        {
            "model": "starter",
            "messages": [
                {"role": "developer", "content": "be brief"},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                    "name": "ann",
                },
                {"role": "assistant", "content": None},
            ],
            "max_tokens": 5,
            "max_completion_tokens": 7,
            "stop": ["x", "y"],
            "seed": 2**32,
            "temperature": 0,
            "top_p": 0.5,
            "top_k": 40,
            "min_p": 0.05,
            "typical_p": 1,
            "repeat_penalty": 1.1,
            "frequency_penalty": -2,
            "presence_penalty": 2,
            "logit_bias": {"15": -100},
            "stream": True,
            "stream_options": {"include_usage": True},
            "n": 1,
            "tools": [],
            "tool_choice": "auto",
            "response_format": {"type": "text"},
            "logprobs": False,
            "user": "u",
            "metadata": {"a": "b"},
        }
    )
    assert question == Question(
        model_id="starter",
        messages=(Message("system", "be brief"), Message("user", "ab"), Message("assistant", "")),
        max_tokens=7,
        stop=("x", "y"),
        stream=True,
        include_usage=True,
        sampling={
            "temperature": 0.0,
            "top_p": 0.5,
            "top_k": 40,
            "min_p": 0.05,
            "typical_p": 1.0,
            "repeat_penalty": 1.1,
            "frequency_penalty": -2.0,
            "presence_penalty": 2.0,
            "seed": 1,
            "logit_bias": {"15": -100.0},
        },
    )


def test_absent_and_null_mean_the_same() -> None:
    empty = dict.fromkeys((*requests._SHARED, *requests._REFUSED_CHAT))
    assert requests.parse_chat({**empty, **HELLO}) == requests.parse_chat(HELLO)
    assert requests.parse_chat(HELLO).sampling == {}


@pytest.mark.parametrize("name", ["", "default", None])
def test_no_model_named(name: str | None) -> None:
    assert requests.parse_chat({**HELLO, "model": name}).model_id is None


@pytest.mark.parametrize(("prompt", "expected"), [("a", "a"), (["a"], "a")])
def test_prompt_of_a_completion(prompt: object, expected: str) -> None:
    assert requests.parse_completion({"prompt": prompt}).prompt == expected


@pytest.mark.parametrize("prompt", [None, "", [], ["a", "b"], [1, 2], [[1]], 7, "\ud800", {}])
def test_prompts_that_are_none(prompt: object) -> None:
    with pytest.raises(GaloshError) as caught:
        requests.parse_completion({"prompt": prompt})
    assert caught.value.code == "server-bad-request"
    assert caught.value.facts["field"] == "prompt"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -0.1),
        ("temperature", 5.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", "1"),
        ("temperature", True),
        ("temperature", 10**400),
        ("top_p", 1.01),
        ("top_k", 1.5),
        ("top_k", -2),
        ("top_k", 2**63),
        ("min_p", -1),
        ("typical_p", []),
        ("repeat_penalty", 0),
        ("seed", 2**63),
        ("seed", -2),
        ("seed", "1"),
        ("max_tokens", -2),
        ("max_tokens", 10**9),
        ("max_completion_tokens", 0.5),
        ("stop", ""),
        ("stop", ["a", ""]),
        ("stop", ["a"] * 9),
        ("stop", [1]),
        ("stop", "x" * 513),
        ("stop", "\udfff"),
        ("stream", 1),
        ("stream", "true"),
        ("model", 7),
        ("model", "m" * 257),
        ("messages", []),
        ("messages", "hi"),
        ("messages", None),
        ("logit_bias", []),
        ("unheard_of", 1),
    ],
)
def test_a_value_out_of_bounds_names_its_field(field: str, value: object) -> None:
    error = refused({field: value})
    assert (error.code, error.http_status) == ("server-bad-request", 400)
    assert error.facts["field"] == field


@pytest.mark.parametrize(
    "bias",
    [
        {"a": 1},
        {"1": 101},
        {"1": float("nan")},
        {"-1": 1},
        {"1": True},
        {str(n): 0 for n in range(1025)},
        {"9" * 10: 1},
    ],
)
def test_logit_bias_bombs(bias: dict[str, object]) -> None:
    assert str(refused({"logit_bias": bias}).facts["field"]).startswith("logit_bias")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("functions", [{}]),
        ("function_call", {"name": "f"}),
        ("n", 2),
        ("audio", {}),
        ("modalities", ["text", "audio"]),
        ("grammar", "root ::= x"),
        ("n", True),
    ],
)
def test_what_galosh_cannot_do_is_said(field: str, value: object) -> None:
    error = refused({field: value})
    assert (error.code, error.facts["field"]) == ("server-unsupported", field)


@pytest.mark.parametrize(("field", "value"), [("n", 3), ("best_of", 2), ("grammar", "root ::= x")])
def test_what_a_completion_cannot_do(field: str, value: object) -> None:
    with pytest.raises(GaloshError) as caught:
        requests.parse_completion({"prompt": "a", field: value})
    assert (caught.value.code, caught.value.facts["field"]) == ("server-unsupported", field)


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        ({"role": "user"}, "server-bad-request", "messages[0].content"),
        ({"content": "x"}, "server-bad-request", "messages[0].role"),
        ({"role": ["user"], "content": "x"}, "server-bad-request", "messages[0].role"),
        ({"role": "boss", "content": "x"}, "server-bad-request", "messages[0].role"),
        ({"role": "user", "content": "\ud800"}, "server-bad-request", "messages[0].content"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
            "server-unsupported",
            "messages[0].content[0].type",
        ),
        (
            {"role": "user", "content": [{"type": "text"}]},
            "server-bad-request",
            "messages[0].content[0].text",
        ),
        ({"role": "user", "content": [{}]}, "server-bad-request", "messages[0].content[0].type"),
        (
            {"role": "assistant", "function_call": {"name": "f"}},
            "server-unsupported",
            "function_call",
        ),
        (
            {"role": "assistant", "tool_calls": [{}]},
            "server-bad-request",
            "messages[0].tool_calls[0].function",
        ),
        (
            {"role": "user", "content": "x", "tool_calls": [{"function": {"name": "f"}}]},
            "server-bad-request",
            "messages[0].tool_calls",
        ),
        ({"role": "user", "content": "x", "odd": 1}, "server-bad-request", "messages[0].odd"),
        ("hi", "server-bad-request", "messages[0]"),
    ],
)
def test_messages_that_are_refused(message: object, code: str, field: str) -> None:
    error = refused({"messages": [message]})
    assert (error.code, error.facts["field"]) == (code, field)


def test_no_error_repeats_what_was_written() -> None:
    error = refused({"stop": ["my secret words " * 40]})
    assert "secret" not in json.dumps(error.to_json())
    error = refused({"messages": [{"role": "user", "content": {"a": "secret"}}]})
    assert "secret" not in json.dumps(error.to_json())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b'"x"',
        b"null",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1,"a":2}',
        b"\xff{}",
        b'{"a":"\xed\xa0\x80"}',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"a":1e' + b"9" * 5000 + b'"}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_bodies_that_are_no_json_object(body: bytes) -> None:
    with pytest.raises(GaloshError) as caught:
        requests.parse_json(body)
    assert (caught.value.code, caught.value.http_status) == ("server-bad-json", 400)
    assert len(str(caught.value)) < 400


NAMES = sorted(
    requests._CHAT
    | requests._COMPLETION
    | {"id", "path", "copy", "name", "value", "text", "role", "content", "type"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["user", "text", "auto", "none"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(BODIES, st.booleans())
def test_any_object_gives_a_value_or_a_stated_error(body: dict[str, object], full: bool) -> None:
    if full:
        body = {**HELLO, "prompt": "x", **body}
    for parse in PARSERS:
        error = error_of(lambda parse=parse: parse(body))  # type: ignore[misc]
        assert error is None or error.http_status == 400
        assert error is None or json.dumps([str(error), error.to_json()]).encode()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=60))
def test_any_bytes_give_an_object_or_a_stated_error(body: bytes) -> None:
    error = error_of(lambda: requests.parse_json(body))
    assert error is None or error.code == "server-bad-json"


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(BODIES)
def test_an_accepted_question_is_within_its_bounds(body: dict[str, object]) -> None:
    try:
        question = requests.parse_chat({**body, **HELLO})
    except GaloshError:
        return
    assert question.max_tokens is None or 0 <= question.max_tokens <= 1_048_576
    assert len(question.stop) <= 8
    assert all(question.stop)
    json.dumps(dict(question.sampling), allow_nan=False)
    assert 0 <= int(str(question.sampling.get("seed", 0))) < 2**32


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("text", ["", " Paris", 'a "quote"\n', "день\u2028", "\0", "\ud800"])
def test_a_piece_put_together_quickly_is_the_same_event(text: str, chat: bool) -> None:
    heading = replies.Heading("chatcmpl-1", 7, 'a "model"', chat)
    slow = replies.sse(replies.chunk(heading, Words(text)))
    assert replies.TextEvents(heading).event(text) == slow


def test_the_form_of_an_answer() -> None:
    talk = {"messages": [{"role": "user", "content": "x"}]}
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    named = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}}
    good: tuple[tuple[object, object], ...] = (
        (None, {}),
        ({"type": "text"}, {}),
        ({"type": "json_object"}, {"json": True}),
        (named, {"json_schema": schema}),
    )
    for form, expected in good:
        assert requests.parse_chat({**talk, "response_format": form}).options == expected
    bad: tuple[object, ...] = ("json", {"type": "xml"}, {"type": "json_schema"}, {"a": {}})
    for form in bad:
        assert refused({"response_format": form}).code == "server-bad-request"
