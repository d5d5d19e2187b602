"""Forecasts over the door: of real headers, by a process of its own, remembered for a minute."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.server import forecasts
from tests.fakes.gguf_models import llama
from tests.fakes.page import Browser
from tests.fakes.serving import Running
from tests.fakes.supervisor import FakeModel

pytestmark = pytest.mark.long  # each forecast is a process


@pytest.fixture
def stored(running: Running, tmp_path: Path) -> Running:
    """A store of one real model; the others of the fake are gone."""
    file = tmp_path / "tiny.gguf"
    llama().write(file)
    models = running.supervisor.models
    models.known = {"tiny": FakeModel("tiny", str(file)),
                    "broken": FakeModel("broken", problem="cut in half")}  # fmt: skip
    return running


def test_a_model_on_disk_is_forecast_and_remembered(
    stored: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecasts, "_free_bytes", lambda: 2**33)  # whatever the PC does meanwhile
    found = stored.client.forecast("tiny")
    memory, verdict = found["memory"], found["verdict"]
    assert isinstance(memory, dict)
    assert isinstance(verdict, dict)
    assert found["id"] == "tiny"
    assert found["loaded"] is False
    assert sum(memory["parts"].values()) == memory["peak_bytes"]
    assert verdict["kind"] == "fits"
    speed = found["speed"]
    assert isinstance(speed, dict)
    rate = speed["decode_at_start"]
    assert rate is None or 0 < rate["low"] <= rate["mid"] <= rate["high"]
    again = stored.client.forecasts()
    assert [one["id"] for one in again] == ["tiny"]
    assert again[0]["at_seconds"] == found["at_seconds"]  # the same look at this PC


def test_settings_and_the_file_change_a_forecast(stored: Running) -> None:
    first = stored.client.forecast("tiny")
    stored.client.change_setting("model.context_tokens", 512)
    second = stored.client.forecast("tiny")
    assert second["at_seconds"] != first["at_seconds"]
    assert second["settings"]["context_tokens"] == 512  # type: ignore[index]
    path = Path(stored.supervisor.models.known["tiny"].path)
    path.write_bytes(b"no model")
    with pytest.raises(GaloshError) as caught:
        stored.client.forecast("tiny")
    assert caught.value.code.startswith("gguf-")
    assert stored.client.forecasts()[0]["error"]["code"] == caught.value.code  # type: ignore[index]
    path.unlink()
    assert "error" in stored.client.forecasts()[0]


def test_what_the_loaded_model_holds_counts_as_free(stored: Running) -> None:
    """A swap gives it back first. This very process stands in for the worker."""
    block = bytearray(os.urandom(1)) * 300_000_000
    before = stored.client.forecast("tiny")
    stored.supervisor.worker_pid = os.getpid()
    with_it = stored.client.forecast("tiny")
    assert len(block) == 300_000_000
    more = with_it["room"]["available_bytes"] - before["room"]["available_bytes"]  # type: ignore[index]
    assert more > 150_000_000  # the PC does other things meanwhile


def test_a_model_there_is_not(stored: Running) -> None:
    with pytest.raises(GaloshError) as caught:
        stored.client.forecast("nothing")
    assert caught.value.code == "store-model-unknown"


def test_the_catalogue_is_judged_in_the_language_asked_for(stored: Running) -> None:
    reply = Browser.opened(stored).call("GET", "/galosh/v1/recommend?language=ru")
    found = json.loads(reply.body)
    assert found["language"] == "ru"
    assert len(found["models"]) > 5
    assert stored.client.recommend()["models"]
    for odd in ("language=russian", "language=1!", "other=x"):
        reply = Browser.opened(stored).call("GET", f"/galosh/v1/recommend?{odd}")
        assert reply.status == 400
