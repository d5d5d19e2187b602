"""Lists downloads from their files and acts on them: pause, resume, cancel, remove.

Works beside a running writer in any process: a wish is a small file that the writer sees
within a second. Nothing larger than a wish is deleted while a writer lives.
"""

from __future__ import annotations

from galosh.base.clock import Clock, SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download import fence
from galosh.download.folder import (
    QUARANTINE_MARK,
    Folder,
    Stored,
    forget,
    read_problem,
    read_stored,
)
from galosh.download.journal import Ledger
from galosh.download.layer import FileLayer, RealLayer, write_whole
from galosh.download.plan import Plan
from galosh.download.state import DownloadStatus, Evidence, derive_state, state_named


def downloads(paths: Paths, *, io: FileLayer | None = None) -> tuple[DownloadStatus, ...]:
    """Every unfinished download, running or not, as its files tell it."""
    layer = io or RealLayer()
    found = [Folder(paths.downloads / name) for name in layer.list(paths.downloads)]
    return tuple(
        _status(layer, folder, SystemClock()) for folder in found if layer.list(folder.path)
    )


def stored_plan(paths: Paths, key: str, *, io: FileLayer | None = None) -> Stored | None:
    """Plan and target of a download, to go on with it (tokens must be added anew)."""
    return read_stored(io or RealLayer(), Folder.of(paths, key))


def pause(paths: Paths, key: str, *, io: FileLayer | None = None) -> None:
    """Stop the transfer and keep everything until `resume`. Raises `download-unknown`."""
    layer, folder = _known(paths, key, io)
    write_whole(layer, folder.paused, b"\n")


def resume(paths: Paths, key: str, *, io: FileLayer | None = None) -> Plan | None:
    """Take the pause and a known problem away; the plan for whoever fetches it now.

    Raises GaloshError `download-unknown`.
    """
    layer, folder = _known(paths, key, io)
    layer.remove(folder.paused)
    layer.remove(folder.problem)
    stored = read_stored(layer, folder)
    return None if stored is None else stored.plan


def cancel(paths: Paths, key: str, *, io: FileLayer | None = None) -> None:
    """End it and delete what was fetched; a running writer does so within a second."""
    layer, folder = _known(paths, key, io)
    write_whole(layer, folder.cancelled, b"\n")
    _remove_if_free(layer, folder)


def remove(paths: Paths, key: str, *, io: FileLayer | None = None) -> None:
    """Delete an unfinished download. Raises `download-unknown` or `download-running`."""
    layer, folder = _known(paths, key, io)
    if not _remove_if_free(layer, folder):
        stored = read_stored(layer, folder)
        name = stored.plan.file_name if stored else folder.key
        raise GaloshError("download-running", key=folder.key, file_name=name)


def _remove_if_free(layer: FileLayer, folder: Folder, clock: Clock | None = None) -> bool:
    held = fence.take(layer, folder.lock, clock or SystemClock())
    if held is None:
        return False
    try:
        stored = read_stored(layer, folder)
        forget(layer, folder, None if stored is None else stored.part)
    finally:
        held.release(remove=True)
        layer.remove_folder(folder.path)
    return True


def _known(paths: Paths, key: str, io: FileLayer | None) -> tuple[FileLayer, Folder]:
    """The download whose key is or begins with `key`."""
    layer = io or RealLayer()
    names = [name for name in layer.list(paths.downloads) if layer.list(paths.downloads / name)]
    matching = [name for name in names if name == key] or [
        name for name in names if len(key) >= 4 and name.startswith(key)
    ]
    if len(matching) != 1:
        raise GaloshError("download-unknown", key=key, known=", ".join(names) or "–")
    return layer, Folder.of(paths, matching[0])


def _status(layer: FileLayer, folder: Folder, clock: Clock) -> DownloadStatus:
    stored = read_stored(layer, folder)
    ledger = Ledger()
    ledger.apply_all(layer.read_all(folder.journal) or b"")
    held = fence.is_held(layer, folder.lock, clock)
    problem = read_problem(layer, folder)
    size = None if stored is None else stored.plan.size_bytes
    state = derive_state(
        Evidence(
            has_plan=stored is not None,
            held=held,
            paused=layer.stat(folder.paused) is not None,
            quarantined=_aside(layer, stored),
            problem=problem is not None,
            all_chunks=size is not None and ledger.kept_bytes == size,
            last_state=None if ledger.last_state is None else state_named(ledger.last_state.index),
        )
    )
    return DownloadStatus(
        key=folder.key,
        file_name=None if stored is None else stored.plan.file_name,
        origin=None if stored is None else stored.plan.origin,
        target=None if stored is None else str(stored.target),
        size_bytes=size,
        kept_bytes=ledger.kept_bytes,
        state=state,
        running=held,
        error=problem,
    )


def _aside(layer: FileLayer, stored: Stored | None) -> bool:
    if stored is None:
        return False
    return layer.stat(stored.part.with_name(stored.part.name + QUARANTINE_MARK)) is not None
