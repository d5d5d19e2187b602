"""The contract with programs written for OpenAI, Ollama and Anthropic: the real clients,
the real daemon, the real model. The table of docs/api.md is what this file checks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.benches.engine_daemon import Daemon
from tests.clients import kit

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

PROGRAMS = (
    "openai_python.py", "openai_node.mjs", "ollama_python.py", "ollama_node.mjs",
    "anthropic_python.py", "litellm_python.py", "langchain_python.py",
)  # fmt: skip
# Anthropic has no such call.
EMBEDS = {name for name in PROGRAMS if "anthropic" not in name}
FREE = {"ollama_python.py", "ollama_node.mjs"}
# langchain has no call that lists models.
LISTS = {name for name in PROGRAMS if "langchain" not in name}


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon() as running:
        yield running


@pytest.fixture(scope="module")
def environ(daemon: Daemon) -> dict[str, str]:
    status = daemon.client.status()["daemon"]
    assert isinstance(status, dict)
    return {
        "GALOSH_ADDRESS": f"http://127.0.0.1:{status['port']}",
        "GALOSH_TOKEN": daemon.paths.token_file.read_text().strip(),
        "GALOSH_MODEL": daemon.model_id,
    }


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_lists_chats_streams_stops_and_hears_a_refusal(
    program: str, environ: dict[str, str]
) -> None:
    found = kit.run(program, environ)
    if program in LISTS:
        assert any(name.endswith(environ["GALOSH_MODEL"]) for name in found["models"])
    if program in EMBEDS:
        first, second = found["embedded"]
        assert first == second > 100
    assert "Paris" in found["chat"]
    assert "Paris" in "".join(found["stream"])
    assert len(found["stream"]) > 1
    assert found["stopped"].strip()
    assert "Paris" not in found["stopped"]
    assert found["refused"]["status"] == 404
    assert "gpt-9" in found["refused"]["text"]
    assert environ["GALOSH_MODEL"] in found["refused"]["text"]
    check_functions(program, found)


def check_functions(program: str, found: dict[str, Any]) -> None:
    """A function offered, called, answered. Ollama's API cannot ask for a call, and the
    starter model may answer instead; all others can."""
    assert found["after"].strip()
    if program in FREE:
        assert found["calls"] or found["first"].strip()
        return
    assert found["ended"] in ("tool_calls", "tool_use")
    assert found["calls"]
    for name, arguments in found["calls"]:
        assert name == "get_weather"
        assert arguments["city"] in ("Paris", "Rome")
        assert arguments["unit"] in ("celsius", "fahrenheit")
    whole = "".join(arguments for _, arguments in found["pieces"])
    assert whole.startswith("{")
    assert {"city", "unit"} <= set(json.loads(whole.split("}{")[0].rstrip("}") + "}"))


def test_llm_in_the_terminal(environ: dict[str, str], tmp_path: Path) -> None:
    """Simon Willison's `llm`, set up as its documentation says for a server of one's own."""
    entry = {
        "model_id": "galosh",
        "model_name": environ["GALOSH_MODEL"],
        "api_base": f"{environ['GALOSH_ADDRESS']}/v1",
        "api_key_name": "galosh",
    }
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps([entry]))
    (tmp_path / "keys.json").write_text(json.dumps({"galosh": environ["GALOSH_TOKEN"]}))
    command = [str(kit.python().with_name("llm")), "-m", "galosh", "-o", "temperature", "0"]

    def ask(question: str) -> subprocess.CompletedProcess[str]:
        kept = {"LLM_USER_PATH": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        return subprocess.run(
            [*command, question], env=kept, capture_output=True, text=True, timeout=100
        )

    done = ask("What is the capital of France?")
    assert "Paris" in done.stdout, done.stderr
    (tmp_path / "keys.json").write_text(json.dumps({"galosh": "wrong"}))
    assert "token" in ask("Hello").stderr
