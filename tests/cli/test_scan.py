"""`galosh models scan`: other programs' models are found, used in place and never touched."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from galosh.base.paths import Paths
from galosh.cli import main
from galosh.store import ModelStore
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model
from tests.fakes.serving import Running, serving

Capture = pytest.CaptureFixture[str]
NAMES = ("OLLAMA_MODELS", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "AppData" / "Local"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with something of every program; HOME is here."""
    ollama(tmp_path / ".ollama/models", "registry.ollama.ai/library/llama3.2/3b", tiny(1))
    ollama(tmp_path / ".ollama/models", "hf.co/someone/m-GGUF/Q4", tiny(2))
    tiny(3).write(folder(tmp_path / ".lmstudio/models/maker/repo") / "Studio-Q4.gguf")
    hub_repo(tmp_path / ".cache/huggingface/hub", "maker/hubbed", "Hubbed-Q4.gguf", tiny(4))
    tiny(5).write(folder(tmp_path / "jan/models/tiny-jan") / "model.gguf")
    tiny(6).write(folder(tmp_path / "koboldcpp") / "kobold.gguf")
    split(folder(tmp_path / "text-generation-webui/models"), "webui")
    tiny(8).write(folder(tmp_path / ".lmstudio/models/other") / "second.gguf")
    return tmp_path


def folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def tiny(seed: int) -> Model:
    return models.llama(layers=1).changed(**{"general.name": f"Tiny {seed}"})


def split(where: Path, stem: str) -> None:
    whole = models.llama(layers=1)
    for index, tensors in enumerate((whole.tensors[:3], whole.tensors[3:])):
        facts = {"split.no": index, "split.count": 2, "split.tensors.count": len(whole.tensors)}
        metadata = whole.metadata if index == 0 else {"general.architecture": "llama"}
        Model({**metadata, **facts}, tensors).write(where / f"{stem}-{index + 1:05d}-of-00002.gguf")


