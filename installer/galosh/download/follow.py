"""The second process on the same download: it writes nothing and shows what the first does."""

from __future__ import annotations

from galosh.base.errors import GaloshError
from galosh.download import fence
from galosh.download.conduct import Order
from galosh.download.fence import Held
from galosh.download.folder import Folder, read_stored
from galosh.download.journal import RECORD_BYTES, Ledger
from galosh.download.layer import File
from galosh.download.receipt import Receipt, standing_receipt
from galosh.download.speed import Speed, eta_seconds
from galosh.download.state import CAUSES, Progress, State, Wait, state_named


def follow_writer(order: Order, folder: Folder) -> Receipt | Held:
    """Show the writer's progress until the file is there or the writer is gone.

    Returns the receipt, or the lock for this process to go on with. Raises GaloshError
    `download-stopped` if `order.stop` is set.
    """
    layer, limits, clock = order.layer, order.limits, order.clock
    tail = _Tail(order, folder)
    try:
        while True:
            receipt = standing_receipt(layer, order.target, order.plan)
            if receipt is not None and layer.stat(folder.plan_file) is None:
                return receipt
            layer.make_folder(folder.path)
            held = fence.take(layer, folder.lock, clock)
            if held is not None:
                return held
            if order.stop is not None and order.stop.is_set():
                raise GaloshError("download-stopped", **_facts(order, tail.ledger))
            if order.follow is not None:
                order.follow(tail.progress())
            if order.stop is not None:
                order.stop.wait(limits.follow_seconds)
            else:
                clock.sleep(limits.follow_seconds)
    finally:
        tail.close()


class _Tail:
    """Reads the journal as it grows."""

    def __init__(self, order: Order, folder: Folder) -> None:
        self._order = order
        self._folder = folder
        self._file: File | None = None
        self._offset = 0
        self._speed = Speed(max(order.limits.speed_window_seconds, 3.0))
        self.ledger = Ledger()

    def progress(self) -> Progress:
        """One look."""
        order = self._order
        self._read()
        stored = read_stored(order.layer, self._folder)
        size = stored.plan.size_bytes if stored else order.plan.size_bytes
        kept = self.ledger.kept_bytes
        self._speed.add(order.clock.monotonic_seconds(), kept)
        speed = self._speed.per_second()
        record = self.ledger.last_state
        state, wait = State.FETCHING, None
        if record is not None:
            state = state_named(record.index)
            if state.is_waiting and 0 < record.length < len(CAUSES):
                wait = Wait(CAUSES[record.length], float(record.extra))
        left = None if size is None else size - kept
        return Progress(state, kept, size, speed, eta_seconds(left, speed), 0, wait, follows=True)

    def close(self) -> None:
        """Done."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> None:
        try:
            if self._file is None:
                self._file = self._order.layer.open(self._folder.journal, create=False)
            size = self._file.size()
            if size < self._offset:  # cut by a recovery: read it anew
                self._offset, self.ledger = 0, Ledger()
            length = (size - self._offset) // RECORD_BYTES * RECORD_BYTES
            self._offset += self.ledger.apply_all(self._file.read(self._offset, length))
        except OSError:
            return  # not there yet, or just cleaned up


def _facts(order: Order, ledger: Ledger) -> dict[str, object]:
    return {
        "file_name": order.plan.file_name, "origin": order.plan.origin,
        "kept_bytes": ledger.kept_bytes, "key": order.plan.key,
    }  # fmt: skip
