"""The starter model on disk: whether it is there and whole, and how it gets there.

The download engine fetches it, so that a cut line or a stopped setup never starts over; the
engine's receipt beside the file says that the very bytes were hashed once, so that a second
run need not read 100 MB again. Where the engine cannot find the package in the user's index
(a keyring, an index of an old kind), pip itself is asked.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from galosh.base.clock import Clock, SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.catalogue import Entry
from galosh.download.deliver import Options, deliver
from galosh.download.layer import RealLayer
from galosh.download.plan import Authority, Plan
from galosh.download.receipt import read_receipt
from galosh.download.resolved import Resolved
from galosh.download.sources import resolve
from galosh.download.state import Progress, State
from galosh.download.verify import check_again, vouch
from galosh.engine.report import Report
from galosh.setup.wheel import fetch_from_package

# Somebody watches a setup: it states what it waits for rather than waiting without end.
_PATIENCE_SECONDS = 120.0
_DAMAGED = ("download-wheel-damaged", "download-hash-differs", "download-quarantined")


def obtain(paths: Paths, entry: Entry, report: Report, clock: Clock | None = None) -> Path:
    """Fetch `entry` to its place and note its receipt.

    Raises GaloshError `setup-model-damaged`, the cause of a wait that lasts, and what the
    engine or `fetch_from_package` raise. What was fetched is kept.
    """
    target = paths.models / entry.file_name
    resolved = _look_up(paths, entry)
    if resolved is None:
        path = fetch_from_package(paths, entry, report)
        _vouch(path, entry)
        return path
    report.line(", ".join(plan.file_name for plan in resolved.plans))
    watcher = _Watcher(report, clock or SystemClock())
    options = Options(follow=watcher.see, stop=watcher.stop)
    try:
        deliver(resolved, target, paths, options)
    except GaloshError as error:
        if error.code == "download-stopped" and watcher.cause is not None:
            raise watcher.cause from error
        if error.code in _DAMAGED:
            raise GaloshError(
                "setup-model-damaged", title=entry.title, requirement=resolved.source
            ) from error
        raise
    return target


def whole(paths: Paths, entry: Entry) -> Path | None:
    """The model's file when it is there with the bytes the catalogue pins, else None.

    Hashes a file whose receipt is missing or out of date (1 s for 100 MB).
    """
    path = paths.models / entry.file_name
    try:
        size_bytes = path.stat().st_size
    except OSError:
        return None
    if entry.size_bytes is not None and size_bytes != entry.size_bytes:
        return None
    known = receipt_hash(path)
    if known is not None and known == entry.sha256:
        return path
    return path if _vouch(path, entry) else None


def receipt_hash(path: Path) -> str | None:
    """The hash in `path`'s receipt, None when the file changed since or has no receipt."""
    receipt = read_receipt(RealLayer(), path)
    facts = path.stat()
    if receipt is None or receipt.size_bytes != facts.st_size:
        return None
    return receipt.sha256 if receipt.mtime_seconds == facts.st_mtime else None


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError."""
    return check_again(path).sha256


@dataclass
class _Watcher:
    """Shows the engine's progress as setup's, and ends a wait that lasts."""

    report: Report
    clock: Clock
    stop: threading.Event = field(default_factory=threading.Event)
    cause: GaloshError | None = None
    waiting_since_seconds: float | None = None

    def see(self, progress: Progress) -> None:
        """One look."""
        wait = progress.waiting
        if wait is None:
            self.waiting_since_seconds = None
            self._show(progress)
            return
        now = self.clock.monotonic_seconds()
        since = self.waiting_since_seconds = self.waiting_since_seconds or now
        self.report.progress(None, wait.error().what)
        if wait.state is State.WAITING_DISK or now - since > _PATIENCE_SECONDS:
            self.cause = wait.error()
            self.stop.set()

    def _show(self, progress: Progress) -> None:
        size = progress.size_bytes
        if progress.state is State.VERIFYING:
            self.report.progress(1.0, say("setup.unpacking"))
        elif size:
            note = say("setup.fetched", seen_bytes=progress.kept_bytes, total_bytes=size)
            self.report.progress(progress.kept_bytes / size, note)


def _look_up(paths: Paths, entry: Entry) -> Resolved | None:
    """What the entry's first package is; None where only pip may find it."""
    source = next((one for one in entry.sources if one.startswith("pypi:")), None)
    if source is None:
        return None
    try:
        return resolve(source, paths, sha256=entry.sha256)
    except GaloshError:
        return None


def _vouch(path: Path, entry: Entry) -> bool:
    """Hash the file; note it, if it is what the catalogue pins."""
    checked = check_again(path, entry.sha256)
    if not checked.sound:
        return False
    source = entry.sources[0] if entry.sources else entry.id
    authority: Authority = "none" if entry.sha256 is None else "catalogue"
    vouch(
        checked,
        Plan(path.name, checked.size_bytes, checked.sha256, authority, (), source, expects="gguf"),
    )
    return True
