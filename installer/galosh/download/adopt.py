"""A file that lies at the target already: if it is what the plan wants, it is not fetched."""

from __future__ import annotations

import hashlib
import zlib

from galosh.base.errors import GaloshError
from galosh.download.conduct import Order
from galosh.download.folder import Folder
from galosh.download.receipt import Receipt, read_receipt, write_receipt
from galosh.download.state import Progress, State


def adopt_target(order: Order, folder: Folder) -> Receipt | None:
    """A receipt for the file at the target if its hash is the planned one; None to fetch.

    A file of ours (it has a receipt) that no longer matches is replaced by the fetch.
    Raises GaloshError `download-target-exists` for somebody else's file.
    """
    layer, plan, target = order.layer, order.plan, order.target
    facts = layer.stat(target)
    if facts is None or layer.stat(folder.plan_file) is not None:
        return None
    if plan.sha256 is not None and plan.size_bytes in (None, facts[0]):
        receipt = _hashed(order, facts[0], facts[2])
        if receipt is not None:
            return receipt
    if read_receipt(layer, target) is None:
        raise GaloshError(
            "download-target-exists",
            path=str(target),
            size_bytes=facts[0],
            file_name=plan.file_name,
            origin=plan.origin,
        )
    return None


def _hashed(order: Order, size_bytes: int, mtime: float) -> Receipt | None:
    chunk_bytes = order.limits.chunk_for(size_bytes)
    file = order.layer.open(order.target, create=False)
    digest, crcs, offset = hashlib.sha256(), [], 0
    try:
        while offset < size_bytes:
            data = file.read(offset, chunk_bytes)
            if not data:
                return None
            digest.update(data)
            crcs.append(zlib.crc32(data))
            offset += len(data)
            _tell(order, offset, size_bytes)
    finally:
        file.close()
    if digest.hexdigest() != order.plan.sha256:
        return None
    receipt = Receipt(
        order.target, digest.hexdigest(), size_bytes, True, mtime,
        order.clock.wall_seconds(), order.plan, chunk_bytes, tuple(crcs),
    )  # fmt: skip
    write_receipt(order.layer, receipt)
    return receipt


def _tell(order: Order, offset: int, size_bytes: int) -> None:
    if order.stop is not None and order.stop.is_set():
        raise GaloshError(
            "download-stopped",
            file_name=order.plan.file_name,
            origin=order.plan.origin,
            kept_bytes=offset,
            key=order.plan.key,
        )
    step = max(1, size_bytes // 50)
    if order.follow is not None and offset // step != (offset - 1) // step:
        order.follow(Progress(State.VERIFYING, size_bytes, size_bytes, verified_bytes=offset))
