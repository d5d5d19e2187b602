"""Our StatusNotifierItem with its menu on the session bus.

Owns what hosts see of us. Rules, each learned from a host that broke without it:
- register by object path; register again whenever the watcher's owner changes;
- a menu is told at most twice a second, and only by what changed in it;
- a click is passed on, never worked on: the reader of the bus must go on reading;
- a watcher without a host shows nothing, so it does not count as a tray.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    MessageType,
    Properties,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.bus_messages import message_bus

from galosh.tray import dbusmenu, item
from galosh.tray.bus import Bus
from galosh.tray.dbusmenu import DbusMenu
from galosh.tray.item import Face
from galosh.tray.rows import Kind, Row, find

WATCHER = "org.kde.StatusNotifierWatcher"
_WATCHER = DBusAddress("/StatusNotifierWatcher", WATCHER, WATCHER)
_ITEM = DBusAddress(item.PATH, interface=item.INTERFACE)
_MENU = DBusAddress(item.MENU_PATH, interface=dbusmenu.INTERFACE)
_UNKNOWN = "org.freedesktop.DBus.Error.UnknownMethod"
_BETWEEN_SECONDS = 0.5


class Listener(Protocol):
    """Who hears of what the host and the user did. Called in the bus reader's thread."""

    def item_clicked(self, key: str) -> None:
        """A row of the menu was chosen."""

    def item_activated(self) -> None:
        """The icon itself was clicked."""

    def item_opened(self) -> None:
        """The menu is about to be shown."""

    def item_hosted(self, shown: bool) -> None:
        """Whether a host shows us changed."""