def ollama(
    base: Path, name: str, model: Model | None, kind: str = "model", separator: str = "-"
) -> Path:
    """A manifest and, of a model, its blob; the blob's path."""
    data = model.to_bytes() if model else b"gone"
    digest = hashlib.sha256(data).hexdigest()
    blob = folder(base / "blobs") / f"sha256{separator}{digest}"
    if model:
        blob.write_bytes(data)
    manifest = base / "manifests" / name
    folder(manifest.parent)
    layers = [
        {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "0" * 64},
        {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{digest}"},
    ]
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return blob


def hub_repo(base: Path, repo: str, file: str, model: Model) -> Path:
    where = base / f"models--{repo.replace('/', '--')}"
    blob = folder(where / "blobs") / ("ab" * 32)
    model.write(blob)
    for revision in ("1111", "2222"):
        snapshot = folder(where / "snapshots" / revision)
        try:
            (snapshot / file).symlink_to(Path("../../blobs") / blob.name)
        except OSError:  # Windows without the privilege: the hub's client then moves the file
            (snapshot / file).hardlink_to(blob)
    return blob


def scan(capsys: Capture, *words: str, status: int = 0) -> Any:
    assert main(["models", "scan", "--json", *words]) == status
    return json.loads(capsys.readouterr().out)


def names(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(row["program"], row["name"]) for row in rows}


def snapshot(root: Path) -> dict[str, tuple[int, int, int]]:
    """Every file's and folder's size, change and mode."""
    found = {}
    for where, folders, files in os.walk(root):
        for name in [*folders, *files, "."]:
            path = Path(where) / name
            facts = path.lstat()
            found[str(path)] = (facts.st_size, facts.st_mtime_ns, facts.st_mode)
    return found


ALL = {
    ("Ollama", "llama3.2:3b"), ("Ollama", "hf.co/someone/m-GGUF:Q4"),
    ("LM Studio", "Studio-Q4"), ("LM Studio", "second"), ("Hugging Face", "Hubbed-Q4"),
    ("Jan", "tiny-jan"), ("KoboldCpp", "kobold"), ("text-generation-webui", "webui"),
}  # fmt: skip


def test_every_programs_models_once(home: Path, capsys: Capture) -> None:
    found = scan(capsys)
    assert names(found["models"]) == ALL
    assert len(found["models"]) == len(ALL)
    assert found["broken"] == found["unreadable"] == []
    (part,) = [row for row in found["models"] if row["name"] == "webui"]
    assert part["path"].endswith("webui-00001-of-00002.gguf")


def test_nothing_of_others_is_written(home: Path, capsys: Capture, paths: Paths) -> None:
    others = [".ollama", ".lmstudio", ".cache", "jan", "koboldcpp", "text-generation-webui"]
    before = {name: snapshot(home / name) for name in others}
    with serving(paths):
        scan(capsys, "--add")
    assert {name: snapshot(home / name) for name in others} == before


def test_broken_ones_are_named_and_helpers_are_not_offered(tmp_path: Path, capsys: Capture) -> None:
    where = folder(tmp_path / ".lmstudio/models/a")
    whole = models.llama().to_bytes()
    (where / "cut.gguf").write_bytes(whole[: len(whole) // 2])
    (where / "ggml-old.bin").write_bytes(b"tjgg" + bytes(4000))
    (where / "notes.bin").write_bytes(b"no model")
    clip: dict[str, object] = {"general.architecture": "clip", "general.type": "mmproj"}
    Model(clip, models.llama().tensors).write(where / "mmproj-f16.gguf")
    lora = {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora"}
    Model({**lora}, models.llama().tensors).write(where / "lora.gguf")
    lone = folder(tmp_path / ".lmstudio/models/b")
    split(lone, "half")
    (lone / "half-00001-of-00002.gguf").unlink()
    base = tmp_path / ".ollama/models"
    ollama(base, "registry.ollama.ai/library/gone/latest", None)
    ollama(base, "registry.ollama.ai/library/look/latest", tiny(1), kind="projector")
    (base / "manifests/registry.ollama.ai/library/torn").mkdir()
    (base / "manifests/registry.ollama.ai/library/torn/latest").write_text("{")
    found = scan(capsys)
    assert found["models"] == []
    reasons = {row["name"]: row["error"]["code"] for row in found["broken"]}
    assert reasons == {
        "cut": "gguf-truncated", "ggml-old": "gguf-legacy", "half": "gguf-not-first-part",
        "gone:latest": "gguf-not-found",
    }  # fmt: skip
    assert {Path(path).name for path in found["not_models"]} == {"mmproj-f16.gguf", "lora.gguf"}
    (torn,) = found["unreadable"]
    assert torn["path"].endswith("latest")
    assert main(["models", "scan"]) == 0
    text = capsys.readouterr().out
    assert "cut off" in text or "cut.gguf" in text
    assert "?" not in text.replace("? ", "")


def test_a_manifest_cannot_lead_out_of_the_blobs(tmp_path: Path, capsys: Capture) -> None:
    base = tmp_path / ".ollama/models"
    ollama(base, "registry.ollama.ai/library/evil/latest", tiny(1))
    manifest = base / "manifests/registry.ollama.ai/library/evil/latest"
    tiny(9).write(tmp_path / "outside.gguf")
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": "../../../outside.gguf"}
    manifest.write_text(json.dumps({"layers": [layer]}))
    found = scan(capsys)
    assert found["models"] == []
    assert len(found["unreadable"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a colon cannot stand in a name there")
def test_ollamas_older_blob_names(tmp_path: Path, capsys: Capture) -> None:
    ollama(tmp_path / ".ollama/models", "registry.ollama.ai/library/a/1", tiny(1), separator=":")
    assert names(scan(capsys)["models"]) == {("Ollama", "a:1")}


def test_folders_from_the_environment(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "big"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / "lc"))
    ollama(tmp_path / "big", "registry.ollama.ai/maker/a/1", tiny(1))
    hub_repo(tmp_path / "hf/hub", "o/r", "h.gguf", tiny(2))
    tiny(3).write(folder(tmp_path / "lc") / "o_r_c.gguf")
    assert names(scan(capsys)["models"]) == {
        ("Ollama", "maker/a:1"), ("Hugging Face", "h"), ("llama.cpp", "o_r_c"),
    }  # fmt: skip


def test_nothing_there(capsys: Capture) -> None:
    assert main(["models", "scan"]) == 0
    assert "No models of other programs" in capsys.readouterr().out


@pytest.fixture
def daemon(paths: Paths) -> Iterator[Running]:
    with serving(paths) as running:
        yield running


def test_add_gives_the_paths_and_names_to_the_daemon(
    home: Path, daemon: Running, capsys: Capture
) -> None:
    rows = scan(capsys, "--add")["models"]
    assert {row["name"]: row["id"] for row in rows}["llama3.2:3b"] == "llama3.2:3b"
    known = daemon.supervisor.models.known
    for row in rows:
        assert known[row["id"]].path == row["path"]
        assert "galosh home" not in row["path"]


def test_the_real_store_takes_a_blob_under_its_name(home: Path, paths: Paths) -> None:
    blob = ollama(home / ".ollama/models", "registry.ollama.ai/library/named/7b", tiny(7))
    store = ModelStore(paths)
    added = store.add(blob, name="named:7b")
    assert (added.id, added.title, added.in_place) == ("named-7b", "named:7b", True)
    again = ModelStore(paths)
    assert again.get("named-7b").path == blob
    assert again.add(blob, name="other") == added  # entered once
    blob.unlink()
    assert again.get("named-7b").error is not None
    again.remove("named-7b")
    assert again.list() == ()
