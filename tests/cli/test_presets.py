"""`ask -p`, `chat /preset /save`, `galosh presets`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from galosh.cli import main
from tests.fakes.serving import Running, serving


@pytest.fixture
def daemon(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with serving(paths) as running:
        yield running


def test_a_prompt_around_what_is_piped_in(
    daemon: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Helo wrld"))
    assert main(["ask", "-p", "fix-grammar"]) == 0
    [asked] = daemon.supervisor.requests
    assert asked.messages is not None
    text = str(asked.messages[0]["content"])
    assert text.startswith("Correct spelling")
    assert text.endswith("Helo wrld")
    assert asked.sampling["temperature"] == 0.2  # that of the sampler the prompt names


def test_words_say_how_beside_a_piped_text(
    daemon: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Guten Tag"))
    assert main(["ask", "-p", "translate", "Russian"]) == 0
    asked = daemon.supervisor.requests[0].messages
    assert asked is not None
    assert "into Russian." in str(asked[0]["content"])


def test_a_sampler_alone_and_a_name_nobody_knows(
    daemon: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", "-p", "deterministic", "hello"]) == 0
    assert daemon.supervisor.requests[0].sampling["temperature"] == 0
    assert main(["ask", "-p", "wild", "hello"]) == 1
    assert "balanced" in capsys.readouterr().err


def test_chat_changes_the_preset_and_saves_the_talk(
    daemon: Running,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    target = tmp_path / "talk.md"
    lines = f"/preset precise\nhello\n/save {target}\n/save {target}\n/exit\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert main(["chat"]) == 0
    assert daemon.supervisor.requests[0].sampling["temperature"] == 0.2
    saved = target.read_text()
    assert "**user:** hello" in saved
    assert "**assistant:** hello" in saved
    assert "was not saved" in capsys.readouterr().err


def test_the_list_names_own_files_and_troubles(
    paths: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.presets.mkdir(parents=True)
    (paths.presets / "Mine.yaml").write_text("temperature: 0.4\nguidance_scale: 1.5\n")
    (paths.presets / "bad.yaml").write_text("temperature: [")
    assert main(["presets"]) == 0
    shown = capsys.readouterr()
    assert "Mine" in shown.out
    assert "guidance_scale" in shown.out
    assert "bad.yaml" in shown.err
    assert main(["presets", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "fix-grammar" in {one["name"] for one in found["prompts"]}
