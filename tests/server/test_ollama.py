"""`/api/…` with the real `ollama` client, and the shapes it does not look at."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import ollama
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galosh.base.errors import GaloshError
from galosh.server.ollama_requests import parse_ollama_chat, parse_ollama_generate
from tests.fakes.serving import Running, raw, wait_until

TALK = [{"role": "user", "content": "hello big world"}]


@pytest.fixture
def client(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[ollama.Client]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = ollama.Client(
        host=f"http://127.0.0.1:{running.port}",
        headers={"Authorization": f"Bearer {running.token}"},
    )
    yield made
    made._client.close()  # it has no way of its own to let go


def test_lists_only_sound_models(client: ollama.Client) -> None:
    assert [model.model for model in client.list().models] == ["starter", "other"]


def test_chats_whole(client: ollama.Client, running: Running) -> None:
    options = {
        "temperature": 0.5, "num_predict": 9, "stop": ["x"], "num_ctx": 8192, "seed": 7,
    }  # fmt: skip
    answer = client.chat("other:latest", TALK, options=options)
    assert answer.message.content == "hello big world "
    assert (answer.model, answer.done, answer.done_reason) == ("other", True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (15, 3)
    assert (answer.prompt_eval_duration, answer.eval_duration) == (250_000_000, 500_000_000)
    assert (answer.total_duration or 0) >= (answer.load_duration or 0) >= 0
    asked = running.supervisor.requests[0]
    assert (asked.model_id, asked.max_tokens, asked.stop) == ("other", 9, ("x",))
    assert asked.sampling == {"temperature": 0.5, "seed": 7}


def test_chats_word_by_word(client: ollama.Client) -> None:
    pieces = list(client.chat("starter", TALK, stream=True))
    assert "".join(piece.message.content or "" for piece in pieces) == "hello big world "
    assert [piece.done for piece in pieces] == [False, False, False, True]
    assert pieces[-1].eval_count == 3


def test_generates_with_and_without_the_template(client: ollama.Client, running: Running) -> None:
    assert client.generate("starter", "a b", system="Be brief.").response == "a b "
    assert client.generate("starter", "c d", raw=True).response == "c d "
    with_template, without = running.supervisor.requests
    assert with_template.messages is not None
    assert [turn["role"] for turn in with_template.messages] == ["system", "user"]
    assert (without.messages, without.prompt) == (None, "c d")


def test_loads_and_unloads(client: ollama.Client, running: Running) -> None:
    assert client.generate("other", "").done_reason == "load"
    assert running.supervisor.current == "other"
    assert client.generate("other", keep_alive=0).done_reason == "unload"
    assert running.supervisor.current is None
    client.chat("other", TALK, keep_alive=0)
    assert running.supervisor.current is None


def test_deletes(client: ollama.Client) -> None:
    assert client.delete("other").status == "success"
    assert [model.model for model in client.list().models] == ["starter"]


def test_errors_are_one_text(client: ollama.Client, running: Running) -> None:
    for call in (
        lambda: client.chat("gpt-9", TALK),
        lambda: list(client.chat("gpt-9", TALK, stream=True)),
        lambda: client.show("gpt-9"),
    ):
        with pytest.raises(ollama.ResponseError) as caught:
            call()
        assert caught.value.status_code == 404
        assert "starter" in caught.value.error
    said: list[str | None] = []
    dying = client.chat("starter", [{"role": "user", "content": "die now"}], stream=True)
    with pytest.raises(ollama.ResponseError, match="no words for"):
        said.extend(piece.message.content for piece in dying)
    assert said == ["die "]
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat("starter", [{"role": "user", "content": "x", "images": ["aGk="]}])
    assert caught.value.status_code == 400


def test_a_client_that_leaves_stops_the_answer(client: ollama.Client, running: Running) -> None:
    stream = client.chat("starter", [{"role": "user", "content": "forever"}], stream=True)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert wait_until(lambda: running.supervisor.cancelled == 1) < 2


def test_asks_for_the_token(running: Running) -> None:
    found = raw(
        running.port,
        f"GET /api/tags HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n\r\n".encode(),
    )
    assert b" 401 " in found.split(b"\r\n")[0]
    open_head = f"GET /api/version HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n"
    signed = open_head + f"Authorization: Bearer {running.token}\r\nConnection: close\r\n\r\n"
    body = raw(running.port, signed.encode()).split(b"\r\n\r\n", 1)[1]
    assert json.loads(body)["version"]


@pytest.mark.parametrize(
    ("keep", "seconds"),
    [("10m", 600), ("1h30m", 5400), ("250ms", 0.25), (0, 0), ("0", 0), (-1, -1), ("-1s", -1)],
)
def test_durations(keep: object, seconds: float) -> None:
    asked = parse_ollama_generate({"model": "m", "keep_alive": keep})
    assert asked.keep_seconds == pytest.approx(seconds)


_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
_FIELDS = st.sampled_from(
    ["model", "messages", "prompt", "options", "format", "keep_alive", "raw", "stream", "think",
     "tools", "images", "system", "context"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(_FIELDS, _VALUE, max_size=6))
def test_any_object_gives_a_value_or_a_stated_error(data: dict[str, object]) -> None:
    for parse in (parse_ollama_chat, parse_ollama_generate):
        with contextlib.suppress(GaloshError):
            parse(data)
