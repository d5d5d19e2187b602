"""The menu as data: rows with stable keys, and what changed between two of them. Pure.

Rules:
- a key names the same thing for ever (`model:ID`), so that an open menu stays open;
- what comes or goes, or stands elsewhere, is a change of the *layout*; a text, a tick or a grey
  row is a change of one row, which every host shows live;
- one level of submenus, no more.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


class Kind(enum.Enum):
    """How a row looks."""

    ACTION = "action"
    CHECK = "check"
    RADIO = "radio"
    LINE = "line"  # a separator
    MENU = "menu"


@dataclass(frozen=True)
class Row:
    """One row. `default`: what a left click on the icon does; exactly one row has it."""

    key: str
    text: str = ""
    kind: Kind = Kind.ACTION
    ticked: bool = False
    enabled: bool = True
    default: bool = False
    rows: tuple[Row, ...] = ()


def line(key: str) -> Row:
    """A separator."""
    return Row(key, kind=Kind.LINE)


def all_rows(rows: Sequence[Row]) -> Iterator[Row]:
    """Every row, submenus after the row they belong to."""
    for row in rows:
        yield row
        yield from all_rows(row.rows)


def find(rows: Sequence[Row], key: str) -> Row | None:
    """The row of that key."""
    return next((row for row in all_rows(rows) if row.key == key), None)


def shape(rows: Sequence[Row]) -> tuple[object, ...]:
    """What makes the layout: keys, kinds and order, nothing that may change in place."""
    return tuple((row.key, row.kind, shape(row.rows)) for row in rows)


def changed(before: Sequence[Row], after: Sequence[Row]) -> list[Row]:
    """The rows of `after` that look other than those of the same key in `before`."""
    old = {row.key: row for row in all_rows(before)}
    known = (row for row in all_rows(after) if row.key in old)
    return [row for row in known if _looks(row) != _looks(old[row.key])]


def _looks(row: Row) -> tuple[object, ...]:
    return row.text, row.kind, row.ticked, row.enabled, bool(row.rows)