class StatusItem:
    """One icon with a menu. Everything but `show` belongs to the thread that reads the bus."""

    def __init__(self, bus: Bus, listener: Listener) -> None:
        self._bus = bus
        self._listener = listener
        self._menu = DbusMenu()
        self._face = Face()
        self._coming: tuple[Face, Sequence[Row]] = (self._face, ())
        self._again: set[str] = set()  # rows whose tick the host may have changed by itself
        self._told_seconds = float("-inf")
        self.shown = False
        bus.handle = self._handle

    def start(self) -> None:
        """Look for a watcher, and for those that come later."""
        owner = MatchRule(
            type="signal",
            sender="org.freedesktop.DBus",
            interface="org.freedesktop.DBus",
            member="NameOwnerChanged",
        )
        owner.add_arg_condition(0, WATCHER)
        host = MatchRule(type="signal", interface=WATCHER, path=_WATCHER.object_path)
        for rule in (owner, host):
            self._bus.ask(message_bus.AddMatch(rule), _ignore)
        self._bus.ask(message_bus.NameHasOwner(WATCHER), self._found)

    def show(self, face: Face, rows: Sequence[Row]) -> None:
        """What shall be seen; told by the next `flush`."""
        self._coming = (face, rows)

    def flush(self, now_seconds: float) -> float | None:
        """Tell what has changed, or the seconds until it may be told."""
        face, rows = self._coming
        if face == self._face and tuple(rows) == self._menu.rows and not self._again:
            return None
        wait = self._told_seconds + _BETWEEN_SECONDS - now_seconds
        if wait > 0:
            return wait
        self._told_seconds = now_seconds
        before, self._face = self._face, face
        for name, signature, body in item.signals(before, face):
            self._signal(_ITEM, name, signature, body)
        self._tell_menu(rows)
        return None

    def _tell_menu(self, rows: Sequence[Row]) -> None:
        looks, moved = self._menu.take(rows)
        again = [row for key in self._again if (row := find(rows, key)) is not None]
        self._again.clear()
        looks += [row for row in again if row not in looks]
        if looks:
            updated = [(self._menu.number(row), dbusmenu.values(row)) for row in looks]
            self._signal(_MENU, "ItemsPropertiesUpdated", "a(ia{sv})a(ias)", (updated, []))
        if moved:
            self._signal(_MENU, "LayoutUpdated", "ui", (self._menu.revision, dbusmenu.ROOT))

    # -- the watcher

    def _found(self, reply: tuple[Any, ...] | None) -> None:
        if reply is not None and reply[0]:
            self._register()
        else:
            self._host(shown=False)

    def _register(self) -> None:
        message = new_method_call(_WATCHER, "RegisterStatusNotifierItem", "s", (item.PATH,))
        self._bus.ask(message, self._registered)

    def _registered(self, reply: tuple[Any, ...] | None) -> None:
        if reply is None:
            self._host(shown=False)
        else:
            message = Properties(_WATCHER).get("IsStatusNotifierHostRegistered")
            self._bus.ask(message, self._has_host)

    def _has_host(self, reply: tuple[Any, ...] | None) -> None:
        # A watcher that does not say is believed to have one.
        self._host(shown=reply is None or bool(reply[0][1]))

    def _host(self, *, shown: bool) -> None:
        self.shown = shown
        self._listener.item_hosted(shown)

    # -- what comes in

    def _handle(self, message: Any) -> None:
        fields = message.header.fields
        member = fields.get(HeaderFields.member, "")
        if message.header.message_type is MessageType.signal:
            self._heard(member, message.body)
            return
        path, interface = fields.get(HeaderFields.path), fields.get(HeaderFields.interface, "")
        answer = self._answer(path, interface, member, message.body)
        if answer is None:
            self._bus.send(new_error(message, _UNKNOWN, "s", (f"{interface}.{member}",)))
        else:
            self._bus.send(new_method_return(message, *answer))

    def _heard(self, member: str, body: tuple[Any, ...]) -> None:
        if member == "NameOwnerChanged" and body[0] == WATCHER:
            if body[2]:
                self._register()
            else:
                self._host(shown=False)
        elif member == "StatusNotifierHostRegistered":
            self._has_host(None)

    def _answer(
        self, path: str, interface: str, member: str, body: tuple[Any, ...]
    ) -> tuple[Any, ...] | None:
        """(signature, body) of a reply, () for an empty one, None for an unknown call."""
        if interface == "org.freedesktop.DBus.Peer" and member == "Ping":
            return ()
        if interface == "org.freedesktop.DBus.Properties":
            return self._property(path, member, body)
        if path == item.PATH and interface == item.INTERFACE:
            return self._item_call(member)
        if path == item.MENU_PATH and interface == dbusmenu.INTERFACE:
            return self._menu_call(member, body)
        return None

    def _property(self, path: str, member: str, body: tuple[Any, ...]) -> tuple[Any, ...] | None:
        known = {item.PATH: item.properties(self._face), item.MENU_PATH: dbusmenu.PROPERTIES}
        found = known.get(path)
        if found is None:
            return None
        if member == "GetAll":
            return "a{sv}", (dict(found),)
        if member == "Get" and body[1] in found:
            return "v", (found[body[1]],)
        return None

    def _item_call(self, member: str) -> tuple[Any, ...] | None:
        if member == "Activate":
            self._listener.item_activated()
        elif member not in ("ContextMenu", "SecondaryActivate", "Scroll"):
            return None
        return ()

    def _menu_call(self, member: str, body: tuple[Any, ...]) -> tuple[Any, ...] | None:
        menu = self._menu
        if member == "GetLayout":
            layout = menu.layout(*body)
            return None if layout is None else ("u(ia{sv}av)", (menu.revision, layout))
        if member == "GetGroupProperties":
            return "a(ia{sv})", (menu.group(*body),)
        if member == "GetProperty":
            row = menu.row(body[0])
            value = None if row is None else dbusmenu.values(row).get(body[1])
            return None if value is None else ("v", (value,))
        if member == "Event":
            self._event(*body[:2])
            return ()
        if member == "EventGroup":
            for event in body[0]:
                self._event(*event[:2])
            return "ai", ([n for n, *_ in body[0] if n and menu.row(n) is None],)
        if member in ("AboutToShow", "AboutToShowGroup"):
            self._listener.item_opened()
            return ("b", (False,)) if member == "AboutToShow" else ("aiai", ([], []))
        return None

    def _event(self, number: int, name: str) -> None:
        row = self._menu.row(number)
        if name != "clicked" or row is None or not row.enabled:
            return
        if row.kind in (Kind.CHECK, Kind.RADIO):
            self._again.add(row.key)
        self._listener.item_clicked(row.key)

    def _signal(self, address: DBusAddress, name: str, signature: str, body: Any) -> None:
        message = new_signal(address, name, signature or None, body)
        self._bus.send(message)


def _ignore(_reply: tuple[Any, ...] | None) -> None:
    """Nothing follows from it."""
