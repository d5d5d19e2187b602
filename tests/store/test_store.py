"""The store over real files: listing, adding, removing, choosing."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.presets.shelf import Shelf
from galosh.store import ModelStore, StoredModel
from galosh.store.store import best
from tests.fakes import gguf_models
from tests.fakes.gguf_writer import Model


@pytest.fixture
def store(paths: Paths) -> ModelStore:
    """An empty store."""
    paths.models.mkdir(parents=True)
    return ModelStore(paths)


def make(path: Path, **changes: object) -> Path:
    """A sound small model file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return gguf_models.llama(layers=1).changed(**changes).write(path)


def split(folder: Path, stem: str) -> list[Path]:
    """A sound model in two files."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = gguf_models.llama(layers=1)
    halves = (whole.tensors[:3], whole.tensors[3:])
    made = []
    for number, tensors in enumerate(halves):
        metadata = whole.metadata if number == 0 else {"general.architecture": "llama"}
        facts = {"split.no": number, "split.count": 2, "split.tensors.count": len(whole.tensors)}
        part = Model({**metadata, **facts}, list(tensors))
        made.append(part.write(folder / f"{stem}-0000{number + 1}-of-00002.gguf"))
    return made


def code(work: object) -> str:
    """The code of the error that calling `work` raises."""
    with pytest.raises(GaloshError) as caught:
        work()  # type: ignore[operator]
    assert "?" not in str(caught.value)
    return caught.value.code


def test_an_empty_store(store: ModelStore) -> None:
    assert store.list() == ()
    assert store.default("") is None
    assert code(lambda: store.get("x")) == "store-model-unknown"


def test_models_are_found_with_what_their_headers_say(store: ModelStore, paths: Paths) -> None:
    file = make(paths.models / "My Model.Q4.gguf", general__name="My Model")
    make(paths.models / "folder" / "other.gguf")
    make(paths.models / "folder" / "deeper" / "unseen.gguf")
    (paths.models / "notes.txt").write_text("x")
    first, second = store.list()
    assert first == StoredModel(
        id="my-model.q4", title="My Model", path=file, size_bytes=file.stat().st_size,
        in_place=False, architecture="llama", context_length=512, file_type="F32",
        parameters=first.parameters, sampler=first.sampler,
    )  # fmt: skip
    # Its authors advise nothing.
    assert first.sampler == Shelf(paths).sampler("balanced").sampling
    assert first.parameters
    assert second.id == "other"
    assert json.dumps([model.to_json() for model in store.list()])


def test_models_are_found_by_id_case_and_file_name(store: ModelStore, paths: Paths) -> None:
    make(paths.models / "Alpha.gguf")
    assert store.get("alpha") == store.get("ALPHA") == store.get("Alpha.gguf")


@pytest.mark.parametrize(
    "name", ["../alpha", "/etc/passwd", "alpha/../alpha", "alpha\0", "C:\\x", "", ".", "\ud800"]
)
def test_no_name_leads_anywhere_else(store: ModelStore, paths: Paths, name: str) -> None:
    make(paths.models / "alpha.gguf")
    assert code(lambda: store.get(name)) == "store-model-unknown"
    assert code(lambda: store.remove(name)) == "store-model-unknown"
    assert code(lambda: store.own_path(name)) == "store-name-unsafe"


def test_own_path_is_in_the_models_folder(store: ModelStore, paths: Paths) -> None:
    assert store.own_path("a b.gguf") == paths.models / "a b.gguf"


def test_broken_files_are_named_and_hide_nothing(store: ModelStore, paths: Paths) -> None:
    whole = make(paths.models / "good.gguf").read_bytes()
    (paths.models / "half.gguf").write_bytes(whole[: len(whole) // 2])
    (paths.models / "page.gguf").write_text("<html>Not found</html>")
    (paths.models / "empty.gguf").write_bytes(b"")
    odd: set[str] = set()
    if sys.platform != "win32":
        os.mkfifo(paths.models / "pipe.gguf")
        odd.add("pipe")
    found = {model.id: model for model in store.list()}
    assert set(found) == {"good", "half", "page", "empty"} | odd
    assert [name for name, model in found.items() if model.problem is None] == ["good"]
    assert found["half"].error is not None
    assert found["half"].error.code == "gguf-truncated"
    assert store.default("") == found["good"]


def test_the_list_is_remembered_until_a_file_changes(
    store: ModelStore, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(paths.models / "a.gguf")
    checked: list[Path] = []
    from galosh.store import facts

    plain = facts.read_facts

    def counted(path: Path) -> facts.FileFacts:
        checked.append(path)
        return plain(path)

    monkeypatch.setattr(facts, "read_facts", counted)
    first = store.list()
    assert ModelStore(paths).list() == first
    assert checked == [file]
    file.write_bytes(b"")
    os.utime(file, ns=(1, 1))
    again = ModelStore(paths).list()
    assert again[0].problem is not None
    assert ModelStore(paths).list()[0].problem == again[0].problem
    assert checked == [file, file]


def test_a_damaged_memory_only_costs_time(store: ModelStore, paths: Paths) -> None:
    make(paths.models / "a.gguf")
    before = store.list()
    for text in ("", "{}", '{"version": 1, "files": {"x": 3}}', '{"version": 1, "files": []}'):
        (paths.state / "models-seen.json").write_text(text)
        assert ModelStore(paths).list() == before


def test_a_hundred_models_are_listed_quickly(store: ModelStore, paths: Paths) -> None:
    """Over the quarter second: a hundred files are made and checked once."""
    data = gguf_models.llama(layers=1).to_bytes()
    for number in range(100):
        (paths.models / f"m{number:03d}.gguf").write_bytes(data)
    store.list()
    begun = time.monotonic()
    assert len(store.list()) == 100
    assert time.monotonic() - begun < 0.25


def test_used_in_place_and_forgotten(store: ModelStore, paths: Paths, tmp_path: Path) -> None:
    file = make(tmp_path / "Elsewhere — тут.gguf")
    added = store.add(file)
    assert (added.in_place, added.path) == (True, file)
    assert store.add(file) == added
    assert [model.path for model in ModelStore(paths).list()] == [file]
    assert store.remove(added.id) == added
    assert file.exists()
    assert store.list() == ()


def test_copied_and_deleted(store: ModelStore, paths: Paths, tmp_path: Path) -> None:
    file = make(tmp_path / "x.gguf")
    store.add(file)
    added = store.add(file, copy=True)
    assert added.path == paths.models / "x.gguf"
    assert added.path.read_bytes() == file.read_bytes()
    assert not added.in_place
    assert code(lambda: store.add(file, copy=True)) == "store-name-taken"
    store.remove(added.id)
    assert not added.path.exists()
    assert file.exists()
    assert sorted(p.name for p in paths.models.iterdir()) == []


def test_adding_what_lies_in_the_folder_changes_nothing(store: ModelStore, paths: Paths) -> None:
    added = store.add(make(paths.models / "a.gguf"))
    assert not added.in_place
    assert not (paths.data / "models.json").exists()


def test_a_split_model_is_one(store: ModelStore, paths: Paths, tmp_path: Path) -> None:
    parts = split(paths.models / "big", "Big")
    (found,) = store.list()
    assert (found.id, found.problem, found.path) == ("big", None, parts[0])
    assert found.size_bytes == sum(part.stat().st_size for part in parts)
    outside = split(tmp_path / "there", "Far")
    assert store.add(outside[1]).path == outside[0]
    parts[1].unlink()
    assert store.get("big").problem is not None
    store.remove("big")
    assert not parts[0].parent.exists()


def test_parts_without_their_first_are_one_incomplete_model(
    store: ModelStore, paths: Paths
) -> None:
    for part in split(paths.models, "Big")[:1]:
        part.unlink()
    (found,) = store.list()
    assert found.problem is not None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "gguf-not-found"),
        (b"", "gguf-not-a-model"),
        (b"<html>", "gguf-not-a-model"),
        (b"tjgg\x03\0\0\0" + bytes(100), "gguf-legacy"),
    ],
)
def test_what_is_no_model_is_not_added(
    store: ModelStore, paths: Paths, tmp_path: Path, content: bytes | None, expected: str
) -> None:
    file = tmp_path / "bad.gguf"
    if content is not None:
        file.write_bytes(content)
    assert code(lambda: store.add(file)) == expected
    assert store.list() == ()


def test_a_full_disk_stops_a_copy_before_it_begins(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galosh.base.durable.free_bytes", lambda path: 1000)
    file = make(tmp_path / "x.gguf")
    assert code(lambda: store.add(file, copy=True)) == "store-no-room"


def test_a_model_in_place_that_is_away_is_listed_as_such(store: ModelStore, tmp_path: Path) -> None:
    file = make(tmp_path / "usb" / "x.gguf")
    added = store.add(file)
    file.unlink()
    (found,) = store.list()
    assert found.id == added.id
    assert found.error is not None
    assert found.error.code == "store-file-missing"
    store.remove(found.id)
    assert store.list() == ()


def test_ids_are_unique_and_own_files_come_first(
    store: ModelStore, paths: Paths, tmp_path: Path
) -> None:
    store.add(make(tmp_path / "same.gguf"))
    make(paths.models / "same.gguf")
    make(paths.models / "x" / "same.gguf")
    found = store.list()
    assert [model.id for model in found] == ["same", "same-2", "same-3"]
    assert [model.in_place for model in found] == [False, False, True]


def test_the_record_keeps_fields_it_does_not_know(
    store: ModelStore, paths: Paths, tmp_path: Path
) -> None:
    a, b = make(tmp_path / "a.gguf"), make(tmp_path / "b.gguf")
    record = {"later": 1, "models": [{"path": str(a), "mood": "good"}, {"odd": 1}, 7]}
    (paths.data / "models.json").write_text(json.dumps(record))
    store.add(b)
    written = json.loads((paths.data / "models.json").read_text())
    assert written["later"] == 1
    assert written["models"][0] == {"path": str(a), "mood": "good"}
    assert [model.id for model in store.list()] == ["a", "b"]


def test_a_damaged_record_is_set_aside(store: ModelStore, paths: Paths, tmp_path: Path) -> None:
    (paths.data / "models.json").write_text("{half")
    store.add(make(tmp_path / "a.gguf"))
    assert [model.id for model in store.list()] == ["a"]
    assert [p.read_text() for p in paths.data.glob("models.json.damaged-*")] == ["{half"]


def test_catalogue_models_have_their_catalogue_id(store: ModelStore, paths: Paths) -> None:
    file = make(paths.models / "Named.gguf")
    paths.presets.mkdir(parents=True)
    entry = '[[model]]\nid = "nice-id"\ntitle = "Nice"\nfile = "named.gguf"\nsources = []\n'
    size = f"size_bytes = {file.stat().st_size}\n"
    (paths.presets / "models.toml").write_text(entry + size)
    assert (store.get("nice-id").title, store.get("nice-id").catalogued) == ("Nice", True)
    (paths.presets / "models.toml").write_text(entry + "size_bytes = 5\n")
    assert store.get("named").catalogued is False
    (paths.presets / "models.toml").write_text("[[model")
    assert store.get("named").catalogued is False


def test_the_default_is_what_was_chosen_else_what_fits(store: ModelStore, paths: Paths) -> None:
    make(paths.models / "a.gguf")
    gguf_models.llama(layers=3).write(paths.models / "b.gguf")
    assert store.default("a") == store.get("a")
    assert store.default("gone") == store.get("b")
    paths.config.mkdir(parents=True)
    paths.settings_file.write_text('[model]\ndefault = "a"\n')
    assert store.default() == store.get("a")


def test_the_best_model_leaves_room_in_memory() -> None:
    def sized(name: str, size: int) -> StoredModel:
        return StoredModel(name, name, Path(name), size, False)

    small, middle, huge = sized("s", 100), sized("m", 500), sized("h", 5000)
    assert best([huge, small, middle], 1000) == middle
    assert best([huge, small, middle], 10_000) == huge
    assert best([huge, middle], 10) == middle
    assert best([huge, small], None) == small
    assert best([], 1000) is None
