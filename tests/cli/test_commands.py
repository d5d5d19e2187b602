"""The commands against the real server (over the fake supervisor), in this process."""

from __future__ import annotations

import io
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from galosh.api.wire import DaemonFacts
from galosh.base import durable
from galosh.base.paths import Paths
from galosh.cli import main
from galosh.cli.parser import VERBS, build_parser
from tests.fakes.serving import Running, serving


@pytest.fixture
def daemon(paths: Paths) -> Iterator[Running]:
    with serving(paths) as running:
        yield running


@pytest.fixture(autouse=True)
def no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest's own stdin raises when read."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))


def document(capsys: pytest.CaptureFixture[str]) -> Any:
    """The one JSON document on stdout."""
    return json.loads(capsys.readouterr().out)


def test_status_without_a_daemon_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 0
    assert "not running" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    assert document(capsys) == {"running": False}


def test_status_says_where_it_listens(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert f"http://127.0.0.1:{daemon.port}/v1" in out
    assert daemon.token not in out
    assert main(["--json", "status"]) == 0
    found = document(capsys)
    assert found["running"] is True
    assert found["daemon"]["port"] == daemon.port


def test_ask_prints_the_answer_and_nothing_else(
    daemon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", "say", "these", "words"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "say these words \n"
    assert captured.err == ""


def test_a_daemon_that_dies_before_the_first_word_is_replaced(
    paths: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as later, socket.socket(socket.AF_UNIX) as dying:
        paths.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        dying.bind(str(paths.socket))
        dying.listen()
        facts = DaemonFacts(os.getpid(), str(paths.socket), None, 1.0, "0.1.0")
        durable.write_json(paths.daemon_facts, facts.to_json())

        def die() -> None:
            dying.accept()[0].close()  # whether it is there
            asked = dying.accept()[0]
            dying.close()
            with suppress(OSError):
                asked.recv(100)
            asked.close()  # with the rest unread: a reset

        def start(*_: object) -> None:
            paths.socket.unlink()
            later.enter_context(serving(paths))

        monkeypatch.setattr("galosh.cli.ask.start_daemon", start)
        thread = threading.Thread(target=die)
        thread.start()
        assert main(["ask", "say", "these", "words"]) == 0
        thread.join()
        assert capsys.readouterr().out == "say these words \n"


def test_ask_appends_what_is_piped_in(
    daemon: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("diff --git\n"))
    assert main(["ask", "-m", "other", "--max-tokens", "7", "write a message"]) == 0
    request = daemon.supervisor.requests[-1]
    assert request.messages is not None
    assert request.messages[-1]["content"] == "write a message\n\ndiff --git"
    assert request.max_tokens == 7
    assert request.model_id == "other"


def test_ask_with_json_is_one_document(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "--json", "two words"]) == 0
    found = document(capsys)
    assert found["answer"] == "two words "
    assert found["finish_reason"] == "stop"
    assert found["usage"]["completion_tokens"] == 2
    keys = {"answer", "model", "finish_reason", "notices", "usage", "thought_seconds"}
    assert set(found) == keys


def test_what_a_model_thinks_is_no_answer_and_its_time_is_told(
    daemon: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["ask", "--json", "<think> hmm so </think> yes"]) == 0
    found = document(capsys)
    assert found["answer"].strip() == "yes"
    assert found["thought_seconds"] >= 0
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["ask", "<think> hmm so </think> yes"]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == "yes"
    assert "2 words" in shown.err
    assert "--no-think" in shown.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["hi"], None),
        (["--no-think", "hi"], False),
        (["-p", "fix-grammar", "hi"], False),  # somebody waits for it
        (["-p", "fix-grammar", "--think", "hi"], True),
    ],
)
def test_whether_it_thinks(daemon: Running, arguments: list[str], expected: bool | None) -> None:
    assert main(["ask", *arguments]) == 0
    assert daemon.supervisor.requests[-1].options.get("think") is expected


