"""The hotkey on KDE, from its own service for global shortcuts (X11 and Wayland alike).

Rules: what counts is the key the service says it assigned; who holds a key that is taken is
named; the key is set free when we end, and stays listed in KDE's settings under our name.
"""

from __future__ import annotations

import os
from typing import Any

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.hotkey.bus import Bus, BusError, fields, open_bus
from galosh.hotkey.keys import KEYS, MODIFIERS
from galosh.hotkey.trigger import Trigger
from galosh.hotkey.way import Job

NAME = "org.kde.kglobalaccel"
_KWIN = "org.kde.KWin"
PATH = "/kglobalaccel"
INTERFACE = "org.kde.KGlobalAccel"
COMPONENT = "org.kde.kglobalaccel.Component"
ACTION = "ask"
# SetPresent, NoAutoloading: the key that galosh's own setting names, at once.
_SET_NOW = 2 | 4


def listen(job: Job) -> bool:
    """Register and fire until stopped; False where KDE's service is not there. See Listen."""
    bus = open_bus()
    if bus is None:
        return False
    try:
        if not is_kde(bus):
            return False
        _Registered(bus, job).run()
    except (OSError, TimeoutError) as error:
        if not job.stop.is_set:
            raise ConnectionError("the session bus is gone") from error
    finally:
        bus.close()
    return True


def is_kde(bus: Bus) -> bool:
    """Whether a key that KDE's service grants is heard as well, which is KWin's work.

    Beside another desktop the bus starts the service all the same, where Plasma is installed too:
    it then grants every key and never fires (seen on GNOME 43).
    """
    kde = "kde" in os.environ.get("XDG_CURRENT_DESKTOP", "").lower().split(":")
    return (kde or bus.owner_now(_KWIN) is not None) and bus.owner(NAME) is not None


class _Registered:
    """Our action with the service."""

    def __init__(self, bus: Bus, job: Job) -> None:
        self._bus = bus
        self._job = job
        self._names = [job.app_id, ACTION, "galosh", say("hotkey.ask")]

    def run(self) -> None:
        """Until stopped. Raises BusError when the service does not do what it should."""
        self._bus.watch(interface="org.freedesktop.DBus", member="NameOwnerChanged", arg0=NAME)
        self._bus.watch(interface=COMPONENT)
        self._register()
        while not self._job.stop.is_set:
            signal = self._bus.next_signal(self._job.stop)
            if signal is None:
                continue
            _, member, _, values = fields(signal)
            if member == "globalShortcutPressed" and values[:2] == (self._job.app_id, ACTION):
                self._job.fire()
            elif member == "NameOwnerChanged" and values[2]:
                self._register()  # the service has restarted
        self._call("setInactive", "as", self._names)

    def _register(self) -> None:
        trigger = self._job.trigger
        holder = self._holder(trigger)
        self._call("doRegister", "as", self._names)
        keys = self._call("setShortcut", "asaiu", self._names, [trigger.qt], _SET_NOW)
        given = [int(key) for key in keys[0] if key] if keys else []
        # The component exists only from now on, and its signals with it.
        self._call("getComponent", "s", self._job.app_id)
        if given:
            self._job.tell(key_text(given[0]))
        elif holder:
            self._job.tell(
                None, GaloshError("hotkey-taken-by", trigger=str(trigger), holder=holder)
            )
        else:
            self._job.tell(None, GaloshError("hotkey-not-granted", trigger=str(trigger)))

    def _holder(self, trigger: Trigger) -> str | None:
        """The program that has the key, in KDE's words."""
        try:
            names = self._call("action", "i", trigger.qt)[0]
        except BusError:
            return None
        return " – ".join(names[2:4]) if len(names) > 3 and names[0] != self._job.app_id else None

    def _call(self, method: str, signature: str, *values: object) -> tuple[Any, ...]:
        return self._bus.call(NAME, PATH, INTERFACE, method, signature, *values)


def key_text(code: int) -> str:
    """Qt's number of a combination, as a trigger is written."""
    for name, key in KEYS.items():
        for bits in range(1 << len(MODIFIERS)):
            chosen = tuple(m for index, m in enumerate(MODIFIERS) if bits >> index & 1)
            if key.qt == code & 0x01FFFFFF and Trigger(chosen, name).qt == code:
                return str(Trigger(chosen, name))
    return f"0x{code:x}"
