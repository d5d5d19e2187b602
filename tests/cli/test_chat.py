"""`galosh chat`: its commands, its memory, and a real terminal."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.base.paths import Paths
from galosh.cli import main
from galosh.cli.talk import from_text, to_text
from galosh.supervisor.request import Event, GenerationRequest
from tests.fakes.serving import Running, serving

if sys.platform != "win32":
    import pty
    import select

ROLES = st.sampled_from(["system", "user", "assistant"])
# Line ends at the end of a turn are not part of it.
WORDS = st.text(st.sampled_from("ab \\*:\n") | st.characters(exclude_categories=["Cs", "Cc"]))
BEGINS = st.sampled_from(["**user:** x", "\\**user:** y", "a\n**assistant:** b", "**user:**"])
TALKS = st.lists(
    st.fixed_dictionaries(
        {"role": ROLES, "content": (WORDS | BEGINS).map(lambda text: text.rstrip("\n"))}
    ),
    min_size=1,
)


@given(TALKS)
def test_a_saved_talk_is_the_same_talk(talk: list[dict[str, object]]) -> None:
    assert from_text(to_text(talk)) == talk


@pytest.mark.parametrize("text", ["", "hello", "hello\n**user:** x", "** user:** x"])
def test_what_is_no_talk(text: str) -> None:
    with pytest.raises(ValueError, match="user"):
        from_text(text)


@pytest.fixture
def daemon(paths: Paths) -> Iterator[Running]:
    with serving(paths) as running:
        yield running


@pytest.fixture
def say(
    daemon: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Talker:
    return Talker(monkeypatch, capsys)


class Talker:
    """Types lines into a chat and gives back what it says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *lines: str, options: tuple[str, ...] = ()) -> tuple[list[object], str]:
        """The messages at the end, and stderr."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
        assert main(["chat", "--json", *options]) == 0
        shown = self._capsys.readouterr()
        return json.loads(shown.out)["messages"], shown.err


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


HELLO = [turn("user", "hello"), turn("assistant", "hello ")]


def test_undo_and_retry(say: Talker, daemon: Running) -> None:
    assert say("hello", "more", "/undo")[0] == HELLO
    assert say("hello", "/retry")[0] == HELLO
    assert len(daemon.supervisor.requests) == 4
    messages, shown = say("/undo", "/retry", "hello", "/undo", "/undo")
    assert messages == []
    assert shown.count("nothing to take back") == 3


def test_a_retry_that_fails_keeps_the_old_answer(
    say: Talker, daemon: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = daemon.supervisor.generate

    def once(request: GenerationRequest) -> AsyncIterator[Event]:
        if daemon.supervisor.requests:
            request = replace(request, messages=(turn("user", "refuse"),))
        return generate(request)

    monkeypatch.setattr(daemon.supervisor, "generate", once)
    messages, shown = say("hello", "/retry")
    assert messages == HELLO
    assert "Why:" in shown


def test_what_the_model_is_told_first(say: Talker, daemon: Running) -> None:
    messages, _ = say("/system Be brief.", "hello", "/undo")
    assert messages == [turn("system", "Be brief.")]
    asked = daemon.supervisor.requests[0].messages
    assert asked is not None
    assert [dict(one) for one in asked] == [turn("system", "Be brief."), turn("user", "hello")]
    assert say("/system Be brief.", "/system Rhyme.", "/system -")[0] == []


def test_several_lines(say: Talker) -> None:
    assert say("one\\", "two")[0][0] == turn("user", "one\ntwo")
    assert say('"""', "one", "", "two", '"""')[0][0] == turn("user", "one\n\ntwo")
    assert say('"""', "no end")[0][0] == turn("user", "no end")


def test_thinking_and_models_and_presets(say: Talker, daemon: Running) -> None:
    _, shown = say("/think off", "hello", "/think", "/model", "/preset", "/preset wild", "/wild")
    assert daemon.supervisor.requests[0].options == {"think": False}
    for words in (
        "aloud: off",
        "starter, other",
        "balanced",
        "Nothing here is named wild",
        "/wild",
    ):
        assert words in shown, words
    _, shown = say("/model other", "hello", "/model nothing")
    assert daemon.supervisor.requests[-1].model_id == "other"
    assert "nothing" in shown