@pytest.mark.parametrize("words", ["refuse", "die now"])
def test_a_failed_answer_is_explained(
    words: str, daemon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", words]) == 1
    err = capsys.readouterr().err
    assert "Why:" in err
    assert err.count("Next:") == 1
    assert "Traceback" not in err


def test_an_unknown_model_is_exit_1(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "-m", "nothing", "hi", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["code"] == "store-model-unknown"
    assert "Next:" in captured.err


def test_nothing_to_ask_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask"]) == 2
    assert "nothing to ask" in capsys.readouterr().err


def test_leaving_early_cancels_the_answer(daemon: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = 0

    def stop(self: object, text: str) -> None:
        nonlocal pieces
        pieces += 1
        if pieces == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("galosh.cli.output.Output.piece", stop)
    assert main(["ask", "forever"]) == 130
    for _ in range(200):
        if daemon.supervisor.cancelled:
            break
        daemon.client.status()
    assert daemon.supervisor.cancelled == 1


def test_a_reader_that_leaves_is_fine(
    daemon: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def gone(self: object, text: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("galosh.cli.output.Output.piece", gone)
    with (tmp_path / "out").open("w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        assert main(["ask", "forever"]) == 0


def test_chat_remembers_and_obeys(
    daemon: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "first words\nrefuse\n/model other\nsecond\n/nonsense\n/clear\nthird\n/exit\nnever\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert main(["chat"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "first words \nsecond \nthird \n"
    assert "no command /nonsense" in captured.err
    second, third = daemon.supervisor.requests[-2:]
    assert second.model_id == "other"
    assert [message["content"] for message in second.messages or ()] == [
        "first words",
        "first words ",
        "second",
    ]
    assert [message["content"] for message in third.messages or ()] == ["third"]


def test_models_list_use_add_remove(
    daemon: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["models", "--json"]) == 0
    assert [model["id"] for model in document(capsys)["models"]] == ["starter", "other", "broken"]
    assert main(["models", "list"]) == 0
    assert "cut in half" in capsys.readouterr().out
    assert main(["models", "use", "other"]) == 0
    assert daemon.supervisor.current == "other"
    capsys.readouterr()
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF")
    assert main(["models", "add", str(file), "--json"]) == 0
    assert document(capsys)["id"] == "mine"
    assert main(["models", "remove", "starter"]) == 0
    assert main(["models", "use", "nothing"]) == 1


def test_settings_reach_the_running_daemon(
    daemon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["settings", "set", "model.context_tokens", "2048"]) == 0
    assert daemon.supervisor.settings is not None
    assert daemon.supervisor.settings.number("model.context_tokens") == 2048
    capsys.readouterr()
    assert main(["settings", "get", "model.context_tokens"]) == 0
    assert capsys.readouterr().out == "2048\n"


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["settings", "set", "api.port", "many"], 1, "base-setting-wrong"),
        (["settings", "set", "api.prot", "1"], 2, "base-setting-unknown"),
        (["settings", "get", "nonsense"], 2, "base-setting-unknown"),
        (["engine", "use", "no-such"], 1, "engine-unknown"),
        (["engine", "try", "no-such"], 1, "cli-no-trial-model"),
    ],
)
def test_errors_have_one_shape(
    arguments: list[str], status: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--json"]) == status
    error = document(capsys)["error"]
    assert error["code"] == code
    assert set(error) == {"code", "what", "why", "kept", "next_step", "facts"}


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["ask", "--max-tokens", "0", "x"], ["status", "extra"], ["models", "use"]],
)
def test_wrong_usage_is_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: galosh" in capsys.readouterr().err


def test_a_bug_is_a_sentence_and_a_log(
    paths: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError("x")

    monkeypatch.setattr("galosh.cli.status.run", broken)
    assert main(["status"]) == 1
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    log = paths.logs / "cli.log"
    assert str(log) in captured.err
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")
    assert main(["status", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_logs_shows_the_last_lines(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs"]) == 0
    assert "No logs" in capsys.readouterr().out
    paths.logs.mkdir(parents=True)
    (paths.logs / "daemon.log").write_text("one\ntwo\nthree\n", encoding="utf-8")
    assert main(["logs", "-n", "2", "--json"]) == 0
    (log,) = document(capsys)["logs"]
    assert log["lines"] == ["two", "three"]


def test_russian(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALOSH_LANG", "ru")
    assert main(["ask"]) == 2
    assert "Спрашивать было нечего" in capsys.readouterr().err


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    from galosh.cli.parser import VERBS

    for verb in VERBS:
        with pytest.raises(SystemExit) as caught:
            main([verb, "--help"])
        assert caught.value.code == 0
        assert f"usage: galosh {verb}" in capsys.readouterr().out


def test_pause_and_resume_reach_the_supervisor(
    daemon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pause", "--json"]) == 0
    assert document(capsys) == {"paused": True}
    assert daemon.supervisor.paused
    assert main(["resume"]) == 0
    assert "answered again" in capsys.readouterr().out
    assert not daemon.supervisor.paused


@pytest.mark.parametrize("tongue", ["en", "ru"])
def test_help_of_every_command_in_both_languages(
    tongue: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GALOSH_LANG", tongue)
    monkeypatch.setenv("COLUMNS", "100")
    whole = build_parser()
    lines = whole.format_help().splitlines()
    for verb in set(VERBS) - {"complete"}:
        [line] = [line for line in lines if line.split()[:1] == [verb]]
        assert len(line.split()) > 1, f"{verb} says nothing, or not beside its name"
        with pytest.raises(SystemExit) as caught:
            main([verb, "--help"])
        assert caught.value.code == 0
        text = capsys.readouterr().out
        assert "\n\n" in text
        if tongue == "ru":
            for english in ("usage:", "positional", "options", "show this help"):
                assert english not in text, (verb, english)
