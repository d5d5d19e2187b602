"""The ghost load: the engine's own numbers without weights, and what becomes of bad headers."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from galosh.engine.records import Engine
from galosh.fit import HeaderPart, RunSettings, ghost, ghost_load
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model, Typed

ONE = [RunSettings(512)]
GIB = 1 << 30


def header_of(model: Model, name: str = "model.gguf") -> HeaderPart:
    head = model.header()
    return HeaderPart(name, head, len(head) + model.data_bytes)


def program(path: Path, body: str) -> Path:
    """Stands in for an engine's interpreter."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.engine
def test_a_header_alone_says_what_the_file_says(real_engine: Engine, tmp_path: Path) -> None:
    model = models.gemma3()
    file = model.write(tmp_path / "m.gguf")
    settings = [RunSettings(n, sequences=2) for n in (256, 2048)]
    here = ghost_load(real_engine.python, file, settings)
    there = ghost_load(real_engine.python, [header_of(model)], settings, folder=tmp_path)
    assert here.status == there.status == "ok"
    assert here.contexts == there.contexts
    assert here.contexts[0].cache_bytes < here.contexts[1].cache_bytes
    assert list(tmp_path.iterdir()) == [file]  # the stand-in is gone


@pytest.mark.engine
def test_a_model_of_many_gigabytes_takes_no_disk(real_engine: Engine, tmp_path: Path) -> None:
    big = models.llama(60, 8192, 64, 8, 28672, 32000, 131072, "Q4_K")
    assert big.data_bytes > 25 * GIB
    answer = ghost_load(real_engine.python, [header_of(big)], ONE, folder=tmp_path)
    assert answer.status == "ok"
    assert answer.contexts[0].cache_bytes == 512 * 60 * 2 * 1024 * 2


@pytest.mark.engine
def test_parts_of_a_split_model(real_engine: Engine, tmp_path: Path) -> None:
    whole = models.llama()
    split = {
        "split.count": Typed("u16", 2),
        "split.tensors.count": Typed("i32", len(whole.tensors)),
    }
    first = Model({**whole.metadata, **split, "split.no": Typed("u16", 0)}, whole.tensors[:5])
    second = Model({**split, "split.no": Typed("u16", 1)}, whole.tensors[5:])
    parts = [
        header_of(first, "a/m-00001-of-00002.gguf"),
        header_of(second, "a/m-00002-of-00002.gguf"),
    ]
    answer = ghost_load(real_engine.python, parts, ONE, folder=tmp_path)
    alone = ghost_load(real_engine.python, [header_of(whole)], ONE)
    assert (answer.status, answer.contexts) == ("ok", alone.contexts)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("status", "make"),
    [
        ("too-old", lambda: models.llama().changed(general__architecture="galosh9")),
        ("refused", lambda: models.llama().changed(llama__attention__head_count=3)),
        ("refused", lambda: models.llama().changed(tokenizer__ggml__tokens=[1, 2, 3])),
        ("refused", lambda: models.llama().changed(general__alignment=Typed("u32", 3))),
        # Each of these ends llama.cpp itself: an abort, a division by zero.
        ("crashed", lambda: models.moe().changed(llama__expert_used_count=9)),
        ("crashed", lambda: models.llama().changed(llama__block_count=2**31 - 1)),
        ("crashed", lambda: models.qwen35().changed(qwen35__full_attention_interval=0)),
    ],
)
def test_hostile_headers_end_in_a_statement(
    real_engine: Engine, tmp_path: Path, status: str, make: Callable[[], Model]
) -> None:
    answer = ghost_load(real_engine.python, [header_of(make())], ONE, folder=tmp_path)
    assert (answer.status, answer.contexts) == (status, ())
    assert answer.detail
    assert list(tmp_path.iterdir()) == []


@pytest.mark.engine
def test_bytes_that_are_no_header(real_engine: Engine, tmp_path: Path) -> None:
    head = models.llama().header()
    for data in (b"", b"GGUF", b"\xff" * 4096, head[: len(head) // 2]):
        answer = ghost_load(real_engine.python, [HeaderPart("m", data, 1 << 20)], ONE)
        assert answer.status == "refused", data[:8]
    assert ghost_load(real_engine.python, tmp_path / "none.gguf", ONE).status == "refused"


@pytest.mark.engine
def test_a_header_cannot_take_all_memory(real_engine: Engine) -> None:
    """A state of 16 GiB, which the engine would write zeros over."""
    greedy = models.mamba(layers=1, inner=1024, state=1 << 20)
    answer = ghost_load(real_engine.python, [header_of(greedy)], [RunSettings(512, sequences=4)])
    assert answer.status in ("refused", "crashed")


@pytest.mark.engine
def test_an_engine_that_takes_too_long(real_engine: Engine) -> None:
    begun = time.monotonic()
    answer = ghost_load(real_engine.python, [header_of(models.llama())], ONE, limit_seconds=0.01)
    assert answer.status == "timeout"
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("exec sleep 600", "timeout"),
        ("exit 0", "crashed"),
        ("exit 9", "crashed"),
        ("kill -SEGV $$", "crashed"),
        ("echo rubbish", "crashed"),
        ("echo '[1, 2]'", "crashed"),
        ('echo \'{"contexts": [["another wording"]]}\'', "refused"),
        ("echo '{\"contexts\": []}'", "refused"),
    ],
)
def test_whatever_the_child_does(tmp_path: Path, body: str, status: str) -> None:
    python = program(tmp_path / "python", body)
    answer = ghost_load(
        python, tmp_path / "m.gguf", ONE, limit_seconds=1 if "sleep" in body else 60
    )
    assert (answer.status, answer.contexts) == (status, ())


def test_no_engine_and_no_folder(tmp_path: Path) -> None:
    part = header_of(models.llama())
    assert ghost_load(tmp_path / "none", [part], ONE).status == "no-engine"
    answer = ghost_load(tmp_path / "none", [part], ONE, folder=tmp_path / "none")
    assert answer.status == "no-room"


def test_a_file_system_without_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT and exFAT write every byte of a hole: it is noticed before the disk is full."""
    longest = 0

    def on_disk(file: object) -> int:
        nonlocal longest
        longest = max(longest, Path(file.name).stat().st_size)  # type: ignore[attr-defined]
        return 1 << 40

    monkeypatch.setattr(ghost, "_on_disk", on_disk)
    part = HeaderPart("m.gguf", models.llama().header(), 100 * GIB)
    answer = ghost_load(tmp_path / "python", [part], ONE, folder=tmp_path)
    assert (answer.status, answer.detail) == ("no-room", "no sparse files")
    assert longest < 64 << 20
    assert list(tmp_path.iterdir()) == []


def test_names_from_the_network_stay_in_the_folder(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    seen = tmp_path / "seen.json"
    python = program(tmp_path / "python", f"cat > '{seen}'")
    part = HeaderPart("../../evil.gguf", models.llama().header(), 1 << 20)
    ghost_load(python, [part], ONE, folder=place)
    assert Path(json.loads(seen.read_text())["path"]).parent.parent == place
    assert sorted(p.name for p in tmp_path.iterdir()) == ["place", "python", "seen.json"]
