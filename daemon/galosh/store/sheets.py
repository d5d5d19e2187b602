"""The notebook's sheets on disk: every acknowledged edit survives whatever happens next.

Owns the folder of the sheets. An edit names the version it was made on, so that two writers
never overwrite each other unseen. A few sheets are kept open; everything else is read when it
is asked for. Blocking; safe to call from several threads.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.store.drawer import Codes, Drawer
from galosh.store.ledger import Record
from galosh.store.sheet import Edit, Mark, Sheet, restored

# Past this, and past the length of the text, a journal gives way to a snapshot.
_JOURNAL_BYTES = 256 * 1024
_OPEN = 4
_OPEN_BYTES = 4 * 1024 * 1024  # larger ones are read anew for every edit
_CODES = Codes(unknown="notebook-unknown", damaged="notebook-damaged")

Row = dict[str, object]


class Sheets:
    """See the module."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._drawer = Drawer(folder, _CODES, clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Sheet] = OrderedDict()
        self._rows: dict[str, tuple[object, Row]] = {}

    def list(self, search: str = "") -> Sequence[Row]:
        """A row for each sheet, the last changed first; only those with `search` in them."""
        wanted = search.casefold()
        with self._lock:
            ids = self._drawer.ids()
            self._rows = {one: row for one, row in self._rows.items() if one in ids}
            rows = [self._row(one) for one in ids if not wanted or self._holds(one, wanted)]
        return _newest_first(rows)

    def get(self, sheet_id: str) -> Sheet:
        """Raises GaloshError `notebook-unknown` or `notebook-damaged`."""
        with self._lock:
            return self._get(sheet_id)

    def create(self, title: str, text: str) -> tuple[str, Sheet]:
        """Raises GaloshError `notebook-too-long` or a write error."""
        sheet = Sheet.new(title, text, self._clock.wall_seconds())
        with self._lock:
            sheet_id = self._drawer.create(sheet.to_json())
            self._keep_open(sheet_id, sheet)
        return sheet_id, sheet

    def edit(
        self,
        sheet_id: str,
        base_version: int,
        edits: Sequence[Edit],
        marks: Sequence[Mark] | None = None,
    ) -> Sheet:
        """The sheet with these edits, on the drive.

        Raises GaloshError `notebook-changed` where the base is not what is there,
        `notebook-bad-edit`, `notebook-too-long`, `notebook-unknown` or a write error;
        the sheet is as it was then.
        """
        with self._lock:
            sheet = self._get(sheet_id)
            if sheet.version != base_version:
                raise GaloshError(
                    "notebook-changed",
                    version=sheet.version,
                    base_version=base_version,
                    length=sheet.length,
                )
            edited = sheet.edited(edits, marks, self._clock.wall_seconds())
            record: Record = {"edits": [list(edit) for edit in edits]}
            if marks is not None:
                record = {**record, "marks": [list(mark) for mark in marks]}
            self._write(sheet_id, edited, record)
            return edited

    def rename(self, sheet_id: str, title: str) -> Sheet:
        """Raises GaloshError `notebook-unknown` or a write error."""
        with self._lock:
            renamed = self._get(sheet_id).renamed(title, self._clock.wall_seconds())
            self._write(sheet_id, renamed, {"title": title})
            return renamed

    def delete(self, sheet_id: str) -> None:
        """Into the bin, for thirty days. Raises GaloshError `notebook-unknown` or a write error."""
        with self._lock:
            sheet = self._get(sheet_id)
            self._open.pop(sheet_id, None)
            self._drawer.discard(sheet_id, sheet.to_json())

    def restore(self, sheet_id: str) -> Sheet:
        """Out of the bin. Raises GaloshError `notebook-unknown` or a write error."""
        with self._lock:
            self._drawer.restore(sheet_id)
            return self._get(sheet_id)

    def deleted(self) -> Sequence[Row]:
        """A row for each sheet in the bin."""
        with self._lock:
            return _newest_first([
                {"id": one, **restored(found, ()).brief(), "deleted_at": found.get("deleted_at")}
                for one, found in self._drawer.discarded()
            ])  # fmt: skip

    def close(self) -> None:
        """Keep none open: memory that nobody uses."""
        with self._lock:
            self._open.clear()

    def _write(self, sheet_id: str, sheet: Sheet, record: Record) -> None:
        """One change onto the drive. Whatever fails, the next look is at the disk again."""
        self._open.pop(sheet_id, None)
        told = {"version": sheet.version, "at_seconds": sheet.updated_at, **record}
        journal_bytes = self._drawer.append(sheet_id, told)
        if journal_bytes > max(_JOURNAL_BYTES, len(sheet.units)):
            with contextlib.suppress(GaloshError):  # the journal has it all
                self._drawer.compact(sheet_id, sheet.to_json())
        self._keep_open(sheet_id, sheet)

    def _get(self, sheet_id: str) -> Sheet:
        sheet = self._open.get(sheet_id)
        if sheet is None:
            written = self._drawer.read(sheet_id)
            try:
                sheet = restored(written.snapshot, written.records)
            except (KeyError, TypeError, ValueError, GaloshError) as error:
                reason = type(error).__name__
                raise GaloshError("notebook-damaged", path=sheet_id, reason=reason) from error
        self._keep_open(sheet_id, sheet)
        return sheet

    def _keep_open(self, sheet_id: str, sheet: Sheet) -> None:
        if len(sheet.units) > _OPEN_BYTES:
            return
        self._open[sheet_id] = sheet
        self._open.move_to_end(sheet_id)
        while len(self._open) > _OPEN:
            self._open.popitem(last=False)

    def _row(self, sheet_id: str) -> Row:
        stamp = self._drawer.stamp(sheet_id)
        known = self._rows.get(sheet_id)
        if known is None or known[0] != stamp:
            try:
                row = {"id": sheet_id, **self._look(sheet_id).brief()}
            except GaloshError as error:  # one that is damaged hides no other
                row = {"id": sheet_id, "title": "", "heading": "", "characters": 0,
                       "updated_at": 0.0, "problem": error.to_json()}  # fmt: skip
            known = self._rows[sheet_id] = stamp, row
        return known[1]

    def _holds(self, sheet_id: str, wanted: str) -> bool:
        try:
            sheet = self._look(sheet_id)
        except GaloshError:
            return False
        return wanted in sheet.title.casefold() or wanted in sheet.text.casefold()

    def _look(self, sheet_id: str) -> Sheet:
        """The sheet, without taking the place of one that is used."""
        used = list(self._open.items())
        try:
            return self._get(sheet_id)
        finally:
            self._open = OrderedDict(used)


def _newest_first(rows: Sequence[Row]) -> Sequence[Row]:
    return sorted(rows, key=lambda row: (-float(str(row["updated_at"])), str(row["id"])))
