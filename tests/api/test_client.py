"""The client: what it says when the other side is away, broken, slow or lying."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from galosh.api import Client, DaemonFacts
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from tests.fakes.serving import Running

if sys.platform == "win32":
    pytest.skip("signals and Unix sockets are POSIX", allow_module_level=True)

QUESTION = [{"role": "user", "content": "hello"}]


@contextlib.contextmanager
def answering(paths: Paths, *pieces: bytes, hang: bool = False) -> Iterator[Client]:
    """A daemon that sends these bytes whatever it is asked."""
    durable.private_folder(paths.socket.parent)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(paths.socket))
        door.listen()
        done = threading.Event()

        def serve() -> None:
            connection, _ = door.accept()
            with connection:
                connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)
                if hang:
                    done.wait(5)

        thread = threading.Thread(target=serve)
        thread.start()
        facts = DaemonFacts(1, str(paths.socket), None, 1.0, "0", None)
        durable.write_json(paths.daemon_facts, facts.to_json())
        try:
            yield Client(paths)
        finally:
            done.set()
            thread.join(5)


def code_of(client: Client) -> str:
    with pytest.raises(GaloshError) as caught:
        client.status()
    assert str(caught.value)
    return caught.value.code


def test_nobody_there(paths: Paths) -> None:
    assert code_of(Client(paths)) == "api-daemon-away"
    durable.write_json(paths.daemon_facts, DaemonFacts(1, "x", None, 1.0, "0").to_json())
    assert code_of(Client(paths)) == "api-daemon-away"


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"", "api-daemon-lost"),
        (b"HTTP/1.1", "api-daemon-lost"),
        (HEAD + b"Content-Length: 10\r\n\r\n{", "api-daemon-lost"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", "api-daemon-lost"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "api-protocol"),
        (HEAD + b"Content-Length: 2\r\n\r\n[]", "api-protocol"),
        (HEAD + b"Content-Length: x\r\n\r\n[]", "api-protocol"),
        (HEAD + b"Content-Length: 1\r\n\r\n\xff", "api-protocol"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "api-protocol"),
        (HEAD + b"a: b\r\n" * 200 + b"\r\n{}", "api-protocol"),
        (b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}", "api-protocol"),
        (b"HTTP/1.1 401 X\r\nContent-Length: 2\r\n\r\n{}", "api-unauthorized"),
    ],
)
def test_answers_that_are_none(paths: Paths, reply: bytes, code: str) -> None:
    with answering(paths, reply) as client:
        assert code_of(client) == code


def test_an_answer_in_small_pieces(paths: Paths) -> None:
    reply = (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        + HEAD
        + b'Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{"\r\n5\r\na":1}\r\n0\r\n\r\n'
    )
    with answering(paths, *(reply[n : n + 1] for n in range(len(reply)))) as client:
        assert client.status() == {"a": 1}


def test_silence_is_given_up(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galosh.api.client._USUAL_SECONDS", 0.05)
    with answering(paths, HEAD, hang=True) as client:
        assert code_of(client) == "api-timeout"


def test_a_stream_that_breaks_off_says_so_after_its_words(paths: Paths) -> None:
    chunk = b'data: {"choices":[{"delta":{"content":"wo"}}]}\n\n'
    with answering(paths, HEAD + b"\r\n" + chunk) as client:
        answer = client.ask(QUESTION)
        assert next(answer).text == "wo"
        with pytest.raises(GaloshError) as caught:
            next(answer)
    assert caught.value.code == "api-daemon-lost"


def test_errors_arrive_as_they_were_raised(running: Running) -> None:
    with pytest.raises(GaloshError) as caught:
        list(running.client.ask(QUESTION, model="nobody"))
    assert caught.value.code == "store-model-unknown"
    assert caught.value.facts["model_id"] == "nobody"
    with pytest.raises(GaloshError) as caught:
        list(running.client.ask(QUESTION, temperature=99))
    assert caught.value.facts["field"] == "temperature"
    with pytest.raises(GaloshError) as caught:
        list(running.client.ask([{"role": "user", "content": "die now"}]))
    assert caught.value.code == "base-unknown"


def test_options_that_are_none_are_not_sent(running: Running) -> None:
    deltas = list(running.client.ask(QUESTION, max_tokens=None, seed=3, stop=["x"]))
    assert [delta.text for delta in deltas] == ["hello ", ""]
    last = deltas[-1]
    assert (last.finish_reason, last.model_id) == ("stop", "starter")
    assert last.usage is not None
    assert (last.usage.completion_tokens, last.usage.decode_seconds) == (1, 0.5)
    asked = running.supervisor.requests[0]
    assert (asked.max_tokens, asked.sampling) == (None, {"seed": 3})


def test_over_tcp_with_the_token(running: Running) -> None:
    only_tcp = dataclasses.replace(running.facts, socket=None)
    durable.write_json(running.paths.daemon_facts, only_tcp.to_json())
    assert running.client.status()["daemon"]
    token = running.token
    running.paths.token_file.write_text("wrong")
    with pytest.raises(GaloshError) as caught:
        running.client.status()
    assert caught.value.code == "api-unauthorized"
    running.paths.token_file.unlink()
    with pytest.raises(GaloshError) as caught:
        running.client.status()
    assert caught.value.code == "api-unauthorized"
    durable.write_text(running.paths.token_file, token, mode=0o600)
    durable.write_json(running.paths.daemon_facts, running.facts.to_json())
    assert running.client.status()["daemon"]
