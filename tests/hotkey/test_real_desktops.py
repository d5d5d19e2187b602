"""The same on Plasma's real services, run by hand: kglobalaccel5, the portal and its KDE half.

Debian's plasma-workspace and xdg-desktop-portal-kde; a page of System Settings may be opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.hotkey import kglobalaccel, listen, portal
from tests.desktop_kit import Desktop, desktop, wait_for
from tests.hotkey.listening import listening

pytestmark = pytest.mark.slow
PORTAL_KDE = "/usr/lib/x86_64-linux-gnu/libexec/xdg-desktop-portal-kde"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    with desktop(tmp_path, services=True) as here:
        here.environ |= {"XDG_CURRENT_DESKTOP": "KDE", "QT_QUICK_BACKEND": "software"}
        for name in ("DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, here.environ[name])
        monkeypatch.setenv("XDG_CURRENT_DESKTOP", "KDE")
        monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
        here.start("kglobalaccel5", log="kglobalaccel.log")
        wait_for(lambda: here.owns(kglobalaccel.NAME), "kglobalaccel")
        yield here


def test_kglobalaccel_gives_keys_and_names_holders(here: Desktop) -> None:
    with listening("Ctrl+Alt+Space") as heard:
        assert heard.state().way == "kde"
        assert heard.state().granted == "Ctrl+Alt+Space"
        for count in range(1, 21):
            here.keys("ctrl+alt+space")
            heard.wait_presses(count)
        heard.hotkey.change("Super+F9")
        heard.state(lambda state: state.granted == "Super+F9")
        here.keys("ctrl+alt+space")
        here.keys("super+F9")
        heard.wait_presses(21)
        other = listen("Ctrl+Alt+F9", lambda: None, lambda _: None, app_id="another")
        wait_for(lambda: other.state.granted, "the other program's key")
        heard.hotkey.change("Ctrl+Alt+F9")
        problem = heard.state(lambda state: state.wanted == "Ctrl+Alt+F9").problem
        assert problem is not None
        assert problem.code == "hotkey-taken-by"
        other.close()
    assert heard.presses == 21


def test_plasmas_portal_says_yes_and_binds_nothing(here: Desktop) -> None:
    here.start(PORTAL_KDE, log="portal-kde.log")
    wait_for(lambda: here.owns("org.freedesktop.impl.portal.desktop.kde"), "KDE's half")
    here.start("/usr/libexec/xdg-desktop-portal", log="portal.log")
    wait_for(lambda: here.owns(portal.NAME), "portal")
    ways = [("portal", portal.listen), ("kde", kglobalaccel.listen)]
    with listening("Ctrl+Alt+Space", ways) as heard:  # type: ignore[arg-type]
        state = heard.state()
        assert (state.way, state.granted) == ("kde", "Ctrl+Alt+Space")
        here.keys("ctrl+alt+space")
        heard.wait_presses(1)
