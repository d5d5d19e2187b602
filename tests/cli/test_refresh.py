"""`galosh models refresh`: the hub's word laid over the catalogue, which itself is not edited."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from galosh import catalogue, presets
from galosh.base.paths import Paths
from galosh.cli import main
from galosh.download.sources import resolve
from tests.fakes import gguf_models as models
from tests.fakes.faults import Fault
from tests.fakes.hub import FaultHub
from tests.fakes.model_files import sha256

Capture = pytest.CaptureFixture[str]
OLD = models.llama(layers=1).to_bytes()
NEW = models.llama(layers=2).to_bytes()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultHub]:
    with FaultHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        for name in ("HF_TOKEN", "HF_HOME", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch, hub: FaultHub) -> str:
    """A shipped catalogue of five models, as this hub has them or not."""
    hub.add_repo("o/same", {"same.gguf": OLD})
    hub.add_repo("o/changed", {"changed.gguf": NEW})
    hub.add_repo("o/new", {"new.gguf": OLD})
    hub.add_repo("o/moved", {"moved-v2.gguf": OLD})
    rows = [
        f'id = "same"\nfile = "same.gguf"\nsources = ["hf:o/same:same.gguf"]\n'
        f'size_bytes = {len(OLD)}\nsha256 = "{sha256(OLD)}"',
        f'id = "changed"\nfile = "changed.gguf"\nsources = ["hf:o/changed:changed.gguf"]\n'
        f'size_bytes = {len(OLD)}\nsha256 = "{sha256(OLD)}"',
        'id = "new"\nfile = "new.gguf"\nsources = ["hf:o/new"]\nsize_about_bytes = 1000',
        'id = "moved"\nfile = "moved.gguf"\nsources = ["hf:o/moved:moved.gguf"]',
        'id = "removed"\nfile = "r.gguf"\nsources = ["hf:o/removed"]',
        'id = "packed"\nfile = "p.gguf"\nsources = ["pypi:packed==1"]\nstarter = true',
    ]
    text = "\n".join(f"[[model]]\n{row}\ndated = 2026-01-01\n" for row in rows)
    monkeypatch.setattr(presets, "read_text", lambda name: text)
    return text


def refresh(capsys: Capture, status: int) -> Any:
    assert main(["models", "refresh", "--json"]) == status
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return json.loads(captured.out)


def states(found: Any) -> dict[str, str]:
    return {row["id"]: row["state"] for row in found["models"]}


@pytest.mark.usefixtures("shipped")
def test_what_changed_is_shown_and_kept(capsys: Capture, paths: Paths, hub: FaultHub) -> None:
    found = refresh(capsys, 1)
    assert states(found) == {
        "same": "same", "changed": "changed", "new": "new", "moved": "gone", "removed": "gone",
    }  # fmt: skip
    assert found["passed_over"] == ["packed"]
    entries = {entry.id: entry for entry in catalogue.load(paths)}
    for name, data in (("same", OLD), ("changed", NEW), ("new", OLD)):
        assert (entries[name].size_bytes, entries[name].sha256) == (len(data), sha256(data)), name
        assert entries[name].checked > entries[name].dated
    # A moved file is named, with what is there instead.
    assert "moved-v2.gguf" in entries["moved"].gone
    assert entries["removed"].gone
    # The second look finds nothing new, and what was replaced can be fetched now.
    again = states(refresh(capsys, 1))
    assert (again["changed"], again["new"]) == ("same", "same")
    assert resolve("changed", paths).sha256 == sha256(NEW)
    sent = hub.bytes_sent("/cdn/")
    assert sent == 0, "no byte of a model was fetched"


@pytest.mark.parametrize("tongue", ["en", "ru"])
@pytest.mark.usefixtures("shipped")
def test_the_screen(tongue: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALOSH_LANG", tongue)
    assert main(["models", "refresh"]) == 1
    text = capsys.readouterr().out
    assert sha256(OLD)[:12] in text
    assert sha256(NEW)[:12] in text
    for name in ("changed", "moved", "removed", "packed"):
        assert name in text
    assert "same:" not in text
    assert "?" not in text


def test_offline_says_so_and_keeps_everything(
    hub: FaultHub, shipped: str, capsys: Capture, paths: Paths
) -> None:
    refresh(capsys, 1)
    kept = paths.catalogue_readings.read_bytes()
    hub.go_offline()
    error = refresh(capsys, 1)["error"]
    assert error["code"] == "catalogue-refresh-offline"
    assert "galosh models refresh" in error["next_step"]
    assert paths.catalogue_readings.read_bytes() == kept


@pytest.mark.usefixtures("shipped")
def test_one_that_fails_does_not_stop_the_others(
    hub: FaultHub, capsys: Capture, paths: Paths
) -> None:
    hub.faults.add("/api/models/o/changed/*", Fault(status=418))
    found = states(refresh(capsys, 1))
    assert (found["changed"], found["new"]) == ("failed", "new")
    entry = catalogue.find(paths, "changed")
    assert entry is not None
    assert (entry.sha256, entry.gone, entry.checked) == (sha256(OLD), "", "")


@pytest.mark.usefixtures("shipped")
def test_a_users_own_entry_keeps_what_they_wrote(
    hub: FaultHub, capsys: Capture, paths: Paths
) -> None:
    hub.add_repo("me/mine", {"mine.gguf": NEW})
    paths.presets.mkdir(parents=True)
    own = paths.presets / "models.toml"
    text = (
        '[[model]]\nid = "mine"\nfile = "mine.gguf"\nsources = ["hf:me/mine"]\n'
        f'sha256 = "{"0" * 64}"\ncolour = "red"\n'
    )
    own.write_text(text)
    found = refresh(capsys, 1)
    assert states(found)["mine"] == "changed"
    entry = catalogue.find(paths, "mine")
    assert entry is not None
    assert (entry.sha256, entry.size_bytes) == ("0" * 64, len(NEW))
    assert entry.extra == {"colour": "red"}
    assert own.read_text() == text


@pytest.mark.usefixtures("shipped")
def test_readings_are_forgotten_when_the_catalogue_is_newer_or_the_file_damaged(
    capsys: Capture, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(capsys, 1)
    newer = presets.read_text("models.toml").replace("2026-01-01", "2999-01-01")
    monkeypatch.setattr(presets, "read_text", lambda name: newer)
    entry = catalogue.find(paths, "changed")
    assert entry is not None
    assert entry.sha256 == sha256(OLD)
    for rubbish in ("{", "[]", '{"format": 1, "models": {"same": {"sources": 3}, "new": 4}}'):
        paths.catalogue_readings.write_text(rubbish)
        assert catalogue.load_readings(paths) == {}
        assert catalogue.find(paths, "same") is not None


def test_the_shipped_file_is_never_written(
    hub: FaultHub, capsys: Capture, paths: Paths, tmp_path: Path
) -> None:
    """The real catalogue against an empty hub: every hub entry is gone, nothing is edited."""
    before = presets.read_text("models.toml")
    found = refresh(capsys, 1)
    assert set(states(found).values()) == {"gone"}
    assert presets.read_text("models.toml") == before
    written = {str(Path(where) / name) for where, _, names in os.walk(tmp_path) for name in names}
    assert written == {str(paths.catalogue_readings)}
