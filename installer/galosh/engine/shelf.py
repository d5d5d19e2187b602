"""The engines on disk: the folders, the pointer to the current one, and their locks.

Rules
- An engine folder appears by one rename, complete with its manifest, or not at all.
- The pointer `current` is replaced durably; whoever reads it sees the old or the new one.
- The engine before a switch stays until `confirm` hears that the new one has answered.
- Folders that start with a dot are work in progress or rubbish of a killed run.
"""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.engine.records import Engine, Manifest, python_of
from galosh.engine.report import Report

MANIFEST = "manifest.json"
POINTER = "current"
STAGING_MARK = ".staging-"
_TRASH_MARK = ".trash-"
# A switch is a few file operations; a build may hold its lock for as long as it compiles.
_POINTER_WAIT_SECONDS = 10.0
_BUILD_WAIT_SECONDS = 4 * 3600.0


@dataclass(frozen=True)
class Pointer:
    """Which engine is in use, which one was before it, and whether the new one has answered."""

    current: str | None = None
    previous: str | None = None
    confirmed: bool = False


def engines(paths: Paths) -> tuple[Engine, ...]:
    """Every complete engine on disk, newest first."""
    found = [engine for folder in _folders(paths) if (engine := _read(folder)) is not None]
    return tuple(sorted(found, key=lambda engine: engine.manifest.built_at, reverse=True))


def find(paths: Paths, build_id: str) -> Engine:
    """The engine with this build id.

    Raises GaloshError `engine-unknown` with the ids there are.
    """
    for engine in engines(paths):
        if engine.build_id == build_id:
            return engine
    known = ", ".join(engine.build_id for engine in engines(paths)) or "–"
    raise GaloshError("engine-unknown", build_id=build_id, known=known)


def current(paths: Paths) -> Engine | None:
    """The engine in use; None when there is none or its folder is gone."""
    return _named(paths, read_pointer(paths).current)


def previous(paths: Paths) -> Engine | None:
    """The engine that was in use before the last switch, while it is kept."""
    return _named(paths, read_pointer(paths).previous)


def read_pointer(paths: Paths) -> Pointer:
    """The pointer as it is on disk; an empty one when there is none or it is damaged."""
    data = durable.read_json(paths.engines / POINTER)
    if not isinstance(data, dict):
        return Pointer()
    now, before = data.get("current"), data.get("previous")
    return Pointer(
        current=now if isinstance(now, str) else None,
        previous=before if isinstance(before, str) else None,
        confirmed=bool(data.get("confirmed")),
    )


def use(paths: Paths, build_id: str) -> None:
    """Switch to an engine that is there and has passed its trial.

    Raises GaloshError `engine-unknown`, `engine-not-proven` or `engine-busy`; the engine in
    use stays then.
    """
    engine = find(paths, build_id)
    if engine.manifest.trial is None or not engine.manifest.trial.ok:
        raise GaloshError("engine-not-proven", build_id=build_id)
    # Its trial answered once already, so nothing is left to confirm and nothing to delete.
    switch(paths, build_id, confirmed=True)


def switch(paths: Paths, build_id: str, *, confirmed: bool) -> None:
    """Point at `build_id`; the engine in use so far becomes the previous one."""
    with _pointer_lock(paths):
        old = read_pointer(paths)
        before = old.previous if old.current in (None, build_id) else old.current
        if before == build_id or _named(paths, before) is None:
            before = None
        _write_pointer(paths, Pointer(build_id, before, confirmed))


def confirm(paths: Paths, build_id: str) -> None:
    """The new engine has answered: the previous one may go, and goes.

    Does nothing when `build_id` is not in use or is confirmed already.
    Raises GaloshError `engine-busy` when the pointer stays locked.
    """
    pointer = read_pointer(paths)
    if pointer.current != build_id or pointer.confirmed:
        return
    with _pointer_lock(paths):
        pointer = read_pointer(paths)
        if pointer.current != build_id or pointer.confirmed:
            return
        _write_pointer(paths, Pointer(build_id, None, True))
    if pointer.previous is not None and pointer.previous != build_id:
        discard(paths.engines / pointer.previous)


