"""The icon of this system, for whoever does not want to know which system it is.

Owns pystray's icon object and the rules that its faults ask for: everything that changes the
icon happens in the icon's own thread (Windows and macOS break otherwise), an error before the
loop stands never leaves a thread waiting, a tooltip is no longer than Windows takes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from galosh.tray import icons
from galosh.tray.icons import Look
from galosh.tray.native import Act, Picture, make_menu, pystray_icon
from galosh.tray.rows import Row

_TOOLTIP_LIMIT = 127
_PICTURE_SIZE = 64

if sys.platform == "win32":
    from galosh.tray.shell_windows import call_in, prepare
elif sys.platform == "darwin":
    from galosh.tray.shell_macos import call_in, prepare
else:

    def call_in(_icon: Any, work: Callable[[], None]) -> None:
        """Our own backend takes changes from any thread."""
        work()

    def prepare(_icon: Any) -> None:
        """Nothing to repair."""


class Listener(Protocol):
    """Hears what the user does with the icon. Called in the icon's thread: only pass it on."""

    def on_click(self, key: str) -> None:
        """A row was chosen; a click on the icon chooses the default one."""

    def on_open(self) -> None:
        """The menu is about to be shown."""

    def on_host(self, how: str | None) -> None:
        """Which tray shows us: "sni", "xembed", "pystray" or None."""


class Shell:
    """One icon. `run` belongs to the main thread, everything else to any."""

    def __init__(self, listener: Listener) -> None:
        self._act: Act = listener.on_click
        self._listener = listener
        self._shown: tuple[Look | None, str, tuple[Row, ...]] = (None, "", ())
        self.icon = _make_icon(listener)

    def run(self) -> None:
        """Show it and wait until `stop`."""
        try:
            self.icon.run(self._begin)
        except BaseException:
            # pystray's setup thread would wait for ever, and the process with it.
            self.icon._mark_ready()
            raise

    @property
    def found_desktop(self) -> bool:
        """Whether there was a bus or a screen at all."""
        return bool(getattr(self.icon, "found_desktop", True))

    def stop(self) -> None:
        """Take it away; `run` returns."""
        self.icon.stop()

    def show(self, look: Look, tooltip: str, rows: Sequence[Row]) -> None:
        """Have it look like this; what is as it was is left alone."""
        before, self._shown = self._shown, (look, tooltip, tuple(rows))
        call_in(self.icon, lambda: self._change(before, self._shown))

    def notify(self, title: str, body: str) -> None:
        """A quiet notification."""
        call_in(self.icon, lambda: self.icon.notify(body or title, title))

    def _begin(self, icon: Any) -> None:
        prepare(icon)
        icon.visible = True
        if sys.platform != "linux":
            self._listener.on_host("pystray")

    def _change(
        self,
        before: tuple[Look | None, str, tuple[Row, ...]],
        after: tuple[Look | None, str, tuple[Row, ...]],
    ) -> None:
        look, tooltip, rows = after
        if look != before[0] and look is not None:
            self.icon.icon = _picture(look)
        if tooltip != before[1]:
            self.icon.title = tooltip[:_TOOLTIP_LIMIT]
        if rows != before[2]:
            # pystray 0.19.5 takes a Menu here, and breaks on the tuple it documents.
            self.icon.menu = make_menu(rows, self._act)


def _make_icon(listener: Listener) -> Any:
    picture = _picture(Look(icons.Mark.AWAY))
    if sys.platform == "linux":
        from galosh.tray.linux import Icon

        icon = Icon("galosh", icon=picture, title="galosh")
        icon.on_hosted, icon.on_opened = listener.on_host, listener.on_open
        return icon
    return pystray_icon(picture)


def _picture(look: Look) -> Any:
    return Picture(look) if sys.platform == "linux" else icons.draw(look, _PICTURE_SIZE)
