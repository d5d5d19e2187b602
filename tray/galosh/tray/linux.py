"""The tray of Linux behind pystray's own backend interface, from wheels alone.

The chain: a StatusNotifier host → our item on the bus; else a tray of the old kind → a window
in it; else nothing, and both are watched for. Owns the loop that waits for bus, X server and
us, and never polls: what comes later says so itself. Ends when the session ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pystray import _base

from galosh.tray import icons
from galosh.tray.bus import Bus, open_bus
from galosh.tray.item import Face
from galosh.tray.menu_window import ask_menu
from galosh.tray.native import Picture, find_item, read_menu
from galosh.tray.notify import Notifier
from galosh.tray.rows import Row
from galosh.tray.sni import StatusItem

if TYPE_CHECKING:
    from galosh.tray.xembed import TrayWindow

assert sys.platform == "linux"

_LEFT, _RIGHT = 1, 3


class Icon(_base.Icon):  # type: ignore[misc] # pystray has no types
    """pystray's icon on Linux.

    on_hosted: told which tray shows us ("sni", "xembed", None). on_opened: told that the menu
    is about to be shown. Both in the loop's thread, as are the clicks: none may work there.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.on_hosted: Callable[[str | None], None] = lambda _how: None
        self.on_opened: Callable[[], None] = lambda: None
        self.bus: Bus | None = None
        self.found_desktop = True
        self._rows: tuple[Row, ...] = ()
        self._face = Face()
        self._how: str | None = ""
        self._ending = False
        self._told, self._tell = os.pipe()
        os.set_blocking(self._tell, False)
        self._item: StatusItem | None = None
        self._window: TrayWindow | None = None
        self._notifier: Notifier | None = None

    def __del__(self) -> None:
        """pystray would hide an icon here, in whatever thread the collector runs."""

    # -- pystray's interface: any thread

    def _show(self) -> None:
        self._nudge()

    def _hide(self) -> None:
        self._nudge()

    def _update_icon(self) -> None:
        picture: Picture = self._icon
        pixmaps = tuple(icons.argb(picture.at(size)) for size in icons.SIZES)
        self._face = Face(self._name, self._title, pixmaps, picture.attention)
        self._icon_valid = True
        self._nudge()

    def _update_title(self) -> None:
        face = self._face
        self._face = Face(face.title, self._title, face.pixmaps, face.attention)
        self._nudge()

    def _update_menu(self) -> None:
        self._rows = read_menu(self._menu)
        self._nudge()

    def _notify(self, message: str, title: str | None = None) -> None:
        if self._notifier is not None:
            self._notifier.notify(title or self._title, message)

    def _remove_notification(self) -> None:
        """Ours leave by themselves."""

    def _run_detached(self) -> None:
        threading.Thread(target=self._run, name="galosh-tray", daemon=True).start()

    def _stop(self) -> None:
        self._ending = True
        self._nudge()

    def _nudge(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is awake as it is
            os.write(self._tell, b".")

    # -- the loop: one thread

    def _run(self) -> None:
        self._mark_ready()  # first: pystray's setup thread waits for it and would for ever
        self.bus = open_bus()
        if self.bus is not None:
            self._item = StatusItem(self.bus, self)
            self._item.start()
            self._notifier = Notifier(self.bus)
        else:
            self._try_window()
        self.found_desktop = self._item is not None or self._window is not None
        try:
            while not self._ending and (self._item is not None or self._window is not None):
                self._turn()
        finally:
            self._close()

    def _turn(self) -> None:
        wait = self._refresh()
        # Whatever it asked the server may have brought events along, which select would not see.
        if self._window is not None and not self._window.read():
            self._ending = True  # the screen is gone, and with it the session
            return
        ends: list[Any] = [end for end in (self.bus, self._window) if end is not None]
        ready, _, _ = select.select([self._told, *ends], [], [], wait)
        if self._told in ready:
            os.read(self._told, 4096)
        if self.bus is not None and self.bus in ready and not self.bus.read():
            self._lose_bus()

    def _refresh(self) -> float | None:
        """Show what shall be seen; the seconds until there is more to tell."""
        if not self._visible:
            return None
        wait = None
        if self._item is not None:
            self._item.show(self._face, self._rows)
            wait = self._item.flush(time.monotonic())
        if self._window is not None and self._icon is not None:
            if self._item is not None and self._item.shown:
                self._window.hide()
            else:
                self._window.show(self._icon.look, self._title)
        return wait

    def _try_window(self) -> None:
        if self._window is None and os.environ.get("DISPLAY"):
            from galosh.tray.xembed import open_window  # time and memory few desktops need

            self._window = open_window(self._clicked_at, self._docked)

    def _lose_bus(self) -> None:
        self.bus = self._item = self._notifier = None
        self._try_window()
        self._say_hosted(self._old_kind())

    def _close(self) -> None:
        for end in (self.bus, self._window):
            if end is not None:
                end.close()

    # -- from the item (sni.Listener) and the window

    def item_hosted(self, shown: bool) -> None:
        """See Listener."""
        if not shown:
            self._try_window()
        self._say_hosted("sni" if shown else self._old_kind())

    def item_clicked(self, key: str) -> None:
        """See Listener."""
        entry = None if self._menu is None else find_item(self._menu, key)
        if entry is not None:
            entry(self)

    def item_activated(self) -> None:
        """See Listener."""
        if self._menu is not None:
            self._menu(self)

    def item_opened(self) -> None:
        """See Listener."""
        self.on_opened()

    def _docked(self, docked: bool) -> None:
        if self._item is None or not self._item.shown:
            self._say_hosted("xembed" if docked else None)

    def _old_kind(self) -> str | None:
        return "xembed" if self._window is not None and self._window.docked else None

    def _say_hosted(self, how: str | None) -> None:
        if how != self._how:
            self._how = how
            self.on_hosted(how)

    def _clicked_at(self, button: int, x: int, y: int) -> None:
        if button == _LEFT:
            self.item_activated()
        elif button == _RIGHT:
            self.on_opened()
            threading.Thread(target=self._menu_at, args=(x, y), daemon=True).start()

    def _menu_at(self, x: int, y: int) -> None:
        key = ask_menu(self._rows, x, y)
        if key is not None:
            self.item_clicked(key)
