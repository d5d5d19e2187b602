"""The controller: what is shown in which order, what is skipped, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock

from galosh import hardware
from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.setup import times
from galosh.setup.controller import run_setup
from galosh.setup.steps import EngineStep, Options, Step, Work, choose_model
from galosh.setup.view import Finding, PlannedStep, StepTime, Summary
from tests.fakes.gguf_models import llama


@dataclass
class Recorder:
    """A Delegate that writes down what the user would see."""

    agrees: bool = True
    login: bool = False
    seen: list[str] = field(default_factory=list)
    plan: list[PlannedStep] = field(default_factory=list)

    def found(self, findings: Sequence[Finding]) -> None:
        assert all(finding.value and finding.advice for finding in findings)
        self.seen.append("found " + " ".join(finding.key for finding in findings))

    def planned(self, steps: Sequence[PlannedStep]) -> None:
        self.plan = list(steps)
        self.seen.append("planned")

    def ask_to_begin(self) -> bool:
        self.seen.append("asked")
        return self.agrees

    def ask_about_login(self) -> bool:
        self.seen.append("asked about login")
        return self.login

    def note(self, text: str) -> None:
        self.seen.append("note")

    def begin(self, key: str, title: str, /) -> None:
        self.seen.append(f"begin {key}")

    def end(self, time: StepTime) -> None:
        self.seen.append(f"end {time.key}{' (was done)' if time.reused else ''}")

    def question(self, text: str) -> None: ...

    def answer(self, piece: str) -> None: ...

    def step(self, key: str, **facts: object) -> None: ...

    def progress(self, fraction: float | None, note: str) -> None: ...

    def line(self, text: str) -> None: ...

    def finish(self, summary: Summary) -> None:
        self.seen.append("finish")


@dataclass
class Scripted:
    """A step that does what it is told and remembers on disk that it did."""

    key: str
    marker: Path
    needed: int = 0
    fails: Callable[[], None] | None = None

    def is_done(self, work: Work, /) -> bool:
        return self.marker.exists()

    def estimate_seconds(self, work: Work, /) -> float | None:
        return 3.0

    def needs_bytes(self, work: Work, /) -> int:
        return self.needed

    def run(self, work: Work, /) -> None:
        if self.fails is not None:
            self.fails()
        self.marker.touch()


@pytest.fixture
def steps(tmp_path: Path) -> list[Scripted]:
    return [Scripted(key, tmp_path / key) for key in ("model", "engine", "answer")]


def run(paths: Paths, steps: Sequence[Step], recorder: Recorder, *, yes: bool = False) -> Summary:
    return run_setup(paths, Options(yes=yes), recorder, steps=steps)


def test_a_first_setup_in_order(paths: Paths, steps: list[Scripted]) -> None:
    recorder = Recorder()
    summary = run(paths, steps, recorder)
    recorder.seen = [word for word in recorder.seen if word != "note"]
    assert recorder.seen == [
        "found system cpu memory swap gpu disk display",
        "planned",
        "asked",
        *("begin model", "end model", "begin engine", "end engine"),
        *("begin answer", "end answer", "finish"),
    ]
    assert [(step.key, step.done, step.estimate_seconds) for step in recorder.plan] == [
        ("model", False, 3.0),
        ("engine", False, 3.0),
        ("answer", False, 3.0),
    ]
    assert summary.finished
    assert len(summary.next_things) >= 3
    entries = [entry for entry in times.read(paths) if isinstance(entry, dict)]
    assert [entry["step"] for entry in entries] == ["model", "engine", "answer"]


def test_yes_asks_nothing(paths: Paths, steps: list[Scripted]) -> None:
    recorder = Recorder()
    run(paths, steps, recorder, yes=True)
    assert "asked" not in recorder.seen


def test_no_changes_nothing(paths: Paths, steps: list[Scripted]) -> None:
    recorder = Recorder(agrees=False)
    assert not run(paths, steps, recorder).finished
    assert not any(step.marker.exists() for step in steps)
    assert "begin model" not in recorder.seen


def test_a_failed_step_keeps_the_earlier_ones(paths: Paths, steps: list[Scripted]) -> None:
    def fail() -> None:
        raise GaloshError("setup-answer-empty", model="x")

    steps[1].fails = fail
    with pytest.raises(GaloshError):
        run(paths, steps, Recorder(), yes=True)
    steps[1].fails = None
    recorder = Recorder()
    run(paths, steps, recorder, yes=True)
    assert [step.done for step in recorder.plan] == [True, False, False]
    assert "end model (was done)" in recorder.seen
    assert "end engine" in recorder.seen


def test_an_interruption_leaves_no_lock(paths: Paths, steps: list[Scripted]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    steps[1].fails = interrupt
    with pytest.raises(KeyboardInterrupt):
        run(paths, steps, Recorder(), yes=True)
    steps[1].fails = None
    assert run(paths, steps, Recorder(), yes=True).finished


def test_a_full_disk_inside_a_step_is_explained(paths: Paths, steps: list[Scripted]) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    steps[0].fails = fail
    with pytest.raises(GaloshError) as caught:
        run(paths, steps, Recorder(), yes=True)
    assert caught.value.code == "base-disk-full"


def test_too_small_a_disk_is_refused_before_anything(paths: Paths, steps: list[Scripted]) -> None:
    steps[2].needed = 10**18
    with pytest.raises(GaloshError) as caught:
        run(paths, steps, Recorder(), yes=True)
    assert caught.value.code == "setup-disk-short"
    assert not steps[0].marker.exists()


def test_a_done_step_needs_no_space(paths: Paths, steps: list[Scripted]) -> None:
    steps[2].needed = 10**18
    steps[2].marker.touch()
    assert run(paths, steps, Recorder(), yes=True).finished


def test_a_second_setup_is_kept_out(paths: Paths, steps: list[Scripted]) -> None:
    paths.state.mkdir(parents=True)
    with FileLock(paths.state / "setup.lock"), pytest.raises(GaloshError) as caught:
        run(paths, steps, Recorder(), yes=True)
    assert caught.value.code == "setup-busy"


def test_a_file_in_place_of_a_folder_is_explained(paths: Paths, steps: list[Scripted]) -> None:
    assert paths.home is not None
    paths.home.write_text("a file")
    with pytest.raises(GaloshError) as caught:
        run(paths, steps, Recorder(), yes=True)
    assert caught.value.code == "base-not-writable"


def test_leftovers_of_a_killed_writer_go(paths: Paths, steps: list[Scripted]) -> None:
    paths.models.mkdir(parents=True)
    (paths.models / ".galosh-tmp-abc").write_text("half")
    run(paths, steps, Recorder(), yes=True)
    assert not list(paths.models.iterdir())


class TestChooseModel:
    def test_the_starter_by_default_and_by_name(self, paths: Paths) -> None:
        entry, own = choose_model(paths, None)
        assert own is None
        assert choose_model(paths, entry.id) == (entry, None)

    def test_another_model_follows_after_the_starter(self, paths: Paths) -> None:
        entry, own = choose_model(paths, "qwen3.5-4b")
        assert entry.starter
        assert own is None

    def test_a_file_of_the_users_own(self, paths: Paths, tmp_path: Path) -> None:
        file = tmp_path / "mine.gguf"
        llama().write(file)
        entry, own = choose_model(paths, str(file))
        assert entry.starter
        assert own == file

    @pytest.mark.parametrize(
        ("wanted", "code"),
        [
            ("no-such-model", "setup-model-unknown"),
            ("no/such.gguf", "gguf-not-found"),
        ],
    )
    def test_what_is_not_there_is_named(self, wanted: str, code: str, paths: Paths) -> None:
        with pytest.raises(GaloshError) as caught:
            choose_model(paths, wanted)
        assert caught.value.code == code


class TestEngineStep:
    def work(self, paths: Paths) -> Work:
        entry, _ = choose_model(paths, None)
        return Work(paths, Options(), hardware.probe(paths), SystemClock(), Recorder(), entry)

    def test_a_build_from_source_is_announced_as_long_and_large(self, paths: Paths) -> None:
        step, work = EngineStep(), self.work(paths)
        assert not step.is_done(work)
        estimate = step.estimate_seconds(work)
        assert estimate is not None
        assert estimate > 60
        assert step.needs_bytes(work) > 500_000_000
