"""`galosh bench` against the real server: what it measures, what it says, when it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.cli import main
from galosh.cli.bench import spread
from tests.fakes.serving import Running, serving

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def daemon(paths: Paths) -> Iterator[Running]:
    with serving(paths) as running:
        yield running


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galosh.fit.probe.is_busy", lambda: False)


def bench(capsys: Capture, *words: str) -> Any:
    assert main(["bench", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("daemon", "quiet")
def test_what_is_measured(capsys: Capture) -> None:
    found = bench(capsys, "--runs", "2")
    assert found["model"] == "starter"
    assert found["busy"] is False
    # The fake reads a token per letter in 0.25 s and says every word back in 0.5 s.
    assert found["prefill"]["min"] > 1000
    assert found["decode"]["median"] == pytest.approx(2 * 407, rel=0.01)
    assert 0 < found["first_word_seconds"]["warm"] < 20
    assert found["first_word_seconds"]["cold"] > 0
    assert found["forecast"] is None  # its model has no file


@pytest.mark.usefixtures("quiet")
def test_every_run_has_words_nobody_has_read(daemon: Running, capsys: Capture) -> None:
    bench(capsys, "--runs", "3")
    supervisor = daemon.supervisor
    asked = [str(one.messages[-1]["content"]) for one in supervisor.requests if one.messages]
    assert len(set(asked[-3:])) == 3
    assert asked[0] == asked[1]  # cold and warm are the same prompt
    assert asked[0] not in asked[-3:]


@pytest.mark.usefixtures("quiet")
def test_the_users_patience_is_put_back(daemon: Running, paths: Paths, capsys: Capture) -> None:
    before = Settings.load(paths.settings_file).get("model.idle_rest_seconds")
    bench(capsys, "--runs", "1")
    assert Settings.load(paths.settings_file).get("model.idle_rest_seconds") == before
    assert daemon.supervisor.settings is not None


@pytest.mark.usefixtures("daemon")
def test_a_busy_pc_is_refused_unless_asked(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galosh.fit.probe.is_busy", lambda: True)
    assert main(["bench", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "cli-bench-busy"
    assert bench(capsys, "--anyway", "--runs", "1")["busy"] is True


@pytest.mark.usefixtures("daemon", "quiet")
@pytest.mark.parametrize("tongue", ["en", "ru"])
def test_it_says_so_in_both_languages(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tongue: str
) -> None:
    monkeypatch.setenv("GALOSH_LANG", tongue)
    assert main(["bench", "--runs", "1"]) == 0
    text = capsys.readouterr().out
    assert ("tokens/s" if tongue == "en" else "токенов/с") in text
    assert "?" not in text


@pytest.mark.usefixtures("daemon", "quiet")
def test_a_model_that_is_not_there(capsys: Capture) -> None:
    assert main(["bench", "--model", "nobody", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "store-model-unknown"


def test_the_spread_of_runs() -> None:
    assert spread([]) is None
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}
