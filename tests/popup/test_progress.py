"""The line below the field."""

from __future__ import annotations

import pytest

from galosh.api.wire import Notice, Usage
from galosh.base.errors import GaloshError
from galosh.popup.progress import Progress
from galosh.popup.waiting import read_outlook

WORKER = {
    "state": "ready", "stage": "awake", "title": "Tiny", "model": "tiny", "load_seconds": 3.0,
    "prompt_tokens_per_second": 10.0,
}  # fmt: skip


def progress(**changes: object) -> Progress:
    return Progress(read_outlook({"worker": {**WORKER, **changes}}))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "Tiny"),
        ({"stage": "model"}, "Tiny · asleep, loading takes about 3.0 s"),
        ({"state": "no-model", "load_seconds": None}, "Tiny · asleep"),
        ({"paused": True}, "Paused: no memory is held. To go on, run: galosh resume"),
        ({"title": None, "model": None}, ""),
    ],
)
def test_before_anything_is_asked(changes: dict[str, object], line: str) -> None:
    assert progress(**changes).sentence(0) == line


def test_nothing_is_said_before_anything_is_known() -> None:
    assert Progress().sentence(0) == ""


def test_the_hotkey_is_shown() -> None:
    line = progress()
    line.hotkey = "Ctrl+Alt+Space"
    assert line.sentence(0) == "Tiny · Ctrl+Alt+Space shows and hides"


def test_a_forecast_counts_down_and_says_when_it_was_wrong() -> None:
    line = progress()
    line.begin("x" * 140, now=100.0)  # 40 tokens at 10 a second
    assert line.sentence(100.0) == "Tiny · first word in about 4.0 s"
    assert line.sentence(103.0) == "Tiny · first word in about 1.0 s"
    assert line.sentence(105.0) == "Tiny · 5.0 s"
    assert line.sentence(110.0) == "Tiny · 10 s, longer than forecast"


def test_a_model_asleep_takes_longer() -> None:
    line = progress(stage="model")
    line.begin("x" * 35, now=0.0)
    assert line.sentence(0.0) == "Tiny · first word in about 4.0 s"


def test_without_a_speed_there_is_no_forecast() -> None:
    line = progress(prompt_tokens_per_second=None)
    line.begin("x", now=0.0)
    assert line.sentence(2.0) == "Tiny · 2.0 s"


def test_a_forecast_may_come_from_elsewhere() -> None:
    worker = {**WORKER, "prompt_tokens_per_second": None}
    line = Progress(read_outlook({"worker": worker}, 10.0))
    line.begin("я" * 22, now=0.0)
    assert line.sentence(0.0) == "Tiny · first word in about 1.0 s"


def test_what_the_daemon_says_meanwhile() -> None:
    line = progress()
    line.begin("x" * 140, now=0.0)
    line.told(Notice("supervisor.notice-queue", {"before": 2}, "…"))
    assert line.sentence(1.0).endswith("first word in about 3.0 s · Questions before this one: 2.")
    line.told(Notice("supervisor.notice-of-tomorrow", {}, "As told."))
    assert line.sentence(1.0).endswith(" · As told.")
    line.told(None)
    assert line.sentence(1.0) == "Starting galosh"


def test_thoughts_show_what_they_cost() -> None:
    line = progress()
    line.begin("x", now=0.0)
    line.words("", "let me think", now=5.0)
    assert line.sentence(7.0) == "Tiny · thinking aloud for 7.0 s (3 words)"
    line.words("Yes", "", now=8.0)
    assert line.sentence(9.0) == "Tiny · Esc stops"


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("stop", "Tiny · 20.0 tokens/s · first word after 2.0 s"),
        ("length", "Tiny · the answer was cut: no more fits"),
        ("cancelled", "Tiny · stopped"),
        ("failed", ""),
    ],
)
def test_the_end(reason: str, line: str) -> None:
    shown = progress()
    shown.begin("x", now=0.0)
    shown.words("word", "", now=2.0)
    shown.end(reason, Usage(3, 40, decode_seconds=2.0))
    assert shown.sentence(9.0) == line


def test_a_remark_comes_after_the_end() -> None:
    shown = progress()
    shown.begin("x", now=0.0)
    shown.end("stop", None)
    shown.remark("Nothing had to be changed.")
    assert shown.sentence(1.0) == "Tiny Nothing had to be changed."
    shown.begin("y", now=2.0)
    assert "Nothing" not in shown.sentence(2.0)


def test_a_daemon_that_cannot_be_asked() -> None:
    shown = Progress()
    shown.trouble(GaloshError("api-daemon-start-failed", reason="no room", log="daemon.log"))
    assert shown.sentence(0) == "The galosh daemon did not start. Look at daemon.log."


def test_a_model_without_a_title_goes_by_its_id() -> None:
    shown = Progress()
    shown.begin("x", now=0.0)
    assert shown.sentence(1.0) == "The model · 1.0 s"
    shown.words("word", "", now=2.0, model_id="tiny")
    assert shown.sentence(2.0) == "tiny · Esc stops"
