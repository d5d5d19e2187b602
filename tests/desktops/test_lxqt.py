"""lxqt-panel on X11."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop_kit import Process, desktop, end, wait_for
from tests.desktops.contract import Agent, TrayContract, agent
from tests.desktops.shell import Shell, need
from tests.fakes.tray_host import WATCHER

__all__ = ["agent"]
pytestmark = pytest.mark.slow
_PACKAGES = {"lxqt-panel": "lxqt-panel", "openbox": "openbox", "xdotool": "xdotool"}
_PANEL = """\
[General]
__userfile__=true
panels=panel1

[panel1]
plugins=mainmenu,taskbar,statusnotifier,worldclock
position=Bottom
panelSize=32
iconSize=22

[mainmenu]
type=mainmenu

[taskbar]
type=taskbar

[statusnotifier]
alignment=Right
type=statusnotifier

[worldclock]
type=worldclock
"""


class Lxqt(Shell):
    """Openbox and the panel."""

    name = "lxqt"
    _panel: Process

    def start_panel(self) -> None:
        """See Shell."""
        self._panel = self.here.start("lxqt-panel", log="panel.log")
        wait_for(lambda: self.here.owns(WATCHER), "lxqt-panel", 30)

    def end_panel(self) -> None:
        """See Shell."""
        end(self._panel)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    need(_PACKAGES)
    with desktop(tmp_path_factory.mktemp("lxqt"), services=True) as here:
        here.environ.update(GALOSH_LANG="en", XDG_CURRENT_DESKTOP="LXQt")
        settings = Path(here.environ["XDG_CONFIG_HOME"]) / "lxqt/panel.conf"
        settings.parent.mkdir()
        settings.write_text(_PANEL, encoding="utf-8")
        lxqt = Lxqt(here)
        lxqt.start_panel()
        yield lxqt


class TestLxqt(TrayContract):
    def test_the_hotkey_works(self, agent: Agent) -> None:
        """Granted by X11, and the quick prompt comes."""
        assert agent.hotkey()["granted"] == "Ctrl+Alt+Space"
        agent.shell.press_hotkey()
        agent.shell.here.wait_window("--class", "Galosh")
