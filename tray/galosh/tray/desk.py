"""Hotkey, selection and quick prompt: what the agent keeps for the user's hands.

Owns the popup child, the hotkey, and where the last selection came from. Rules: a key press
goes from the hotkey's thread straight to the popup, past the agent's loop; the selection is
read before the window shows, because afterwards another program may own it; a part that is
missing is said once and the rest works on.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from galosh.api.client import Client
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.tray.popup_child import PopupChild, Said
from galosh.tray.view import text

if TYPE_CHECKING:
    from galosh.hotkey import Hotkey, HotkeyState
    from galosh.selection import Origin
    from galosh.tray.view import View

_LOG = logging.getLogger("galosh.tray")
_TRIGGER = "hotkey.trigger"


class Host(Protocol):
    """What the desk needs of the agent."""

    paths: Paths
    view: View

    def post(self, work: Callable[[], None]) -> None:
        """Have the loop do this."""

    def change(self, **facts: object) -> None:
        """Know something else from now on."""

    def news(self, title: str, body: str) -> None:
        """Tell what nobody asked for."""

    def on_click(self, key: str) -> None:
        """As if a row were chosen."""


class Desk:
    """See the module."""

    def __init__(self, host: Host, *, popup: bool, hotkey: bool) -> None:
        self._host = host
        self._popup = PopupChild(self._popup_said) if popup else None
        self._wants_hotkey = hotkey
        self._hotkey: Hotkey | None = None
        self._told: tuple[object, ...] = ()
        self._origin: Origin | None = None
        self._facts: dict[str, object] = {}

    def start(self, *, show: bool) -> None:
        """Start both; show: ask at once."""
        if self._popup is not None:
            self._popup.start()
        if show:
            self.show()
        if self._wants_hotkey:
            threading.Thread(target=self._listen, name="galosh-desk", daemon=True).start()

    def close(self) -> None:
        """End both."""
        if self._hotkey is not None:
            self._hotkey.close()
        if self._popup is not None:
            self._popup.close()

    def show(self, *, toggle: bool = False) -> None:
        """Show the quick prompt, without a selection; where there is none, the page.

        toggle: hide it instead, if the user is in it.
        """
        self._order("toggle" if toggle else "show", None)

    def press(self) -> None:
        """What the hotkey does, asked for by another program (a desktop's own key binding)."""
        threading.Thread(target=self._fired, name="galosh-desk", daemon=True).start()

    def setting_changed(self, name: str) -> None:
        """The user may want other keys."""
        if name == _TRIGGER and self._hotkey is not None:
            self._hotkey.change(self._trigger())

    def copy(self, words: str) -> bool:
        """Put it into the clipboard, as this session allows; whether it is there."""
        from galosh.selection import Origin, insert

        return insert(words, Origin(0)) == "copied"

    def tell_daemon(self, way: str | None) -> None:
        """Which tray shows us, for status, page and doctor; the daemon keeps it in memory only."""
        self._facts["pid"] = os.getpid()
        self._facts["tray"] = {"way": way or "none", "problem": None}
        self._send_facts()

    def _send_facts(self) -> None:
        if "pid" in self._facts and not self._host.view.away:
            facts = dict(self._facts)
            threading.Thread(target=self._put_facts, args=(facts,), daemon=True).start()

    def _put_facts(self, facts: dict[str, object]) -> None:
        try:
            Client(self._host.paths).set_desktop(facts)
        except GaloshError as error:
            _LOG.info("the daemon was not told of the desktop: %s", error.code)

    # -- the hotkey: its own thread

    def _listen(self) -> None:
        from galosh.hotkey import listen

        self._hotkey = listen(self._trigger(), self._fired, self._hotkey_changed)

    def _trigger(self) -> str:
        try:
            return Settings.load(self._host.paths.settings_file).text(_TRIGGER)
        except GaloshError:
            return ""  # the settings file is broken: the doctor says so

    def _fired(self) -> None:
        from galosh.selection import read_origin, read_selection

        selection = read_selection()
        self._origin = read_origin() if selection is None else selection.origin
        can_insert = self._origin is not None and self._origin.can_insert
        told = None
        if selection is not None or can_insert:
            words, cut = ("", False) if selection is None else (selection.text, selection.cut)
            told = {"text": words, "cut": cut, "can_insert": can_insert}
        self._order("toggle", told)

    def _order(self, what: str, selection: Said | None) -> None:
        popup = self._popup
        # Tk shows nothing to a screen reader; the page does.
        if popup is None or popup.given_up or self._host.view.settings.get("popup.screen_reader"):
            words = "" if selection is None else str(selection["text"])
            threading.Thread(target=self._carry_over, args=(words,), daemon=True).start()
            return
        from galosh.selection import active_screen

        popup.send(
            {
                "do": what,
                "selection": selection,
                "hotkey": self._host.view.hotkey,
                "screen": active_screen(),
            }
        )

    def _hotkey_changed(self, state: HotkeyState) -> None:
        self._host.post(lambda: self._take_state(state))

    def _take_state(self, state: HotkeyState) -> None:
        self._host.change(hotkey=state.granted)
        self._facts["hotkey"] = state.to_json()
        self._send_facts()
        problem = state.problem
        told = (state.wanted, None if problem is None else problem.code)
        if problem is not None and told != self._told:
            self._host.news(problem.what, f"{problem.why} {problem.next_step}")
        self._told = told

    # -- the popup: its reader's thread

    def _popup_said(self, said: Said) -> None:
        event, words = said.get("event"), text(said.get("text")) or ""
        if event == "insert":
            threading.Thread(target=self._insert, args=(words,), daemon=True).start()
        elif event == "notebook":
            threading.Thread(target=self._carry_over, args=(words,), daemon=True).start()
        elif event == "failed" and isinstance(said.get("error"), dict):
            error = GaloshError.from_json(said["error"])
            _LOG.warning("no quick prompt: %s", error)
            self._host.post(lambda: self._host.news(error.what, error.next_step))

    def _insert(self, words: str) -> None:
        from galosh.selection import insert

        how = "refused" if self._origin is None else insert(words, self._origin)
        self._tell_popup({"do": "inserted", "how": how})

    def _tell_popup(self, message: Said) -> None:
        if self._popup is not None:
            self._popup.send(message)

    def _carry_over(self, words: str) -> None:
        """The page opens on the newest sheet: these words. A talk ends in the popup with that."""
        try:
            if words.strip():
                Client(self._host.paths).add_notebook(text=words)
                self._tell_popup({"do": "moved", "text": words})
        except GaloshError as error:
            stated = error
            self._host.post(lambda: self._host.news(stated.what, stated.next_step))
        self._host.on_click("notebook")
