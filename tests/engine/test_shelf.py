"""Engines on disk: found only when complete, switched atomically, kept until confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.engine import shelf
from galosh.engine.records import Engine, Manifest, Trial
from galosh.engine.report import SilentReport

GOOD = Trial(ok=True, text="Paris", decode_tps=9.5)


def put(paths: Paths, build_id: str, trial: Trial | None = GOOD, built_at: float = 1.0) -> Engine:
    """An engine folder as `publish` leaves it, with a file in the place of Python."""
    staging = shelf.new_staging(paths)
    (staging / "bin").mkdir(parents=True)
    (staging / "bin" / "python").touch()
    manifest = Manifest("0.3.36", "source-cc-native", trial=trial, built_at=built_at)
    return shelf.publish(paths, staging, build_id, manifest)


def test_an_empty_home_has_no_engine(paths: Paths) -> None:
    assert shelf.engines(paths) == ()
    assert shelf.current(paths) is None
    assert shelf.previous(paths) is None
    with pytest.raises(GaloshError) as caught:
        shelf.use(paths, "x")
    assert caught.value.code == "engine-unknown"


def test_a_manifest_survives_the_round_trip(paths: Paths) -> None:
    put(paths, "one")
    [engine] = shelf.engines(paths)
    assert engine.manifest == Manifest("0.3.36", "source-cc-native", trial=GOOD, built_at=1.0)


def test_a_switch_keeps_the_engine_before_until_the_new_one_has_answered(paths: Paths) -> None:
    put(paths, "one")
    shelf.switch(paths, "one", confirmed=False)
    shelf.confirm(paths, "one")
    put(paths, "two", built_at=2.0)
    shelf.switch(paths, "two", confirmed=False)
    now, before = shelf.current(paths), shelf.previous(paths)
    assert now is not None
    assert now.build_id == "two"
    assert before is not None
    assert before.build_id == "one"
    shelf.confirm(paths, "one")
    assert shelf.previous(paths) is not None, "an old engine's answer confirms nothing"
    shelf.confirm(paths, "two")
    assert shelf.previous(paths) is None
    assert [engine.build_id for engine in shelf.engines(paths)] == ["two"]
    shelf.confirm(paths, "two")


def test_the_users_own_choice_deletes_nothing(paths: Paths) -> None:
    put(paths, "one")
    put(paths, "two", built_at=2.0)
    shelf.switch(paths, "two", confirmed=True)
    shelf.use(paths, "one")
    shelf.confirm(paths, "one")
    assert {engine.build_id for engine in shelf.engines(paths)} == {"one", "two"}


def test_an_engine_that_never_passed_cannot_be_used(paths: Paths) -> None:
    put(paths, "one")
    shelf.switch(paths, "one", confirmed=True)
    put(paths, "bad", trial=Trial(ok=False, cause="garbage"))
    with pytest.raises(GaloshError) as caught:
        shelf.use(paths, "bad")
    assert caught.value.code == "engine-not-proven"
    now = shelf.current(paths)
    assert now is not None
    assert now.build_id == "one"


def test_half_made_folders_are_no_engines_and_are_swept(paths: Paths) -> None:
    put(paths, "one")
    (shelf.new_staging(paths) / "bin").mkdir(parents=True)
    (paths.engines / "no-manifest" / "bin").mkdir(parents=True)
    (paths.engines / "damaged").mkdir()
    (paths.engines / "damaged" / "manifest.json").write_text('{"version"')
    assert [engine.build_id for engine in shelf.engines(paths)] == ["one"]
    assert shelf.sweep(paths) == 1
    assert not list(paths.engines.glob(".staging-*"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"current": "../../x"}', '{"current": 5}'])
def test_a_damaged_pointer_points_nowhere(paths: Paths, text: str) -> None:
    put(paths, "one")
    (paths.engines / "current").write_text(text)
    assert shelf.current(paths) is None


def test_a_second_builder_waits_and_says_so(paths: Paths, tmp_path: Path) -> None:
    import threading

    said: list[str] = []
    held = FileLock(paths.engines / ".build.lock")
    paths.engines.mkdir(parents=True)

    class Report(SilentReport):
        def step(self, key: str, **facts: object) -> None:
            said.append(key)
            released.set()

    released = threading.Event()

    def holder() -> None:
        with held:
            ready.set()
            released.wait(10)

    ready = threading.Event()
    thread = threading.Thread(target=holder)
    thread.start()
    ready.wait(10)
    with shelf.build_lock(paths, Report()):
        pass
    thread.join()
    assert said == ["engine.step-waiting"]
