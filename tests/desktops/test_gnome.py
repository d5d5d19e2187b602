"""GNOME Shell with the AppIndicator extension: a Wayland session in a window of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop_files import BARE_BUS
from tests.desktop_kit import Desktop, desktop, wait_for
from tests.desktops.contract import Agent, TrayContract, agent, until_still
from tests.desktops.shell import Shell, need
from tests.fakes.tray_host import WATCHER

__all__ = ["agent"]
pytestmark = pytest.mark.slow
_EXTENSION = "ubuntu-appindicators@ubuntu.com"
_MOCK = "/usr/lib/python3/dist-packages/dbusmock/templates/logind.py"
_PACKAGES = {
    "gnome-shell": "gnome-shell",
    "gnome-extensions": "gnome-shell",
    f"/usr/share/gnome-shell/extensions/{_EXTENSION}": "gnome-shell-extension-appindicator",
    "Xwayland": "xwayland",
    _MOCK: "python3-dbusmock",
}
_SETTINGS = f"""\
[org/gnome/shell]
enabled-extensions=['{_EXTENSION}']
disable-user-extensions=false
welcome-dialog-last-shown-version='99'

[org/gnome/desktop/interface]
enable-animations=false

[org/gnome/desktop/notifications]
show-banners=false
"""
_SYSTEM = ("org.freedesktop.login1", "org.freedesktop.UPower")
_MEDIA_KEYS = "org.gnome.settings-daemon.plugins.media-keys"


class Gnome(Shell):
    """The panel is the shell itself, which is the whole session: what can end and come back is
    the extension with the tray in it."""

    name = "gnome"

    def start_panel(self) -> None:
        """See Shell."""
        self.here.run("gnome-extensions", "enable", _EXTENSION)
        wait_for(lambda: self.here.owns(WATCHER), "the extension's tray", 40)

    def end_panel(self) -> None:
        """See Shell."""
        self.here.run("gnome-extensions", "disable", _EXTENSION)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    need(_PACKAGES)
    folder = tmp_path_factory.mktemp("gnome")
    with desktop(folder, services=True, window_manager=False) as here:
        here.environ.update(
            GALOSH_LANG="en", XDG_CURRENT_DESKTOP="GNOME", XDG_SESSION_TYPE="wayland",
            XDG_SESSION_ID="c1", GSETTINGS_BACKEND="keyfile", LIBGL_ALWAYS_SOFTWARE="1",
            MUTTER_DEBUG_DUMMY_MODE_SPECS="1280x800",
        )  # fmt: skip
        settings = Path(here.environ["XDG_CONFIG_HOME"]) / "glib-2.0/settings/keyfile"
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS, encoding="utf-8")
        _system_bus(here)
        here.start("gnome-shell", "--nested", "--wayland", log="shell.log")
        gnome = Gnome(here)
        gnome.start_panel()
        socket = wait_for(lambda: sorted(Path(here.environ["XDG_RUNTIME_DIR"]).glob("wayland-?")),
                          "Wayland")[0]  # fmt: skip
        here.environ["WAYLAND_DISPLAY"] = socket.name
        until_still(gnome, 30)
        here.keys("Escape")  # it begins with the overview
        until_still(gnome, 30)
        yield gnome


def _system_bus(here: Desktop) -> None:
    """What the shell wants to know of the machine, from python3-dbusmock: a session, no battery."""
    folder = here.folder / "system"
    folder.mkdir()
    config = folder / "bus.conf"
    config.write_text(BARE_BUS.format(folder=folder), encoding="utf-8")
    bus = here.start("dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1",
                     stdout=subprocess.PIPE)  # fmt: skip
    assert bus.stdout is not None
    here.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.stdout.readline().strip().decode()
    for template in ("logind", "upower"):
        mock = ("/usr/bin/python3", "-m", "dbusmock", "--system", "--template", template)
        here.start(*mock, log="mock.log")
    call = ("dbus-send", "--system", "--print-reply")
    for name in _SYSTEM:
        ask = (*call, "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner",
               f"string:{name}")  # fmt: skip
        wait_for(lambda ask=ask: "boolean true" in here.run(*ask), name)  # type: ignore[misc]
    here.run(
        *call, f"--dest={_SYSTEM[0]}", "/org/freedesktop/login1",
        "org.freedesktop.DBus.Mock.AddSession", "string:c1", "string:seat0", "uint32:0",
        "string:root", "boolean:true",
    )  # fmt: skip


class TestGnome(TrayContract):
    def test_the_hotkey_is_not_claimed_but_offered(self, agent: Agent) -> None:
        """GNOME 43 has no portal for it: GNOME's own shortcut, once the user agrees."""
        state = agent.hotkey()
        assert (state["way"], state["granted"]) == ("desktop", None)
        assert state["problem"]["code"] == "hotkey-needs-binding"
