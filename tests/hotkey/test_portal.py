"""The hotkey of a Wayland session: portals good and bad, KDE's service, GNOME's own shortcuts.

The bus is a real one; the portal and KDE's service on it are ours, of every kind seen in the
field. The gsettings are real, over a copy of GNOME's schema.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from galosh.hotkey import desktop_binding, portal
from galosh.hotkey.choose import ways
from galosh.hotkey.kglobalaccel import NAME as KDE
from galosh.hotkey.trigger import parse
from tests.desktop_kit import bus, home_environ, wait_for
from tests.fakes.bus_service import Answer, BusService
from tests.fakes.portal import Portal
from tests.hotkey.listening import listening

pytestmark = pytest.mark.long
TRIGGER = "Ctrl+Alt+Space"


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A private bus, in a Wayland session."""
    with bus(tmp_path, home_environ(tmp_path)) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
        monkeypatch.setenv("XDG_CURRENT_DESKTOP", "sway")
        yield address


@pytest.mark.parametrize("registry", [True, None, False])
def test_the_granted_trigger_is_told_and_fires(address: str, registry: bool | None) -> None:
    """Portals with the Registry, from before it, and one that refuses our name."""
    fake = Portal(address, registry=registry)
    with listening(TRIGGER) as heard:
        state = heard.state()
        assert (state.way, state.granted) == ("portal", "Press <Ctrl><Alt>space")
        assert state.problem is None
        assert fake.bound[0][1]["preferred_trigger"] == ("s", "CTRL+ALT+space")
        for count in (1, 2, 3):
            fake.activate()
            heard.wait_presses(count)
        fake.activate("another")
        fake.change("Meta+G")
        heard.state(lambda state: state.granted == "Meta+G")
        assert heard.presses == 3
    wait_for(lambda: fake.session == "", "session closed")
    fake.close()


def test_a_portal_that_wants_a_name_gets_it_first(address: str) -> None:
    fake = Portal(address, strict=True)
    with listening(TRIGGER) as heard:
        assert heard.state().granted is not None
        assert fake.service.called("Register") == [("galosh", {})]
        assert fake.service.calls[0][0].endswith("Registry.Register")
    fake.close()


def test_an_empty_yes_is_not_bound(address: str) -> None:
    """And a press that comes all the same shows that it is: GNOME 50 forgets to say so."""
    fake = Portal(address, trigger="")
    with listening(TRIGGER) as heard:
        state = heard.state()
        assert state.granted is None
        assert state.problem is not None
        assert state.problem.code == "hotkey-not-granted"
        fake.trigger = "Super+K"
        fake.activate()
        heard.wait_presses(1)
        assert heard.state(lambda state: state.granted is not None).granted == "Super+K"
    fake.close()


def test_a_bind_that_only_the_list_tells_of(address: str) -> None:
    fake = Portal(address, tells=False)
    with listening(TRIGGER) as heard:
        assert heard.state().granted == "Press <Ctrl><Alt>space"
    fake.close()


def test_a_refusal_is_told_and_asked_again_in_a_new_session(address: str) -> None:
    fake = Portal(address, answer=1)
    with listening(TRIGGER) as heard:
        state = heard.state()
        assert state.granted is None
        assert state.problem is not None
        assert state.problem.code == "hotkey-refused"
        fake.answer = 0
        heard.hotkey.change("Ctrl+Alt+F9")
        assert heard.state(lambda state: state.granted is not None).wanted == "Ctrl+Alt+F9"
        assert fake.sessions == 2
        assert fake.bound[0][1]["preferred_trigger"] == ("s", "CTRL+ALT+F9")
    fake.close()


def test_a_portal_that_restarts(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal, "_AGAIN_SECONDS", 0.05)
    first = Portal(address)
    with listening(TRIGGER) as heard:
        heard.state()
        first.close()
        second = Portal(address, trigger="Ctrl+Alt+1")
        heard.state(lambda state: state.granted == "Ctrl+Alt+1")
        second.activate()
        heard.wait_presses(1)
    second.close()


class Kde:
    """KDE's service for global shortcuts: gives a key to whoever asks first.

    kwin: whether KWin runs as well, without which no key is ever heard.
    """

    def __init__(
        self, address: str, taken: dict[int, list[str]] | None = None, *, kwin: bool = True
    ) -> None:
        self.taken = taken or {}
        self.keys: dict[str, int] = {}
        self._kwin = BusService(address, "org.kde.KWin", {}) if kwin else None
        self.service = BusService(
            address,
            KDE,
            {
                "org.kde.KGlobalAccel.doRegister": lambda _names: ("", ()),
                "org.kde.KGlobalAccel.setShortcut": self._set,
                "org.kde.KGlobalAccel.action": lambda key: ("as", (self.taken.get(key, []),)),
                "org.kde.KGlobalAccel.getComponent": lambda _name: ("o", ("/component/galosh",)),
                "org.kde.KGlobalAccel.setInactive": self._free,
            },
        )

    def close(self) -> None:
        """Leave the bus."""
        self.service.close()
        if self._kwin is not None:
            self._kwin.close()

    def press(self, component: str = "galosh") -> None:
        """The user pressed our key."""
        values = (component, "ask", 5)
        self.service.signal("/component/galosh", "org.kde.kglobalaccel.Component",
                            "globalShortcutPressed", "ssx", *values)  # fmt: skip

    def _set(self, names: list[str], keys: list[int], _flags: int) -> Answer:
        free = [key for key in keys if key not in self.taken]
        self.keys[names[0]] = free[0] if free else 0
        return "ai", (free or [0],)

    def _free(self, names: list[str]) -> Answer:
        self.keys.pop(names[0])
        return "", ()


