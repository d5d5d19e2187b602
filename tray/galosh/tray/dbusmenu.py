"""The menu as com.canonical.dbusmenu tells it: numbers for rows, layouts, differences. Pure.

Rules: a key keeps its number for as long as we run; underscores are doubled (hosts read one as
the mark of a shortcut); a layout signal only when rows come, go or move.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from galosh.tray.rows import Kind, Row, all_rows, changed, shape

INTERFACE = "com.canonical.dbusmenu"
PROPERTIES: dict[str, tuple[str, Any]] = {
    "Version": ("u", 3),
    "TextDirection": ("s", "ltr"),
    "Status": ("s", "normal"),
    "IconThemePath": ("as", []),
}
ROOT = 0

Values = dict[str, tuple[str, Any]]

_ROOT_VALUES: Values = {"children-display": ("s", "submenu")}


class DbusMenu:
    """The rows that hosts know of, and their numbers."""

    def __init__(self) -> None:
        self.rows: tuple[Row, ...] = ()
        self.revision = 1
        self._numbers: dict[str, int] = {}

    def take(self, rows: Sequence[Row]) -> tuple[list[Row], bool]:
        """The new rows; which of the old ones look different, and whether the layout changed."""
        before, self.rows = self.rows, tuple(rows)
        moved = shape(before) != shape(self.rows)
        if moved:
            self.revision += 1
        return changed(before, self.rows), moved

    def number(self, row: Row) -> int:
        """The number of a row."""
        return self._numbers.setdefault(row.key, len(self._numbers) + 1)

    def row(self, number: int) -> Row | None:
        """The row of a number, if it is still there."""
        return next((row for row in all_rows(self.rows) if self.number(row) == number), None)

    def layout(self, parent: int, depth: int, names: Sequence[str]) -> Any:
        """The tree below a row as GetLayout answers it; None for a row that there is not."""
        if parent == ROOT:
            return ROOT, _only(_ROOT_VALUES, names), self._children(self.rows, depth, names)
        row = self.row(parent)
        return None if row is None else self._node(row, depth, names)

    def group(self, numbers: Sequence[int], names: Sequence[str]) -> list[tuple[int, Values]]:
        """GetGroupProperties: of these rows, or of all."""
        wanted = set(numbers)
        found = [(ROOT, _ROOT_VALUES)]  # libdbusmenu asks for the root's as well
        found += [(self.number(row), values(row)) for row in all_rows(self.rows)]
        return [
            (number, _only(given, names))
            for number, given in found
            if not wanted or number in wanted
        ]

    def _children(self, rows: Sequence[Row], depth: int, names: Sequence[str]) -> list[Any]:
        if depth == 0:
            return []
        return [("(ia{sv}av)", self._node(row, depth - 1, names)) for row in rows]

    def _node(self, row: Row, depth: int, names: Sequence[str]) -> Any:
        return self.number(row), _only(values(row), names), self._children(row.rows, depth, names)


def values(row: Row) -> Values:
    """The properties of one row."""
    if row.kind is Kind.LINE:
        return {"type": ("s", "separator"), "visible": ("b", True)}
    found: Values = {
        "label": ("s", row.text.replace("_", "__")),
        "enabled": ("b", row.enabled),
        "visible": ("b", True),
    }
    if row.kind in (Kind.CHECK, Kind.RADIO):
        found["toggle-type"] = ("s", "checkmark" if row.kind is Kind.CHECK else "radio")
        found["toggle-state"] = ("i", int(row.ticked))
    if row.kind is Kind.MENU:
        found["children-display"] = ("s", "submenu")
    return found


def _only(found: Values, names: Sequence[str]) -> Values:
    return {name: value for name, value in found.items() if not names or name in names}
