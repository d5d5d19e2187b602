"""Between our rows and pystray's menu, in both directions; and which pystray to load.

pystray's own modules are imported through here only: on Linux its package would look for GTK
and an X server as soon as it is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

if sys.platform == "linux":
    # With another value in the user's environment its import could fail for want of GTK.
    _before = os.environ.get("PYSTRAY_BACKEND")
    os.environ["PYSTRAY_BACKEND"] = "dummy"
    import pystray

    if _before is None:
        del os.environ["PYSTRAY_BACKEND"]
    else:
        os.environ["PYSTRAY_BACKEND"] = _before
else:
    import pystray

from PIL import Image

from galosh.tray import icons
from galosh.tray.icons import Look, Mark
from galosh.tray.rows import Kind, Row, line

Act = Callable[[str], None]


@dataclass(frozen=True)
class Picture:
    """What our Linux backend takes as an icon: drawn at every size it needs."""

    look: Look

    @property
    def attention(self) -> bool:
        """Whether the host should draw the eye to it."""
        return self.look.mark is Mark.TROUBLE

    def at(self, size: int) -> Image.Image:
        """Drawn."""
        return icons.draw(self.look, size)


class Item(pystray.MenuItem):  # type: ignore[misc] # pystray has no types
    """pystray's menu item with the key and kind of its row."""

    def __init__(self, row: Row, act: Act) -> None:
        tickable = row.kind in (Kind.CHECK, Kind.RADIO)
        action: Any = lambda: act(row.key)  # noqa: E731 - pystray counts a function's arguments
        if row.kind is Kind.MENU:
            action = make_menu(row.rows, act)
        super().__init__(
            row.text,
            action,
            checked=(lambda _: row.ticked) if tickable else None,
            radio=row.kind is Kind.RADIO,
            default=row.default,
            enabled=row.enabled,
        )
        self.key = row.key


class Line(pystray.MenuItem):  # type: ignore[misc]
    """A separator of ours; pystray's own is one object for all of them."""

    def __init__(self, key: str) -> None:
        super().__init__("", None)
        self.key = key


def pystray_icon(picture: Image.Image) -> Any:
    """pystray's own icon, on the systems where it is used as it is."""
    return pystray.Icon("galosh", icon=picture, title="galosh")


def make_menu(rows: Sequence[Row], act: Act) -> Any:
    """pystray's menu of these rows."""
    separator = pystray.Menu.SEPARATOR if sys.platform != "linux" else None
    return pystray.Menu(
        *(
            Item(row, act) if row.kind is not Kind.LINE else separator or Line(row.key)
            for row in rows
        )
    )


def read_menu(menu: Any) -> tuple[Row, ...]:
    """The rows of a pystray menu; one that was not made here gets keys by place."""
    return () if menu is None else tuple(_read(menu, ""))


def _read(menu: Any, place: str) -> Iterator[Row]:
    for number, item in enumerate(menu):
        key = getattr(item, "key", f"{place}{number}")
        if isinstance(item, Line) or item is pystray.Menu.SEPARATOR:
            yield line(key)
        elif item.submenu is not None:
            rows = tuple(_read(item.submenu, f"{key}/"))
            yield Row(key, item.text, Kind.MENU, enabled=bool(item.enabled), rows=rows)
        else:
            kind = Kind.RADIO if item.radio else Kind.ACTION if item.checked is None else Kind.CHECK
            yield Row(
                key,
                item.text,
                kind,
                ticked=bool(item.checked),
                enabled=bool(item.enabled),
                default=bool(item.default),
            )


def find_item(menu: Any, key: str, place: str = "") -> Any:
    """pystray's item of that key, or None."""
    for number, item in enumerate(menu):
        own = getattr(item, "key", f"{place}{number}")
        if own == key:
            return item
        found = None if item.submenu is None else find_item(item.submenu, key, f"{own}/")
        if found is not None:
            return found
    return None
