"""The setup's look at the graphics processor: nothing without one, and it stops nothing."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from galosh.base import durable
from galosh.base.paths import Paths
from galosh.cli import main
from galosh.engine import Engine, current
from galosh.engine.offload_trial import kept
from galosh.engine.records import Manifest, Trial
from galosh.hardware import CpuFacts, Fact, GpuFacts, Machine, MemoryFacts
from galosh.setup.gpu import measure_gpu, measure_where_there_is_one
from tests.fakes.gguf_models import llama

GIB = 1 << 30
CARD = GpuFacts(
    name=Fact("RTX 3060", "t"), vendor=Fact("nvidia", "t"), total_bytes=Fact(12 * GIB, "t"),
    free_bytes=Fact(11 * GIB, "t"), integrated=Fact(value=False, source="t"),
)  # fmt: skip


def pc(*gpus: GpuFacts) -> Machine:
    return Machine(
        cpu=CpuFacts(flags=Fact(frozenset({"avx2"}), "t"), physical_cores=Fact(4, "t")),
        memory=MemoryFacts(Fact(16 * GIB, "t"), Fact(12 * GIB, "t"), Fact(None, "t")),
        gpus=gpus,
    )


def put_engine(paths: Paths, candidate: str) -> Engine:
    folder = paths.engines / "one"
    (folder / "bin").mkdir(parents=True)
    shutil.copy(sys.executable, folder / "bin" / "python")
    manifest = Manifest(version="0.3.36", candidate=candidate, trial=Trial(ok=True))
    durable.write_json(folder / "manifest.json", manifest.to_json())
    durable.write_json(paths.engines / "current", {"current": "one"})
    found = current(paths)
    assert found is not None
    return found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return llama(layers=3).write(tmp_path / "m.gguf", seed=1)


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Trials that a card makes three times as fast."""
    asked: list[int] = []

    def try_engine(*_: object, gpu_layers: int, **__: object) -> Trial:
        asked.append(gpu_layers)
        times = 3.0 if gpu_layers else 1.0
        return Trial(ok=True, prefill_tps=100 * times, decode_tps=10 * times)

    monkeypatch.setattr("galosh.engine.offload_trial.try_engine", try_engine)
    return asked


def test_what_pays_is_kept_for_this_model(paths: Paths, model: Path, trials: list[int]) -> None:
    used = put_engine(paths, "prebuilt-cu125")
    decision = measure_gpu(paths, used, pc(CARD), model)
    assert (decision.layers, decision.reason) == (4, "faster")
    assert trials == [0, 4]
    assert kept(paths, "one", model) == decision


@pytest.mark.parametrize(("gpus", "candidate"), [((), "prebuilt-cu125"), ((CARD,), "prebuilt-cpu")])
def test_nothing_is_tried_where_nothing_can_be_gained(
    paths: Paths, model: Path, trials: list[int], gpus: tuple[GpuFacts, ...], candidate: str
) -> None:
    measure_where_there_is_one(paths, put_engine(paths, candidate), pc(*gpus), model)
    assert trials == []
    assert kept(paths, "one", model) is None


def test_a_model_that_cannot_be_judged_stops_no_setup(paths: Paths, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    measure_where_there_is_one(paths, put_engine(paths, "prebuilt-vulkan"), pc(CARD), broken)
    assert kept(paths, "one", broken) is None


@pytest.mark.parametrize("tongue", ["en", "ru"])
def test_the_command_says_it_in_a_sentence(
    paths: Paths, model: Path, tongue: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], trials: list[int],
) -> None:  # fmt: skip
    put_engine(paths, "prebuilt-cu125")
    monkeypatch.setattr("galosh.hardware.probe", lambda _paths: pc(CARD))
    monkeypatch.setenv("GALOSH_LANG", tongue)
    assert main(["engine", "gpu", "--model", str(model)]) == 0
    text = capsys.readouterr().out
    assert "RTX 3060" in text
    assert "3.00" in text
    assert "?" not in text
    assert main(["engine", "gpu", "--model", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reason"] == "faster"
    assert trials == [0, 4, 0, 4]


def test_without_an_engine_there_is_nothing_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engine", "gpu", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "cli-engine-unknown"
