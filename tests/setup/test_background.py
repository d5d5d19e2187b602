"""After the first answer: what is queued, what is said, and that nothing here fails a setup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from galosh import catalogue, hardware
from galosh.base.clock import SystemClock
from galosh.base.paths import Paths
from galosh.setup.background import fetch_recommended
from galosh.setup.steps import Options, Work
from galosh.setup.view import FirstAnswer
from tests.fakes.gguf_models import llama
from tests.fakes.hub import FaultHub
from tests.fakes.serving import Running, serving
from tests.setup.test_controller import Recorder

ENTRY = """
[[model]]
id = "mine"
title = "Mine"
file = "mine-Q4_K_M.gguf"
sources = ["hf:me/mine-GGUF:Q4_K_M"]
"""


@dataclass
class Noting(Recorder):
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, paths: Paths) -> Iterator[FaultHub]:
    paths.presets.mkdir(parents=True)
    (paths.presets / "models.toml").write_text(ENTRY)
    with FaultHub() as hub:
        file = tmp_path / "made.gguf"
        llama().write(file)
        hub.add_repo("me/mine-GGUF", {"mine-Q4_K_M.gguf": file.read_bytes()})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def daemon(hub: FaultHub, paths: Paths) -> Iterator[Running]:
    with serving(paths) as running:
        yield running


def work_of(paths: Paths, options: Options) -> tuple[Work, Noting]:
    noting = Noting()
    machine = hardware.probe(paths)
    work = Work(paths, options, machine, SystemClock(), noting, catalogue.starter(paths))
    work.answer = FirstAnswer("?", "!", None, None)
    return work, noting


def test_the_model_asked_for_is_queued_to_take_over(daemon: Running, paths: Paths) -> None:
    work, noting = work_of(paths, Options(model="mine"))
    assert fetch_recommended(work) == "mine"
    (note,) = noting.notes
    assert note.startswith("Mine (")
    assert "takes over" in note
    for event in daemon.client.events(after=0):
        if event.name == "download.done":
            break
    (view,) = daemon.client.downloads()
    assert (view["source"], view["purpose"]) == ("mine", "recommended")
    assert (paths.models / "mine-Q4_K_M.gguf").exists()


def test_without_the_hub_one_sentence(
    daemon: Running, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    work, noting = work_of(paths, Options(model="mine"))
    assert fetch_recommended(work) is None
    (note,) = noting.notes
    assert "galosh pull mine" in note
    assert daemon.client.downloads() == []


def test_what_the_hub_refuses_is_said(daemon: Running, hub: FaultHub, paths: Paths) -> None:
    hub.add_repo("me/mine-GGUF", {"mine-Q4_K_M.gguf": b"GGUF"}, gated=True)
    work, noting = work_of(paths, Options(model="mine"))
    assert fetch_recommended(work) is None
    assert "not queued" in noting.notes[0]


def test_starter_only_is_said_plainly(paths: Paths) -> None:
    work, noting = work_of(paths, Options(starter_only=True))
    assert fetch_recommended(work) is None
    assert len(noting.notes) == 1