def test_save_load_and_what_is_kept(say: Talker, paths: Paths, tmp_path: Path) -> None:
    file = tmp_path / "talk.md"
    say("hello", f"/save {file}", f"/save {file}")
    assert say(f"/load {file}")[0] == HELLO
    assert say("hi", options=("--continue",))[0] == [
        *HELLO, turn("user", "hi"), turn("assistant", "hi "),
    ]  # fmt: skip
    kept = paths.state / "chat" / "last.md"
    if os.name != "nt":
        assert kept.stat().st_mode & 0o077 == 0
    messages, shown = say("hello", f"/load {tmp_path / 'nothing.md'}")
    assert messages == HELLO
    assert "No talk was found" in shown


def test_without_history_nothing_reaches_the_disk(
    say: Talker, daemon: Running, paths: Paths
) -> None:
    daemon.client.change_setting("history.keep", False)
    _, shown = say("a secret word", "/clear", "/load")
    assert "No talk was found" in shown
    for file in paths.state.rglob("*"):
        assert not file.is_file() or b"a secret word" not in file.read_bytes()


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of Unix")
class TestATerminal:
    """A real pseudo-terminal, the real program."""

    @pytest.fixture
    def terminal(self, daemon: Running) -> Iterator[Terminal]:
        made = Terminal(["chat"])
        yield made
        made.close()

    def test_ctrl_c_stops_the_answer_and_not_the_program(
        self, terminal: Terminal, daemon: Running
    ) -> None:
        terminal.wait_for(PROMPT)
        terminal.type("forever\r")
        terminal.wait_for("word word")
        terminal.type("\x03")
        terminal.wait_for(r"\(stopped\)")
        terminal.wait_for(PROMPT)
        terminal.type("half a line\x03")  # at the prompt it clears the line
        terminal.wait_for(PROMPT)
        terminal.type("still here\r")
        terminal.wait_for("still here \r")
        terminal.wait_for(PROMPT)
        terminal.type("/exit\r")
        assert terminal.status() == 0
        assert daemon.supervisor.cancelled

    def test_lines_are_edited_completed_and_remembered(self, terminal: Terminal) -> None:
        terminal.wait_for(PROMPT)
        terminal.type("hexlo\x1b[D\x1b[D\x1b[D\x1b[3~l\r")  # left three times, delete, l
        terminal.wait_for("hello \r")
        terminal.wait_for(PROMPT)
        terminal.type("/mod\tot\t\r")
        terminal.wait_for("Model: other")
        terminal.wait_for(PROMPT)
        terminal.type("\x1b[A\x1b[A\r")  # two lines up
        terminal.wait_for("hello \r")
        terminal.wait_for(PROMPT)
        terminal.type("\x04")
        assert terminal.status() == 0
        again = Terminal(["chat"])
        again.wait_for(PROMPT)
        again.type("\x1b[A\r")
        again.wait_for("hello \r")
        again.wait_for(PROMPT)
        again.type("\x04")
        assert again.status() == 0
        again.close()


PROMPT = "> "


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, arguments: list[str]) -> None:
        self._ours, theirs = pty.openpty()
        roots = [str(Path(__file__).parents[2] / root) for root in ("core", "presets")]
        environ = {**os.environ, "TERM": "xterm", "PYTHONPATH": os.pathsep.join(roots)}
        # A session of its own whose terminal this is, so that Ctrl-C reaches it.
        program = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        program += "from galosh.cli import main; raise SystemExit(main())"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self._seen = ""

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def wait_for(self, pattern: str, patience_seconds: float = 120.0) -> None:
        """Read until this shows; what came before is forgotten."""
        limit = time.monotonic() + patience_seconds
        while (found := re.search(pattern, self._seen)) is None:
            left = limit - time.monotonic()
            ready = select.select([self._ours], [], [], max(0, left))[0]
            assert ready, self._seen
            self._seen += os.read(self._ours, 65536).decode("utf-8", "replace")
        self._seen = self._seen[found.end() :]

    def status(self) -> int:
        """Wait for its end."""
        limit = time.monotonic() + 120
        while self._process.poll() is None and time.monotonic() < limit:
            if select.select([self._ours], [], [], 0.05)[0]:
                try:
                    os.read(self._ours, 65536)
                except OSError:
                    break
        return self._process.wait(5)

    def close(self) -> None:
        """Leave nothing behind."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)
