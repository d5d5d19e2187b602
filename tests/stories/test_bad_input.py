"""What users really do: wrong files, wrong names, a busy port. A clear error, nothing lost."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from tests import real
from tests.stories.installed import Installed, Run

pytestmark = pytest.mark.story


def stated(done: Run, *words: str) -> None:
    """Exit 1, what and next step on stderr, no traceback."""
    assert done.status == 1, (done.status, done.out, done.err)
    assert "Traceback" not in done.err + done.out
    for word in words:
        assert word.lower() in done.err.lower(), (word, done.err)


def test_a_model_cut_in_half(installed: Installed, tmp_path: Path) -> None:
    half = tmp_path / "half.gguf"
    half.write_bytes(real.starter_model().read_bytes()[:50_000_000])
    stated(installed.run("models", "add", str(half)), "half.gguf")


def test_a_file_that_is_no_model(installed: Installed, tmp_path: Path) -> None:
    page = tmp_path / "model.gguf"
    page.write_text("<!DOCTYPE html><html>Sign in</html>")
    stated(installed.run("models", "add", str(page)), "web page")


def test_an_old_ggml_file(installed: Installed, tmp_path: Path) -> None:
    old = tmp_path / "ggml-model-q4_0.bin"
    old.write_bytes(b"tjgg" + (3).to_bytes(4, "little") + bytes(4096))
    stated(installed.run("models", "add", str(old)), "GGJT", "GGUF")


def test_a_model_that_is_not_there(installed: Installed) -> None:
    stated(installed.run("models", "use", "no-such-model"), "no-such-model", "smollm2-135m")
    stated(installed.run("ask", "-m", "no-such-model", "Hi"), "no-such-model")
    stated(installed.run("models", "add", "/nowhere/x.gguf"), "x.gguf")


def test_a_model_used_in_place(installed: Installed, tmp_path: Path) -> None:
    own = tmp_path / "Моя модель.gguf"
    shutil.copy(real.starter_model(), own)
    added = installed.run("models", "add", str(own), "--json")
    assert added.status == 0, added.err
    model_id = added.json()["id"]
    assert installed.run("models", "use", model_id).status == 0
    answer = installed.run("ask", "--max-tokens", "20", "What is the capital of France?")
    assert answer.status == 0, answer.err
    assert answer.out.strip()
    assert installed.run("models", "use", "smollm2-135m").status == 0
    assert installed.run("models", "remove", model_id).status == 0
    assert own.exists(), "a model used in place is forgotten, never deleted"


def test_a_port_in_use(installed: Installed) -> None:
    installed.run("stop")
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        assert installed.run("settings", "set", "api.port", str(port)).status == 0
        stated(installed.run("start"), str(port))
    assert installed.run("settings", "set", "api.port", "0").status == 0
    assert installed.run("start").status == 0


def test_wrong_usage_is_exit_2(installed: Installed) -> None:
    assert installed.run("no-such-verb").status == 2
    assert installed.run("settings", "set", "api.prot", "1").status == 2
