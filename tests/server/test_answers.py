"""Answers: OpenAI's shapes, streams, errors, and what happens when somebody leaves."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import openai
import pytest

from galosh.api.connection import connect_tcp, connect_unix
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.server import daemon
from tests.fakes.serving import Running, serving, wait_until

if sys.platform == "win32":
    pytest.skip("signals and Unix sockets are POSIX", allow_module_level=True)


def stranger(running: Running, token: str) -> openai.OpenAI:
    """The client that other programs use, set up as their users would."""
    address = f"http://127.0.0.1:{running.port}/v1"
    return openai.OpenAI(base_url=address, api_key=token, max_retries=0)


@pytest.fixture
def program(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[openai.OpenAI]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with stranger(running, running.token) as client:
        yield client


def test_openai_lists_models(program: openai.OpenAI) -> None:
    assert [model.id for model in program.models.list()] == ["starter", "other"]


def test_openai_chats(program: openai.OpenAI, running: Running) -> None:
    answer = program.chat.completions.create(
        model="other",
        messages=[{"role": "user", "content": "hello big world"}],
        temperature=0.5,
        seed=7,
        stop=["x"],
        max_tokens=9,
        extra_body={"min_p": 0.1},
    )
    assert answer.model == "other"
    assert answer.choices[0].message.content == "hello big world "
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (15, 3)
    assert answer.usage.total_tokens == 18
    asked = running.supervisor.requests[0]
    assert (asked.model_id, asked.max_tokens, asked.stop) == ("other", 9, ("x",))
    assert asked.sampling == {"temperature": 0.5, "seed": 7, "min_p": 0.1}


def test_openai_streams(program: openai.OpenAI) -> None:
    chunks = list(
        program.chat.completions.create(
            model="",
            messages=[{"role": "user", "content": "hello big world"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "hello big world "
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 3
    assert len({c.id for c in chunks}) == 1
    assert {c.model for c in chunks} == {"starter"}


def test_openai_completes(program: openai.OpenAI) -> None:
    answer = program.completions.create(model="starter", prompt="a b")
    assert answer.choices[0].text == "a b "
    pieces = program.completions.create(model="starter", prompt="a b", stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == "a b "


def test_openai_hears_of_an_unknown_model(program: openai.OpenAI) -> None:
    for stream in (False, True):
        with pytest.raises(openai.NotFoundError) as caught:
            program.chat.completions.create(
                model="gpt-9", messages=[{"role": "user", "content": "x"}], stream=stream
            )
        assert caught.value.code == "model_not_found"
        assert caught.value.param == "model"
        assert "starter" in str(caught.value)


def test_openai_hears_of_a_wrong_token(running: Running) -> None:
    with stranger(running, "no") as client, pytest.raises(openai.AuthenticationError):
        client.models.list()


def test_openai_hears_of_an_error_amid_the_answer(program: openai.OpenAI) -> None:
    words: list[str | None] = []
    stream = program.chat.completions.create(
        model="", messages=[{"role": "user", "content": "die now"}], stream=True
    )
    with pytest.raises(openai.APIError, match="no words for"):
        words.extend(chunk.choices[0].delta.content for chunk in stream)
    assert "die " in words


def test_an_error_before_the_first_word_is_a_status(program: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        program.chat.completions.create(
            model="", messages=[{"role": "user", "content": "refuse"}], stream=True
        )
    assert caught.value.status_code == 507


def test_an_error_amid_the_answer_ends_the_stream_without_done(running: Running) -> None:
    found = curl(running, {"messages": [{"role": "user", "content": "die now"}], "stream": True})
    *_, last = [line for line in found.split("\n") if line]
    error = json.loads(last.removeprefix("data: "))["error"]
    assert error["galosh"]["code"] == "base-unknown"
    assert "[DONE]" not in found
    found = curl(running, {"messages": [{"role": "user", "content": "die now"}]})
    assert json.loads(found)["error"]["galosh"]["code"] == "base-unknown"


def curl(running: Running, body: dict[str, object]) -> str:
    done = subprocess.run(
        [
            "curl",
            "-sN",
            "--max-time",
            "10",
            "--unix-socket",
            str(running.paths.socket),
            "http://localhost/v1/chat/completions",
            "-d",
            json.dumps(body),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_curl_streams_over_the_socket(running: Running) -> None:
    found = curl(running, {"messages": [{"role": "user", "content": "a b"}], "stream": True})
    events = [line.removeprefix("data: ") for line in found.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    words = [json.loads(event)["choices"][0]["delta"].get("content") for event in events[:-1]]
    assert words == ["", "a ", "b ", None]


def leave(running: Running, words: str, *, stream: bool, tcp: bool) -> float:
    """Ask, wait until the model is at it, hang up; seconds until the work had stopped."""
    body = json.dumps({"messages": [{"role": "user", "content": words}], "stream": stream})
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\n"
        f"Host: localhost{f':{running.port}' if tcp else ''}\r\n"
        f"Authorization: Bearer {running.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    before = running.supervisor.cancelled
    path = str(running.paths.socket)
    with connect_tcp(running.port, 5) if tcp else connect_unix(path, 5) as connection:
        connection.sendall((head + body).encode())
        wait_until(lambda: running.supervisor.running == 1)
        time.sleep(0.05)  # into the middle of it
        left_seconds = time.monotonic()
    wait_until(lambda: running.supervisor.running == 0)
    assert running.supervisor.cancelled == before + 1
    stopped_seconds = running.supervisor.cancelled_at_seconds
    assert stopped_seconds is not None
    return stopped_seconds - left_seconds


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("words", ["prefill", "forever"])
def test_a_client_that_leaves_stops_its_generation(
    running: Running, words: str, stream: bool, tcp: bool
) -> None:
    assert leave(running, words, stream=stream, tcp=tcp) < 0.2
    assert running.client.status()["daemon"]


def test_leaving_an_answer_of_our_client_stops_it(running: Running) -> None:
    answer = running.client.ask([{"role": "user", "content": "forever"}])
    assert next(answer).text == "word "
    answer.close()
    wait_until(lambda: running.supervisor.running == 0, 1.0)
    assert running.supervisor.cancelled == 1


def test_a_stop_ends_running_answers_with_a_reason(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "_ANSWERS_SECONDS", 0.1)
    heard: list[GaloshError] = []

    def ask(running: Running) -> None:
        try:
            list(running.client.ask([{"role": "user", "content": "prefill"}]))
        except GaloshError as error:
            heard.append(error)

    with serving(paths) as running:
        thread = threading.Thread(target=ask, args=(running,))
        thread.start()
        wait_until(lambda: running.supervisor.running == 1)
    thread.join(5)
    assert [error.code for error in heard] == ["server-stopping"]


def test_a_stop_lets_a_short_answer_finish(paths: Paths) -> None:
    with serving(paths) as running:
        answer = running.client.ask([{"role": "user", "content": "forever"}], max_tokens=1)
        next(answer)
        began_seconds = time.monotonic()
        running.client.shutdown()
        answer.close()
        wait_until(lambda: not running.paths.socket.exists())
        assert time.monotonic() - began_seconds < 1.0
        with pytest.raises(GaloshError, match="not running"):
            running.client.status()
        restore = running.paths
    assert not restore.daemon_facts.exists()
