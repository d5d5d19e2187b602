"""A StatusNotifier watcher of ours, and a host that sees an item as a panel does.

The host works beside any watcher, so that the same tests run on a real panel: it asks whoever
is the watcher for the items, then the item itself, and counts the signals that panels get.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    MessageType,
    Properties,
    new_method_call,
)
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from tests.fakes.bus_service import Answer, BusService

WATCHER = "org.kde.StatusNotifierWatcher"
PATH = "/StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
_SECONDS = 10.0


class Watcher(BusService):
    """The watcher; `has_host`: whether anything shows what is registered."""

    def __init__(self, address: str, *, has_host: bool = True) -> None:
        self.has_host = has_host
        self.items: list[str] = []
        super().__init__(
            address,
            WATCHER,
            {
                f"{WATCHER}.RegisterStatusNotifierItem": self._register,
                "org.freedesktop.DBus.Properties.Get": self._get,
            },
        )

    def __enter__(self) -> Watcher:
        return self

    def bring_host(self) -> None:
        """A host comes."""
        self.has_host = True
        self.signal(PATH, WATCHER, "StatusNotifierHostRegistered", "")

    def _register(self, path: str) -> Answer:
        assert path.startswith("/"), "by object path: GNOME's extension drops other items"
        self.items.append(f"{self.senders[-1]}{path}")
        return "", ()

    def _get(self, _interface: str, name: str) -> Answer:
        if name == "IsStatusNotifierHostRegistered":
            return "v", (("b", self.has_host),)
        return "v", (("as", self.items),)


class Host:
    """Looks at the newest item."""

    def __init__(self, address: str) -> None:
        self._calls = open_dbus_connection(address)
        self._hears = open_dbus_connection(address)
        self.signals: Counter[str] = Counter()
        self.signal_times: list[tuple[float, str]] = []
        for interface in (ITEM, MENU):
            rule = MatchRule(type="signal", interface=interface)
            self._hears.send_and_get_reply(message_bus.AddMatch(rule), timeout=_SECONDS)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def items(self) -> list[str]:
        """What is registered: "SENDER/PATH"; none without a watcher."""
        address = DBusAddress(PATH, WATCHER, WATCHER)
        found = self._call(Properties(address).get("RegisteredStatusNotifierItems"))
        return [] if found is None else list(found[0][1])

    def properties(self) -> dict[str, Any]:
        """Everything the item says of itself."""
        found = self._call(Properties(self._item(ITEM)).get_all())
        assert found is not None
        return {name: value for name, (_, value) in found[0].items()}

    def layout(self) -> list[dict[str, Any]]:
        """The rows: id, the properties, and `rows` of a submenu."""
        found = self._call(self._menu("GetLayout", "iias", (0, -1, [])))
        assert found is not None
        return _rows(found[1])

    def row(self, label: str) -> dict[str, Any]:
        """The row whose label begins so."""
        return next(row for row in flat(self.layout()) if row.get("label", "").startswith(label))

    def model(self, name: str) -> dict[str, Any]:
        """The row of a model of that id; all models of the tests have one title."""
        rows = flat(self.layout())
        return next(r for r in rows if "toggle-type" in r and f"({name})" in r["label"])

    def labels(self) -> list[str]:
        """All labels."""
        return [row["label"] for row in flat(self.layout()) if "label" in row]

    def click(self, row: dict[str, Any]) -> None:
        """Choose a row."""
        self._call(self._menu("AboutToShow", "i", (0,)))
        self._call(self._menu("Event", "isvu", (row["id"], "clicked", ("s", ""), 0)))

    def activate(self) -> None:
        """Click the icon itself."""
        self._call(new_method_call(self._item(ITEM), "Activate", "ii", (1, 1)))

    def close(self) -> None:
        """Leave the bus."""
        with contextlib.suppress(OSError):
            self._hears.sock.shutdown(2)
        self._thread.join(5)
        self._hears.close()
        self._calls.close()

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _item(self, interface: str, path: str = "") -> DBusAddress:
        sender, _, own = self.items()[-1].partition("/")
        # GNOME's extension writes "SENDER@/PATH".
        return DBusAddress(path or f"/{own}", sender.rstrip("@"), interface)

    def _menu(self, name: str, signature: str, body: tuple[Any, ...]) -> Any:
        return new_method_call(self._item(MENU, self.properties()["Menu"]), name, signature, body)

    def _call(self, message: Any) -> tuple[Any, ...] | None:
        reply = self._calls.send_and_get_reply(message, timeout=_SECONDS)
        if reply.header.message_type is MessageType.error:
            return None
        return tuple(reply.body)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                message = self._hears.receive()
                name = message.header.fields.get(HeaderFields.member)
                if message.header.message_type is MessageType.signal:
                    self.signals[str(name)] += 1
                    self.signal_times.append((time.monotonic(), str(name)))


def flat(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with those of submenus."""
    return [one for row in rows for one in (row, *flat(row["rows"]))]


def _rows(node: Any) -> list[dict[str, Any]]:
    _, _, children = node
    found = []
    for _, child in children:
        number, values, _ = child
        plain = {name: value for name, (_, value) in values.items()}
        found.append({"id": number, **plain, "rows": _rows(child)})
    return found
