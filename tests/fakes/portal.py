"""A desktop portal with GlobalShortcuts, as good or as bad as a test wants it."""

from __future__ import annotations

from typing import Any

from tests.fakes.bus_service import Answer, BusFaultError, BusService

NAME = "org.freedesktop.portal.Desktop"
PATH = "/org/freedesktop/portal/desktop"
SHORTCUTS = "org.freedesktop.portal.GlobalShortcuts"


class Portal:
    """registry: None: from before it; True: takes us; False: refuses us.
    answer: of BindShortcuts, 0 is yes. trigger: what it grants, "" for nothing.
    tells: whether the answer says what was bound (else only ListShortcuts does)."""

    def __init__(
        self,
        address: str,
        *,
        registry: bool | None = True,
        answer: int = 0,
        trigger: str = "Press <Ctrl><Alt>space",
        tells: bool = True,
        strict: bool = False,
    ) -> None:
        self.registry = registry
        self.answer = answer
        self.trigger = trigger
        self.tells = tells
        self.strict = strict
        self.bound: list[tuple[str, dict[str, Any]]] = []
        self.session = ""
        self.sessions = 0
        self._seen: set[str] = set()
        methods: dict[str, Any] = {
            f"{SHORTCUTS}.CreateSession": self._create,
            f"{SHORTCUTS}.BindShortcuts": self._bind,
            f"{SHORTCUTS}.ListShortcuts": self._list,
            "org.freedesktop.portal.Session.Close": self._closed,
        }
        if registry is not None:
            methods["org.freedesktop.host.portal.Registry.Register"] = self._register
        self.service = BusService(address, NAME, methods)

    def activate(self, name: str = "ask") -> None:
        """The user pressed the keys."""
        values = (self.session, name, 1, {"activation_token": ("s", "t")})
        self.service.signal(PATH, SHORTCUTS, "Activated", "osta{sv}", *values)

    def change(self, trigger: str) -> None:
        """The user chose others in the settings."""
        self.trigger = trigger
        values = (self.session, [("ask", self._facts())])
        self.service.signal(PATH, SHORTCUTS, "ShortcutsChanged", "oa(sa{sv})", *values)

    def close(self) -> None:
        """The portal ends."""
        self.service.close()

    def _register(self, app_id: str, _options: dict[str, Any]) -> Answer:
        assert self.service.senders[-1] not in self._seen, "the Registry comes first"
        if self.registry is False:
            raise BusFaultError("org.freedesktop.portal.Error.InvalidArgument")
        return "", ()

    def _create(self, options: dict[str, Any]) -> Answer:
        if self.strict and not self.service.called("Register"):
            raise BusFaultError("org.freedesktop.portal.Error.NotAllowed")
        self.sessions += 1
        self._seen.add(self.service.senders[-1])
        self.bound = []
        sender = self.service.senders[-1][1:].replace(".", "_")
        self.session = f"{PATH}/session/{sender}/{options['session_handle_token'][1]}"
        return self._request(options, 0, {"session_handle": ("s", self.session)})

    def _bind(
        self, session: str, shortcuts: list[Any], _window: str, options: dict[str, Any]
    ) -> Answer:
        assert session == self.session
        assert not self.bound, "one bind to a session"
        self.bound = shortcuts
        facts: dict[str, Any] = {}
        if self.answer == 0 and self.trigger and self.tells:
            facts = {"shortcuts": ("a(sa{sv})", [("ask", self._facts())])}
        elif self.answer == 0:
            facts = {"shortcuts": ("a(sa{sv})", [])}
        return self._request(options, self.answer, facts)

    def _list(self, _session: str, options: dict[str, Any]) -> Answer:
        listed = [("ask", self._facts())] if self.bound and self.trigger else []
        return self._request(options, 0, {"shortcuts": ("a(sa{sv})", listed)})

    def _closed(self) -> Answer:
        self.session = ""
        return "", ()

    def _facts(self) -> dict[str, Any]:
        return {"description": ("s", "x"), "trigger_description": ("s", self.trigger)}

    def _request(self, options: dict[str, Any], answer: int, facts: dict[str, Any]) -> Answer:
        sender = self.service.senders[-1][1:].replace(".", "_")
        path = f"{PATH}/request/{sender}/{options['handle_token'][1]}"
        where = (path, "org.freedesktop.portal.Request", "Response", "ua{sv}")
        self.service.after_answer(lambda: self.service.signal(*where, answer, facts))
        return "o", (path,)