def test_kde_gives_the_key_and_takes_it_back(address: str) -> None:
    fake = Kde(address)
    with listening(TRIGGER) as heard:
        state = heard.state()
        assert (state.way, state.granted) == ("kde", TRIGGER)
        assert fake.keys == {"galosh": 0x0C000020}
        fake.press("other")
        fake.press()
        heard.wait_presses(1)
        assert heard.presses == 1
    wait_for(lambda: fake.keys == {}, "key given back")
    fake.close()


def test_kde_names_who_holds_the_key(address: str) -> None:
    fake = Kde(address, {0x0C000020: ["krunner", "run", "KRunner", "Search"]})
    with listening(TRIGGER) as heard:
        state = heard.state()
        assert state.granted is None
        assert state.problem is not None
        assert "KRunner – Search" in state.problem.why
    fake.close()


def test_a_portal_that_binds_nothing_leaves_it_to_kde(address: str) -> None:
    """Plasma 5.27: the portal says yes with an empty list."""
    fake, kde = Portal(address, trigger=""), Kde(address)
    with listening(TRIGGER) as heard:
        state = heard.state()
        assert (state.way, state.granted) == ("kde", TRIGGER)
    fake.close()
    kde.close()


def test_kdes_service_beside_another_desktop_is_not_believed(address: str) -> None:
    """It grants every key and hears none: the bus starts it wherever Plasma is installed."""
    fake, kde = Portal(address, trigger=""), Kde(address, kwin=False)
    with listening(TRIGGER) as heard:
        assert heard.state().granted is None
        assert kde.keys == {}
    fake.close()
    with listening(TRIGGER) as heard:
        assert heard.state().way == "desktop"
    assert kde.keys == {}
    kde.close()


def test_neither_tells_the_line_to_add(address: str) -> None:
    with listening(TRIGGER) as heard:
        state = heard.state()
        assert (state.way, state.granted) == ("desktop", None)
        assert state.problem is not None
        assert "bindsym Ctrl+Mod1+space exec" in state.problem.next_step


def test_no_bus_at_all_tells_it_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    with listening(TRIGGER) as heard:
        assert heard.state().way == "desktop"
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    with listening(TRIGGER) as heard:
        assert heard.state().way == "desktop"


SCHEMA = """<schemalist>
<schema id="org.gnome.settings-daemon.plugins.media-keys"
  path="/org/gnome/settings-daemon/plugins/media-keys/">
  <key name="custom-keybindings" type="as"><default>[]</default></key></schema>
<schema id="org.gnome.settings-daemon.plugins.media-keys.custom-keybinding">
  <key name="name" type="s"><default>''</default></key>
  <key name="binding" type="s"><default>''</default></key>
  <key name="command" type="s"><default>''</default></key></schema>
</schemalist>"""
MEDIA = "org.gnome.settings-daemon.plugins.media-keys"
OTHER = "/org/gnome/settings-daemon/plugins/media-keys/custom-keybindings/custom0/"


@pytest.fixture
def gnome(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "keys.gschema.xml").write_text(SCHEMA, encoding="utf-8")
    subprocess.run(["glib-compile-schemas", str(schemas)], check=True)
    monkeypatch.setenv("GSETTINGS_SCHEMA_DIR", str(schemas))
    monkeypatch.setenv("GSETTINGS_BACKEND", "keyfile")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def gsettings(*arguments: str) -> str:
    done = subprocess.run(["gsettings", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.usefixtures("gnome")
def test_gnomes_own_shortcut_with_consent_and_away_again(address: str) -> None:
    gsettings("set", MEDIA, "custom-keybindings", f"['{OTHER}']")
    with listening(TRIGGER) as heard:
        state = heard.state()
        assert state.problem is not None
        assert state.problem.code == "hotkey-needs-binding"  # nothing is added unasked
    assert gsettings("get", MEDIA, "custom-keybindings") == f"['{OTHER}']"
    desktop_binding.bind(parse(TRIGGER))
    desktop_binding.bind(parse(TRIGGER))
    ours = desktop_binding._OURS
    assert gsettings("get", MEDIA, "custom-keybindings") == f"['{OTHER}', '{ours}']"
    entry = f"{MEDIA}.custom-keybinding:{ours}"
    assert gsettings("get", entry, "binding") == "'<Control><Alt>space'"
    assert gsettings("get", entry, "command").endswith("popup'")
    fake = Portal(address)  # what was agreed to comes before asking for anything else
    with listening("Super+F9") as heard:
        state = heard.state()
        assert (state.way, state.granted) == ("desktop", "Super+F9")
    assert fake.sessions == 0
    fake.close()
    assert gsettings("get", entry, "binding") == "'<Super>F9'"
    assert desktop_binding.unbind()
    assert not desktop_binding.unbind()
    assert gsettings("get", MEDIA, "custom-keybindings") == f"['{OTHER}']"
    assert gsettings("get", entry, "command") == "''"


def test_ways_of_sessions() -> None:
    def names(**environ: str) -> list[Any]:
        return [name for name, _ in ways(environ)]

    assert names(DISPLAY=":0", XDG_SESSION_TYPE="x11") == ["x11"]
    assert names(DISPLAY=":0", WAYLAND_DISPLAY="wayland-0") == [
        "desktop",
        "portal",
        "kde",
        "desktop",
    ]
    kde = {"WAYLAND_DISPLAY": "wayland-0", "XDG_CURRENT_DESKTOP": "KDE"}
    assert names(**kde) == ["desktop", "kde", "portal", "desktop"]
    assert names(DISPLAY=":0", XDG_SESSION_TYPE="wayland") == [
        "desktop",
        "portal",
        "kde",
        "desktop",
    ]
    assert names(XDG_SESSION_TYPE="tty") == []