def new_staging(paths: Paths) -> Path:
    """A fresh name for an environment under construction, on the volume of the engines."""
    paths.engines.mkdir(parents=True, exist_ok=True)
    return paths.engines / f"{STAGING_MARK}{secrets.token_hex(4)}"


def publish(paths: Paths, staging: Path, build_id: str, manifest: Manifest) -> Engine:
    """Give a finished environment its name; an engine of that name is replaced."""
    target = paths.engines / build_id
    write_manifest(staging, manifest)
    if target.exists():
        discard(target)
    durable.replace(staging, target)
    return Engine(build_id, target, manifest)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Keep what is known about the engine in `folder`."""
    durable.write_json(folder / MANIFEST, manifest.to_json())


def note_worker(engine: Engine, digest: str) -> Engine:
    """Record which worker the engine holds; returns the engine as it is then."""
    manifest = replace(engine.manifest, worker_digest=digest)
    write_manifest(engine.folder, manifest)
    return Engine(engine.build_id, engine.folder, manifest)


def sweep(paths: Paths) -> int:
    """Delete what killed runs left (call with the build lock held); returns how many."""
    if not paths.engines.is_dir():
        return 0
    marks = (STAGING_MARK, _TRASH_MARK)
    dead = [folder for folder in paths.engines.iterdir() if folder.name.startswith(marks)]
    for folder in dead:
        shutil.rmtree(folder, ignore_errors=True)
    durable.remove_leftovers(paths.engines)
    return len(dead)


def discard(folder: Path) -> None:
    """Delete an engine: out of sight in one step first, so that no half of it is ever seen."""
    trash = folder.with_name(f"{_TRASH_MARK}{secrets.token_hex(4)}")
    try:
        folder.rename(trash)
    except FileNotFoundError:
        return
    except OSError:
        # Windows keeps a folder whose program still runs; the next sweep gets it.
        if sys.platform != "win32":
            raise
        return
    shutil.rmtree(trash, ignore_errors=True)


@contextmanager
def build_lock(paths: Paths, report: Report) -> Iterator[None]:
    """Only one build at a time for one home; says so when it has to wait.

    Raises GaloshError `engine-busy` after hours of waiting.
    """
    from filelock import FileLock, Timeout

    paths.engines.mkdir(parents=True, exist_ok=True)
    lock = FileLock(paths.engines / ".build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report.step("engine.step-waiting")
        try:
            lock.acquire(timeout=_BUILD_WAIT_SECONDS, poll_interval=0.2)
        except Timeout as error:
            raise GaloshError("engine-busy", wait_seconds=_BUILD_WAIT_SECONDS) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _pointer_lock(paths: Paths) -> Iterator[None]:
    from filelock import FileLock, Timeout

    paths.engines.mkdir(parents=True, exist_ok=True)
    lock = FileLock(paths.engines / ".pointer.lock")
    try:
        lock.acquire(timeout=_POINTER_WAIT_SECONDS)
    except Timeout as error:
        raise GaloshError("engine-busy", wait_seconds=_POINTER_WAIT_SECONDS) from error
    try:
        yield
    finally:
        lock.release()


def _write_pointer(paths: Paths, pointer: Pointer) -> None:
    durable.write_json(
        paths.engines / POINTER,
        {
            "current": pointer.current,
            "previous": pointer.previous,
            "confirmed": pointer.confirmed,
        },
    )


def _folders(paths: Paths) -> list[Path]:
    try:
        return [
            folder
            for folder in paths.engines.iterdir()
            if folder.is_dir() and not folder.name.startswith(".")
        ]
    except OSError:
        return []


def _named(paths: Paths, build_id: str | None) -> Engine | None:
    # The pointer is a file somebody may have edited: a name never leads out of the folder.
    if not build_id or Path(build_id).name != build_id or build_id.startswith("."):
        return None
    return _read(paths.engines / build_id)


def _read(folder: Path) -> Engine | None:
    data = durable.read_json(folder / MANIFEST)
    if not isinstance(data, dict) or not python_of(folder).exists():
        return None
    try:
        return Engine(folder.name, folder, Manifest.from_json(data))
    except (KeyError, TypeError, ValueError):
        return None
