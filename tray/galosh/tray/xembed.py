"""The icon in a tray of the old kind: an X window of ours inside a panel's window (XEmbed).

Owns one connection to the X server and one small window. Rules: clicks are asked for (pystray
forgets to); what the panel painted shines through; when the panel goes, the window is made
anew for the next one. Knows no menu: whoever is told of a click shows one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PIL import Image
from Xlib import X, Xutil, display, error
from Xlib.protocol import event as events

from galosh.tray import icons
from galosh.tray.icons import Look

_DOCK = 0
_MAPPED = (0, 1)  # XEmbed version, flags
Clicked = Callable[[int, int, int], None]


def open_window(clicked: Clicked, hosted: Callable[[bool], None]) -> TrayWindow | None:
    """A window that waits for a tray; None without an X server."""
    try:
        return TrayWindow(display.Display(), clicked, hosted)
    except (error.DisplayError, error.XError, OSError, ValueError):
        return None


class TrayWindow:
    """See the module. All of it belongs to one thread.

    clicked: told the button and where on the screen. hosted: whether a tray holds us.
    """

    def __init__(
        self, connection: display.Display, clicked: Clicked, hosted: Callable[[bool], None]
    ) -> None:
        self._display = connection
        self._clicked = clicked
        self._hosted = hosted
        self._window: Any = None
        self._manager: Any = None
        self._look: Look | None = None
        self._title = ""
        connection.set_error_handler(lambda *_: None)  # windows of others come and go
        screen = connection.screen()
        self._root = screen.root
        self._depth = screen.root_depth
        name = f"_NET_SYSTEM_TRAY_S{connection.get_default_screen()}"
        self._tray = connection.intern_atom(name)
        self._opcode = connection.intern_atom("_NET_SYSTEM_TRAY_OPCODE")
        self._info = connection.intern_atom("_XEMBED_INFO")
        self._utf8_name = connection.intern_atom("_NET_WM_NAME")
        self._utf8 = connection.intern_atom("UTF8_STRING")
        self._new_manager = connection.intern_atom("MANAGER")
        self._root.change_attributes(event_mask=X.StructureNotifyMask)

    def fileno(self) -> int:
        """For select."""
        return int(self._display.fileno())

    @property
    def docked(self) -> bool:
        """Whether a tray holds us."""
        return self._manager is not None

    def show(self, look: Look, title: str) -> None:
        """Draw this from now on; looks for a tray if there is none yet."""
        fresh = look != self._look
        self._look = look
        if title != self._title and self._window is not None:
            self._name(self._window, title)
        self._title = title
        if not self.docked:
            self._dock()
        elif fresh:
            self._draw()
        self._display.flush()

    def hide(self) -> None:
        """Leave the tray."""
        if self._window is not None:
            self._window.destroy()
            self._display.flush()
        self._window = self._manager = None

    def read(self) -> bool:
        """Handle what has arrived; False once the X server is gone."""
        try:
            while self._display.pending_events():
                self._handle(self._display.next_event())
        except (error.ConnectionClosedError, OSError):
            return False
        return True

    def close(self) -> None:
        """Hang up."""
        try:
            self._display.close()
        except (error.ConnectionClosedError, OSError):
            return  # the server went first

    def _dock(self) -> None:
        manager: Any = self._display.get_selection_owner(self._tray)
        if self._look is None or manager == X.NONE:
            return
        self._manager = manager
        manager.change_attributes(event_mask=X.StructureNotifyMask)
        self._window = self._make_window()
        data = (32, [X.CurrentTime, _DOCK, self._window.id, 0, 0])
        message = events.ClientMessage(window=manager, client_type=self._opcode, data=data)
        manager.send_event(message)
        self._display.flush()
        self._hosted(True)

    def _make_window(self) -> Any:
        mask = X.ExposureMask | X.StructureNotifyMask | X.ButtonPressMask
        window = self._root.create_window(
            -1, -1, 24, 24, 0, self._depth, X.InputOutput,
            background_pixmap=X.ParentRelative, event_mask=mask,
        )  # fmt: skip
        window.set_wm_class("galosh", "galosh")
        self._name(window, self._title)
        # Without a least size some trays give a window of one pixel.
        window.set_wm_normal_hints(flags=Xutil.PMinSize | Xutil.PSize, min_width=24, min_height=24)
        window.change_property(self._info, self._info, 32, list(_MAPPED))
        return window

    def _name(self, window: Any, title: str) -> None:
        """Trays show it as a tooltip. The old property holds Latin letters only."""
        window.set_wm_name(title.encode("latin-1", "replace").decode("latin-1"))
        window.change_property(self._utf8_name, self._utf8, 8, title.encode())

    def _handle(self, event: Any) -> None:
        if event.type == X.ClientMessage and event.client_type == self._new_manager:
            if event.data[1][1] == self._tray and not self.docked:
                self._dock()
        elif event.type == X.DestroyNotify and self._manager is not None:
            if event.window.id in (self._manager.id, getattr(self._window, "id", None)):
                self._lost()
        elif self._window is None or getattr(event, "window", None) != self._window:
            return
        elif event.type == X.ButtonPress:
            self._clicked(event.detail, event.root_x, event.root_y)
        elif event.type in (X.Expose, X.ConfigureNotify):
            self._draw()

    def _lost(self) -> None:
        self.hide()  # a tray that dies leaves our window to us
        self._hosted(False)
        self._dock()  # the next one may be here already

    def _draw(self) -> None:
        """Our picture over what the panel has painted below it."""
        window, look = self._window, self._look
        if window is None or look is None:
            return
        try:
            window.clear_area()
            self._display.sync()
            at = window.get_geometry()
            size = min(at.width, at.height)
            below = window.get_image(0, 0, at.width, at.height, X.ZPixmap, 0xFFFFFFFF).data
            ground = Image.frombytes("RGB", (at.width, at.height), below, "raw", "BGRX")
            picture = icons.draw(look, size)
            ground.paste(picture, ((at.width - size) // 2, (at.height - size) // 2), picture)
            data = ground.convert("RGBA").tobytes("raw", "BGRA")
            pen = window.create_gc()
            window.put_image(pen, 0, 0, at.width, at.height, X.ZPixmap, self._depth, 0, data)
            pen.free()
            self._display.flush()
        except error.XError:
            return  # not on the screen (yet), or gone: the next Expose or dock tries again
