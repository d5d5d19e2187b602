"""KDE Plasma 5.27 on X11: KWin and plasmashell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.desktop_kit import Process, desktop, end, wait_for
from tests.desktops.contract import Agent, TrayContract, agent, until_still
from tests.desktops.shell import Shell, need
from tests.fakes.tray_host import WATCHER

__all__ = ["agent"]
pytestmark = pytest.mark.slow
_PACKAGES = {
    "plasmashell": "plasma-workspace",
    "kded5": "plasma-workspace",
    "kwin_x11": "kwin-x11",
    "/usr/share/plasma/plasmoids/org.kde.plasma.taskmanager": "plasma-desktop",
}


class Plasma(Shell):
    """plasmashell is panel and desktop."""

    name = "plasma"
    _panel: Process

    def start_panel(self) -> None:
        """See Shell."""
        self._panel = self.here.start("plasmashell", "--no-respawn", log="panel.log")
        # The watcher is kded's; the host is plasmashell's.
        wait_for(lambda: self.here.owns("org.kde.plasmashell"), "plasmashell", 60)

    def end_panel(self) -> None:
        """See Shell."""
        end(self._panel)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    need(_PACKAGES)
    folder = tmp_path_factory.mktemp("plasma")
    with desktop(folder, services=True, window_manager=False) as here:
        here.environ.update(
            GALOSH_LANG="en", XDG_CURRENT_DESKTOP="KDE", KDE_FULL_SESSION="true",
            KDE_SESSION_VERSION="5", QT_QUICK_BACKEND="software", LIBGL_ALWAYS_SOFTWARE="1",
            KWIN_COMPOSE="N", XDG_CONFIG_DIRS="/etc/xdg", XDG_DATA_DIRS="/usr/share",
        )  # fmt: skip
        here.start("kded5", log="kded.log")  # first: it is the tray's watcher
        wait_for(lambda: here.owns(WATCHER), "kded's watcher", 60)
        here.start("kwin_x11", log="kwin.log")
        wait_for(lambda: here.owns("org.kde.KWin"), "KWin", 60)
        plasma = Plasma(here)
        plasma.start_panel()
        until_still(plasma, 60)
        yield plasma


class TestPlasma(TrayContract):
    def test_the_hotkey_works(self, agent: Agent) -> None:
        """Granted by X11, and the quick prompt comes."""
        assert agent.hotkey()["granted"] == "Ctrl+Alt+Space"
        agent.shell.press_hotkey()
        agent.shell.here.wait_window("--class", "Galosh")
