"""sway with waybar: no screen, no mouse of its own, and not as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.desktop_files import BARE_BUS
from tests.desktop_kit import Desktop, Process, end, home_environ, wait_for
from tests.desktops.contract import Agent, TrayContract, agent
from tests.desktops.pointer import LEFT, RIGHT, Pointer
from tests.desktops.shell import Shell, load, need
from tests.fakes.tray_host import WATCHER

__all__ = ["agent"]
pytestmark = pytest.mark.slow
_PACKAGES = {"sway": "sway", "waybar": "waybar", "grim": "grim", "wtype": "wtype"}
_SIZE = (1280, 800)
_SWAY = f"output HEADLESS-1 resolution {_SIZE[0]}x{_SIZE[1]}\n"
_WAYBAR = """\
{"position": "bottom", "height": 32, "modules-left": ["sway/workspaces"],
 "modules-right": ["tray", "clock"], "tray": {"icon-size": 22, "spacing": 8}}
"""
_STYLE = "* { font-family: sans-serif; }\n"
_NOBODY = 65534  # sway refuses to run as root
_CTRL_ALT_SPACE = ("-M", "ctrl", "-M", "alt", "-k", "space", "-m", "alt", "-m", "ctrl")


class Sway(Shell):
    """sway shows its windows to no X program: grim takes the pictures, wlroots' own protocols
    bring mouse and keys. user: whom its programs run as."""

    name = "sway"
    _panel: Process

    def __init__(self, here: Desktop, user: Mapping[str, Any]) -> None:
        super().__init__(here)
        self.user = user
        self.runtime = Path(here.environ["XDG_RUNTIME_DIR"])
        self.pointer = Pointer(self.runtime / here.environ["WAYLAND_DISPLAY"], _SIZE)

    def photo(self) -> Image.Image:
        """See Shell."""
        path = self.runtime / "photo.png"
        self.here.run("grim", str(path), **self.user)
        return load(path)

    def move(self, x: int, y: int) -> None:
        """See Shell."""
        self.pointer.move(x, y)

    def click(self, x: int, y: int, button: int) -> None:
        """See Shell."""
        self.pointer.click(x, y, LEFT if button == 1 else RIGHT)

    def press_hotkey(self) -> None:
        """See Shell."""
        self.here.run("wtype", *_CTRL_ALT_SPACE, **self.user)

    def start_panel(self) -> None:
        """See Shell."""
        folder = self.here.folder
        command = ("waybar", "-c", str(folder / "waybar.json"), "-s", str(folder / "waybar.css"))
        self._panel = self.here.start(*command, log="panel.log", **self.user)
        wait_for(lambda: self.here.owns(WATCHER), "waybar", 30)

    def end_panel(self) -> None:
        """See Shell."""
        end(self._panel)

    def tell(self, *command: str) -> None:
        """Give sway a command of its configuration."""
        self.here.run("swaymsg", *command, **self.user)


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    need(_PACKAGES)
    # Not below pytest's own folder, which only its user can enter.
    folder = Path(tempfile.mkdtemp(prefix="galosh-sway-"))
    try:
        with ExitStack() as stack:
            yield _start(folder, stack)
    finally:
        shutil.rmtree(folder)


def _start(folder: Path, stack: ExitStack) -> Sway:
    environ = home_environ(folder)
    environ.update(
        GALOSH_LANG="en", XDG_CURRENT_DESKTOP="sway", XDG_SESSION_TYPE="wayland",
        WLR_BACKENDS="headless", WLR_LIBINPUT_NO_DEVICES="1", WLR_RENDERER="pixman",
    )  # fmt: skip
    runtime = Path(environ["XDG_RUNTIME_DIR"])
    for name, text in (("sway.conf", _SWAY), ("waybar.json", _WAYBAR), ("waybar.css", _STYLE)):
        (folder / name).write_text(text, encoding="utf-8")
    bus = folder / "bus.conf"
    own = '<allow own="*"/>'
    bus.write_text(BARE_BUS.format(folder=runtime).replace(own, f'{own}<allow user="*"/>'))
    user = _unprivileged(folder)
    here = Desktop(folder, environ, stack)
    started = here.start("dbus-daemon", f"--config-file={bus}", "--nofork", "--print-address=1",
                         stdout=subprocess.PIPE)  # fmt: skip
    assert started.stdout is not None
    environ["DBUS_SESSION_BUS_ADDRESS"] = started.stdout.readline().strip().decode()
    here.start("sway", "-c", str(folder / "sway.conf"), log="sway.log", **user)
    environ["WAYLAND_DISPLAY"] = _made(runtime, "wayland-?").name
    environ["SWAYSOCK"] = str(_made(runtime, "sway-ipc*"))
    sway = Sway(here, user)
    stack.callback(sway.pointer.close)
    sway.start_panel()
    return sway


def _made(folder: Path, pattern: str) -> Path:
    return wait_for(lambda: sorted(folder.glob(pattern)), f"{pattern} of sway")[0]


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start a program as somebody who may enter that folder; ourselves unless root."""
    if os.geteuid() != 0:
        return {}
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY)
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}


class TestSway(TrayContract):
    def test_the_line_to_add_works(self, agent: Agent) -> None:
        """No program may take keys there: the state names the line, and sway understands it."""
        shell = agent.shell
        assert isinstance(shell, Sway)
        state = agent.hotkey()
        assert (state["way"], state["granted"]) == ("desktop", None)
        assert state["problem"]["code"] == "hotkey-needs-line"
        line = state["problem"]["facts"]["instruction"].split("add: ")[1]
        assert line.endswith(" popup")
        # The agent's own Python is root's here; what sway runs shows that it ran.
        proof = shell.runtime / "pressed"
        shell.tell(line[: line.index(" exec ")] + f" exec touch {proof}")
        shell.press_hotkey()
        wait_for(proof.exists, "the keys", 5)
