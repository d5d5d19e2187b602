"""`galosh env`: what it prints is what a shell and the real clients understand."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import ollama
import openai
import pytest

from galosh.base.paths import Paths
from galosh.cli import main
from tests.fakes.serving import any_port, serving


def test_a_shell_and_the_clients_in_it_find_galosh(
    paths: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with serving(paths) as running:
        assert main(["env", "--shell", "sh"]) == 0
        lines = capsys.readouterr().out
        script = (
            lines + f'"{sys.executable}" -c "import os, json; print(json.dumps(dict(os.environ)))"'
        )
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        for name, value in json.loads(done.stdout).items():
            if name.startswith(("OPENAI_", "OLLAMA_")):
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with openai.OpenAI() as program:
            assert [model.id for model in program.models.list()] == ["starter", "other"]
        client = ollama.Client()
        assert [model.model for model in client.list().models] == ["starter", "other"]
        client._client.close()
        assert running.token in lines


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("fish", 'set -gx OPENAI_BASE_URL "http://127.0.0.1:'),
        ("powershell", '$Env:OPENAI_BASE_URL = "http://127.0.0.1:'),
        ("cmd", "set OPENAI_BASE_URL=http://127.0.0.1:"),
    ],
)
def test_other_shells(
    paths: Paths, capsys: pytest.CaptureFixture[str], shell: str, line: str
) -> None:
    with serving(paths):
        assert main(["env", "--shell", shell]) == 0
        assert capsys.readouterr().out.startswith(line)


def test_without_a_daemon_or_a_port(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env"]) == 1
    assert "galosh start" in capsys.readouterr().err
    any_port(paths, "tcp = false\n")
    with serving(paths):
        assert main(["env"]) == 1
        assert "api.tcp" in capsys.readouterr().err
