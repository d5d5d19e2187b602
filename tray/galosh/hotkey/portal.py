"""The hotkey of a Wayland session, from the GlobalShortcuts portal.

Rules: the host Registry is told who we are before anything else on the connection (portals of
1.21 and later refuse callers they cannot name; older ones do not know the call, which is fine);
success is not "bound": what counts is the trigger that came back; a portal that restarts is
asked again. The binding belongs to the session, and the session to the connection: to try again
is to open another.
"""

from __future__ import annotations

import itertools
from typing import Any

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.hotkey.bus import Bus, BusError, fields, open_bus
from galosh.hotkey.way import Job

NAME = "org.freedesktop.portal.Desktop"
PATH = "/org/freedesktop/portal/desktop"
SHORTCUTS = "org.freedesktop.portal.GlobalShortcuts"
REQUEST = "org.freedesktop.portal.Request"
SESSION = "org.freedesktop.portal.Session"
REGISTRY = "org.freedesktop.host.portal.Registry"
ID = "ask"
_ANSWER_SECONDS = 600.0  # a dialog waits for its user
_AGAIN_SECONDS = 2.0


def listen(job: Job) -> bool:
    """Bind and fire until stopped; False where there is no such portal. See Listen."""
    first = True
    while not job.stop.is_set:
        bus = open_bus()
        if bus is None:
            return not first
        try:
            if not _Session(bus, job).run(first=first):
                return False
        except BusError:
            if first:
                return False
        except OSError as error:
            if job.stop.is_set:
                return True
            raise ConnectionError("the session bus is gone") from error
        finally:
            bus.close()
        first = False
        job.stop.wait(_AGAIN_SECONDS)
    return True


class _Session:
    """One session of the portal, on a connection of its own."""

    def __init__(self, bus: Bus, job: Job) -> None:
        self._bus = bus
        self._job = job
        self._tokens = (f"galosh{number}" for number in itertools.count(1))
        self._path = ""
        self._granted: str | None = None

    def run(self, *, first: bool) -> bool:
        """Until stopped, or the portal goes (True); False where another way must be found."""
        owner = self._bus.owner(NAME)
        if owner is None:
            return not first
        self._bus.watch(interface="org.freedesktop.DBus", member="NameOwnerChanged", arg0=NAME)
        self._register()
        for interface in (REQUEST, SHORTCUTS, SESSION):
            self._bus.watch(interface=interface, sender=NAME)
        session = self._ask("CreateSession", "a{sv}", {"session_handle_token": ("s", "galosh")})
        if session is None or session[0] != 0:
            return False
        self._path = str(_plain(session[1].get("session_handle", "")))
        answer = self._bind()
        if answer is None:
            return True
        if self._granted is None and answer == 0 and _has_kde(self._bus):
            return False  # Plasma 5 says yes and binds nothing; its own service does
        self._tell(answer)
        return self._listen()

    def _register(self) -> None:
        try:
            self._bus.call(NAME, PATH, REGISTRY, "Register", "sa{sv}", self._job.app_id, {})
        except BusError:
            return  # a portal from before the Registry, or one that knows us by our sandbox

    def _bind(self) -> int | None:
        """Have the shortcut bound, unless it is; the portal's answer, None when it went away."""
        listed = self._ask("ListShortcuts", "oa{sv}", self._path)
        if listed is not None and self._note(listed[1]):
            return 0
        wanted = {
            "description": ("s", say("hotkey.ask")),
            "preferred_trigger": ("s", self._job.trigger.portal),
        }
        bound = self._ask("BindShortcuts", "oa(sa{sv})sa{sv}", self._path, [(ID, wanted)], "")
        if bound is None:
            return None
        if bound[0] == 0 and not self._note(bound[1]):
            again = self._ask("ListShortcuts", "oa{sv}", self._path)  # some bind and forget to say
            if again is not None:
                self._note(again[1])
        return int(bound[0])

    def _note(self, results: dict[str, Any]) -> bool:
        """Keep the trigger that came back, if one did."""
        self._granted = _trigger_in(_plain(results.get("shortcuts", ())))
        return self._granted is not None

    def _tell(self, answer: int = 0) -> None:
        wanted, problem = str(self._job.trigger), None
        if answer != 0:
            problem = GaloshError("hotkey-refused", trigger=wanted, answer=answer)
        elif self._granted is None:
            problem = GaloshError("hotkey-not-granted", trigger=wanted)
        self._job.tell(self._granted, problem)

    def _listen(self) -> bool:
        while not self._job.stop.is_set:
            signal = self._bus.next_signal(self._job.stop)
            if signal is None:
                continue
            interface, member, path, values = fields(signal)
            if interface == SHORTCUTS and values and values[0] == self._path:
                self._shortcut_signal(member, values)
            elif (interface == SESSION and path == self._path) or member == "NameOwnerChanged":
                return True  # closed by the desktop, or the portal restarts
        self._close()
        return True

    def _shortcut_signal(self, member: str, values: tuple[Any, ...]) -> None:
        if member == "Activated" and values[1] == ID:
            self._job.fire()
            if self._granted is None:  # bound after all, outside of our asking
                listed = self._ask("ListShortcuts", "oa{sv}", self._path)
                if listed is not None and self._note(listed[1]):
                    self._tell()
        elif member == "ShortcutsChanged":
            self._granted = _trigger_in(values[1])
            self._tell()

    def _ask(self, method: str, signature: str, *values: Any) -> tuple[int, dict[str, Any]] | None:
        """A call whose answer comes as a signal; None when the portal or we end meanwhile.

        The last dict of a request holds its token; `values` may end with that dict.
        """
        token = next(self._tokens)
        *others, last = values
        options: dict[str, Any] = dict(last) if isinstance(last, dict) else {}
        if not isinstance(last, dict):
            others.append(last)
        options["handle_token"] = ("s", token)
        path = f"{PATH}/request/{self._bus.unique_name[1:].replace('.', '_')}/{token}"
        given = self._bus.call(NAME, PATH, SHORTCUTS, method, signature, *others, options)
        answers = {path, str(given[0])}  # portals before 0.9 chose the path themselves
        while not self._job.stop.is_set:
            signal = self._bus.next_signal(self._job.stop, _ANSWER_SECONDS)
            if signal is None:
                return None
            interface, member, where, body = fields(signal)
            if interface == REQUEST and member == "Response" and where in answers:
                return int(body[0]), dict(body[1])
            if member == "NameOwnerChanged":
                return None
        return None

    def _close(self) -> None:
        try:
            self._bus.call(NAME, self._path, SESSION, "Close")
        except (BusError, OSError, TimeoutError):
            return  # hanging up ends it as well


def _trigger_in(shortcuts: Any) -> str | None:
    """The trigger of ours in a list of shortcuts; None where it has none."""
    for name, facts in shortcuts:
        if name == ID:
            text = str(_plain(facts.get("trigger_description", ""))).strip()
            return text or None
    return None


def _plain(value: Any) -> Any:
    """A variant's value: jeepney gives (signature, value)."""
    is_variant = isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)
    return value[1] if is_variant else value


def _has_kde(bus: Bus) -> bool:
    from galosh.hotkey.kglobalaccel import is_kde

    return is_kde(bus)
