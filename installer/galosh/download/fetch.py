"""Fetches what a plan says, from any point an earlier run reached, and returns a receipt.

The entry to the engine. Never starts over, never returns a file it has not hashed.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path

from galosh.base import durable
from galosh.base.clock import Clock, SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download import fence
from galosh.download.adopt import adopt_target
from galosh.download.conduct import Conductor, Order
from galosh.download.fence import Held
from galosh.download.folder import QUARANTINE_MARK, Folder, forget, read_problem, read_stored
from galosh.download.follow import follow_writer
from galosh.download.keeper import FencedOutError
from galosh.download.layer import FileLayer, RealLayer
from galosh.download.limits import Limits
from galosh.download.link import SessionFactory, make_session
from galosh.download.plan import Plan, check_plan
from galosh.download.receipt import Receipt, standing_receipt
from galosh.download.state import Progress

_ROLES_MAX = 20  # changes between writer and follower; two are usual where locks lie


def fetch(
    plan: Plan,
    target: Path,
    paths: Paths,
    *,
    connections: int = 4,
    max_rate_bytes: int = 0,
    follow: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    clock: Clock | None = None,
    io: FileLayer | None = None,
    session: SessionFactory | None = None,
    limits: Limits | None = None,
) -> Receipt:
    """Fetch `plan` to `target`, going on where an earlier run ended. Blocks.

    connections: at most so many links (1-8); it starts with one and adds what pays.
    max_rate_bytes: cap per second over all links, 0 for none. follow: called from this
    thread a few times a second. stop: set it to end soon with everything kept.

    Raises GaloshError: `download-stopped`, `download-paused`, `download-cancelled`; or a
    cause the user must see to (`download-needs-token`, `download-remote-changed`,
    `download-quarantined`, `download-disk-broken` and the others of the catalogue). Waits
    for network, rate and disk are no errors: they are shown through `follow`.
    """
    check_plan(plan)
    order = Order(
        plan, target.absolute(), paths, connections, max_rate_bytes, follow, stop,
        clock or SystemClock(), io or RealLayer(), session or make_session,
        limits or Limits(),
    )  # fmt: skip
    folder = Folder.of(paths, plan.key)
    for _ in range(_ROLES_MAX):
        receipt = standing_receipt(order.layer, order.target, plan)
        if receipt is not None and not order.layer.list(folder.path):
            return receipt
        done = _as_writer_or_follower(order, folder)
        if done is not None:
            return done
    raise GaloshError(
        "download-other-writer",
        file_name=plan.file_name,
        origin=plan.origin,
        kept_bytes=0,
        key=folder.key[:12],
    )


def _as_writer_or_follower(order: Order, folder: Folder) -> Receipt | None:
    """One life as writer or follower; None if the roles changed."""
    held = _take(order, folder)
    if held is None:
        other = follow_writer(order, folder)
        if isinstance(other, Receipt):
            return other
        held = other
    remove = False
    try:
        # The writer before us may have finished between our look and the lock.
        receipt = standing_receipt(order.layer, order.target, order.plan)
        if receipt is None:
            _check_quarantine(order, folder)
            receipt = adopt_target(order, folder)
        if receipt is None:
            receipt = Conductor(order, folder, held).run()
        else:
            forget(order.layer, folder, _part(order, folder))
        remove = True
        return receipt
    except FencedOutError:
        return None  # another writer took over: follow it
    except OSError as error:
        if isinstance(error, FileNotFoundError) or not held.is_there():
            return None  # pulled away by a writer that took over, or by the user
        raise _disk_error(order, folder, error) from error
    except GaloshError as error:
        if error.code == "download-cancelled":
            forget(order.layer, folder, _part(order, folder))
            remove = True
        raise
    finally:
        held.release(remove=remove)
        if remove:
            order.layer.remove_folder(folder.path)


def _take(order: Order, folder: Folder) -> Held | None:
    try:
        order.layer.make_folder(folder.path)
        order.layer.make_folder(order.target.parent)
        return fence.take(order.layer, folder.lock, order.clock)
    except OSError as error:
        raise _disk_error(order, folder, error) from error


def _disk_error(order: Order, folder: Folder, error: OSError) -> GaloshError:
    """What the disk answered before there was a running download to tell it."""
    code = "download-disk-broken"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        code = "download-disk-full"
    elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        code = "download-disk-readonly"
    return GaloshError(
        code,
        file_name=order.plan.file_name, origin=order.plan.origin, kept_bytes=0, key=folder.key,
        folder=str(folder.path), reason=error.strerror or str(error),
        free_bytes=durable.free_bytes(folder.path),
    )  # fmt: skip


def _part(order: Order, folder: Folder) -> Path | None:
    stored = read_stored(order.layer, folder)
    return None if stored is None else stored.part


def _check_quarantine(order: Order, folder: Folder) -> None:
    """A file set aside stays aside until the user removes it: no endless refetching."""
    part = _part(order, folder)
    if part is None:
        return
    if order.layer.stat(part.with_name(part.name + QUARANTINE_MARK)) is not None:
        problem = read_problem(order.layer, folder)
        if problem is not None and problem.code == "download-quarantined":
            raise problem
