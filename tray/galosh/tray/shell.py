"""The icon of this system, for whoever does not want to know which system it is.

Owns pystray's icon object and the rules that its faults ask for: everything that changes the
icon happens in the icon's own thread (Windows and macOS break otherwise), an error before the
loop stands never leaves a thread waiting, no text is longer than Windows takes.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from galosh.tray import icons
from galosh.tray.icons import Look
from galosh.tray.native import Act, Picture, make_menu, pystray_icon
from galosh.tray.rows import Row

# What the fields of Windows hold, in UTF-16 units; a longer text is an error there.
_TOOLTIP_UNITS, _TITLE_UNITS, _BODY_UNITS = 127, 63, 255
_PICTURE_SIZE = 64

if sys.platform == "win32":
    from galosh.tray.shell_windows import call_in, end, prepare
elif sys.platform == "darwin":
    from galosh.tray.shell_macos import call_in, end, prepare
else:

    def call_in(_icon: Any, work: Callable[[], None]) -> None:
        """Our own backend takes changes from any thread."""
        work()

    def prepare(_icon: Any) -> None:
        """Nothing to repair."""

    def end(icon: Any) -> None:
        """Our own backend is stopped from any thread."""
        icon.stop()


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
            with contextlib.suppress(Exception):
                self.icon._mark_ready()
            self.icon._running = False  # or its end would wait for a loop that never was
            raise

    @property
    def found_desktop(self) -> bool:
        """Whether there was a bus or a screen at all."""
        return bool(getattr(self.icon, "found_desktop", True))

    def stop(self) -> None:
        """Take it away; `run` returns."""
        end(self.icon)

    def show(self, look: Look, tooltip: str, rows: Sequence[Row]) -> None:
        """Have it look like this; what is as it was is left alone."""
        before, self._shown = self._shown, (look, tooltip, tuple(rows))
        call_in(self.icon, lambda: self._change(before, self._shown))

    def notify(self, title: str, body: str) -> None:
        """A quiet notification."""
        body = body or title
        if sys.platform == "win32":
            title, body = _fit(title, _TITLE_UNITS), _fit(body, _BODY_UNITS)
        call_in(self.icon, lambda: self.icon.notify(body, title))

    def _begin(self, icon: Any) -> None:
        """In a thread of pystray's, which may not touch the icon either."""
        prepare(icon)
        call_in(icon, self._appear)

    def _appear(self) -> None:
        self.icon.visible = True
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
            self.icon.title = _fit(tooltip, _TOOLTIP_UNITS)
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


def _fit(words: str, units: int) -> str:
    """As much of it as has room."""
    return words.encode("utf-16-le", "replace")[: 2 * units].decode("utf-16-le", "ignore")


def _picture(look: Look) -> Any:
    return Picture(look) if sys.platform == "linux" else icons.draw(look, _PICTURE_SIZE)
