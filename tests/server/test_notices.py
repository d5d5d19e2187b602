"""What the asker should know meanwhile reaches who asked for it, and breaks nobody else."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import openai
import pytest

from galosh.base.paths import Paths
from galosh.cli import main
from galosh.supervisor.request import Notice, Priority
from tests.fakes.serving import Running, serving
from tests.fakes.supervisor import SHORTER

Capture = pytest.CaptureFixture[str]

SENTENCES = {
    "en": [
        "Questions before this one: 3.",
        "Starter needs 2.0 GB and 1.5 GB may be taken now, so conversations are limited to "
        "2048 tokens instead of 4096.",
    ],
    "ru": [
        "Вопросов перед этим: 3.",
        "Модели Starter нужно 2.0 ГБ, а занять сейчас можно 1.5 ГБ: длина разговора "
        "ограничена 2048 токенами вместо 4096.",
    ],
}


@pytest.fixture
def house(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(paths) as running:
        yield running


def program(running: Running) -> openai.OpenAI:
    """Any program that speaks OpenAI's API."""
    address = f"http://127.0.0.1:{running.port}/v1"
    return openai.OpenAI(base_url=address, api_key=running.token, max_retries=0)


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.usefixtures("house")
def test_ask_says_it_beside_the_answer(
    language: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GALOSH_LANG", language)
    assert main(["ask", "wait your turn"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "wait your turn \n"
    assert captured.err.splitlines() == SENTENCES[language]


@pytest.mark.usefixtures("house")
def test_ask_as_json_holds_it_too(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALOSH_LANG", "en")
    assert main(["ask", "wait your turn", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [notice["text"] for notice in found["notices"]] == SENTENCES["en"]


@pytest.mark.usefixtures("house")
def test_chat_says_it_too(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALOSH_LANG", "en")
    monkeypatch.setattr("sys.stdin", io.StringIO("wait your turn\n"))
    assert main(["chat"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "wait your turn \n"
    assert captured.err.splitlines() == SENTENCES["en"]


def test_status_shows_the_last(house: Running, capsys: Capture) -> None:
    assert main(["status"]) == 0
    assert "limited to 2048 tokens" not in capsys.readouterr().out
    house.supervisor.notice = Notice("supervisor.notice-shorter", SHORTER)
    assert main(["status"]) == 0
    assert "limited to 2048 tokens" in capsys.readouterr().out


def test_a_program_that_did_not_ask_sees_a_usual_stream(house: Running) -> None:
    with program(house) as client:
        stream = client.chat.completions.create(
            model="",
            messages=[{"role": "user", "content": "wait your turn"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk.model_dump() for chunk in stream]
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [bool(chunk["choices"]) for chunk in chunks].count(False) == 1
    assert not house.supervisor.requests[0].announce_queue
    # Where our own counts are told anyway, so is what happened.
    [told] = chunks[-1]["galosh"]["notices"]
    assert told["key"] == "supervisor.notice-shorter"


def test_a_program_that_asked_reads_it_in_chunks_and_whole(house: Running) -> None:
    with program(house) as client:
        stream = client.chat.completions.create(
            model="",
            messages=[{"role": "user", "content": "wait your turn"}],
            stream=True,
            extra_body={"notices": True},
        )
        chunks = [chunk.model_dump() for chunk in stream]
        answer = client.completions.create(model="", prompt="wait your turn")
        whole = answer.model_dump()
    keys = [chunk["galosh"]["notice"]["key"] for chunk in chunks if chunk.get("galosh")]
    assert keys == ["supervisor.notice-queue", "supervisor.notice-shorter"]
    assert [notice["key"] for notice in whole["galosh"]["notices"]] == keys[1:]


def test_priority_and_override_reach_the_supervisor(house: Running) -> None:
    with program(house) as client:
        for name in ("background", "normal", "interactive"):
            extra = {"priority": name, "override_memory": name == "background"}
            client.completions.create(model="", prompt="x", extra_body=extra)
        client.completions.create(model="", prompt="x")
        with pytest.raises(openai.BadRequestError) as refused:
            client.completions.create(model="", prompt="x", extra_body={"priority": "urgent"})
    assert "background, normal, interactive" in str(refused.value)
    asked = [(item.priority, item.override_memory) for item in house.supervisor.requests]
    assert asked == [
        (Priority.BACKGROUND, True),
        (Priority.NORMAL, False),
        (Priority.INTERACTIVE, False),
        (Priority.NORMAL, False),
    ]
