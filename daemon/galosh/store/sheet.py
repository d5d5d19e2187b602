"""A sheet of the notebook and what an edit makes of it. Pure.

Positions are UTF-16 code units, which is what a page counts in; the text is held that way, so
that an edit is a cut and a join. No edit may cut a character that takes two units in half.
Marks are stretches of generated text that nobody has edited yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from galosh.base.errors import GaloshError

MAX_UNITS = 8_000_000
MAX_MARKS = 5000
_CODE = "utf-16-le"
_HEADING = 80
_LOOK = 4000  # units in which a heading is looked for

Mark = tuple[int, int]


class Edit(NamedTuple):
    """Take `remove` units out at `at`, and put `insert` there."""

    at: int
    remove: int
    insert: str


@dataclass(frozen=True)
class Sheet:
    """A sheet at one version. units: its text as UTF-16."""

    title: str
    units: bytes
    marks: tuple[Mark, ...]
    version: int
    created_at: float
    updated_at: float

    @classmethod
    def new(cls, title: str, text: str, at_seconds: float) -> Sheet:
        """A first version. Raises GaloshError `notebook-too-long`."""
        units = text.encode(_CODE)
        _check_length(len(units))
        return cls(title, units, (), 1, at_seconds, at_seconds)

    @property
    def text(self) -> str:
        """The text."""
        return self.units.decode(_CODE)

    @property
    def length(self) -> int:
        """In UTF-16 units."""
        return len(self.units) // 2

    @property
    def heading(self) -> str:
        """The title, else the first line that says something."""
        if self.title:
            return self.title
        start = self.units[: 2 * _LOOK].decode(_CODE, "ignore")
        lines = (line.strip() for line in start.splitlines())
        return next((line for line in lines if line), "")[:_HEADING]

    def edited(
        self, edits: Sequence[Edit], marks: Sequence[Mark] | None, at_seconds: float
    ) -> Sheet:
        """One version on; each edit counts in the text after the one before.

        marks: all of them as they are then; None: what the edits leave of those there are.
        Raises GaloshError `notebook-bad-edit` or `notebook-too-long`.
        """
        units, kept = bytearray(self.units), self.marks
        for edit in edits:
            end = edit.at + edit.remove
            if end > len(units) // 2 or not (_is_gap(units, edit.at) and _is_gap(units, end)):
                raise GaloshError("notebook-bad-edit", at=edit.at, length=len(units) // 2)
            put = edit.insert.encode(_CODE)
            _check_length(len(units) - 2 * edit.remove + len(put))
            units[2 * edit.at : 2 * end] = put
            if marks is None:
                kept = _after(kept, edit.at, end, len(put) // 2)
        if marks is not None:
            kept = _checked(marks, units)
        return replace(
            self, units=bytes(units), marks=kept, version=self.version + 1, updated_at=at_seconds
        )

    def renamed(self, title: str, at_seconds: float) -> Sheet:
        """One version on, with another title."""
        return replace(self, title=title, version=self.version + 1, updated_at=at_seconds)

    def to_json(self) -> dict[str, object]:
        """All of it."""
        return {**self.brief(), "text": self.text, "marks": [list(mark) for mark in self.marks]}

    def brief(self) -> dict[str, object]:
        """What a list shows of it."""
        return {
            "title": self.title,
            "heading": self.heading,
            "characters": len(self.text),
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


def restored(snapshot: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> Sheet:
    """The sheet that was written down. Raises ValueError, TypeError, KeyError or GaloshError
    where that is no sheet."""
    sheet = Sheet(
        str(snapshot["title"]),
        str(snapshot["text"]).encode(_CODE),
        _marks(snapshot["marks"]),
        int(snapshot["version"]),
        float(snapshot["created_at"]),
        float(snapshot["updated_at"]),
    )
    for record in records:
        at_seconds = float(record["at_seconds"])
        if "title" in record:
            sheet = sheet.renamed(str(record["title"]), at_seconds)
        else:
            marks = None if record.get("marks") is None else _marks(record["marks"])
            edits = [Edit(int(at), int(out), str(put)) for at, out, put in record["edits"]]
            sheet = sheet.edited(edits, marks, at_seconds)
    return sheet


def _marks(value: Sequence[Sequence[int]]) -> tuple[Mark, ...]:
    return tuple((int(start), int(end)) for start, end in value)


def _check_length(size_bytes: int) -> None:
    if size_bytes > 2 * MAX_UNITS:
        raise GaloshError("notebook-too-long", length=size_bytes // 2, limit=MAX_UNITS)


def _is_gap(units: bytearray, at: int) -> bool:
    """Whether no character lies across this place."""
    if at == 0 or 2 * at == len(units):
        return True
    low, high = units[2 * at + 1], units[2 * at - 1]
    return not (0xDC <= low <= 0xDF and 0xD8 <= high <= 0xDB)


def _after(marks: Sequence[Mark], start: int, end: int, put: int) -> tuple[Mark, ...]:
    """What is left of the marks when [start, end) made room for `put` units of the user's."""
    moved = put - (end - start)
    kept: list[Mark] = []
    for first, last in marks:
        before = (first, min(last, start))
        behind = (max(first, end) + moved, last + moved)
        kept += [mark for mark in (before, behind) if mark[0] < mark[1]]
    return tuple(kept[:MAX_MARKS])


def _checked(marks: Sequence[Mark], units: bytearray) -> tuple[Mark, ...]:
    """Marks of this very text, in order and apart; raises GaloshError `notebook-bad-edit`."""
    at = 0
    for start, end in marks:
        if not (at <= start < end and 2 * end <= len(units)):
            raise GaloshError("notebook-bad-edit", at=start, length=len(units) // 2)
        at = end
    return tuple(marks)
