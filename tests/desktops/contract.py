"""What the tray promises on every desktop, asked of the one that the fixture `shell` starts."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.desktop_kit import wait_for
from tests.desktops.shell import Shell, changed_share, difference, text_rows
from tests.fakes.tray_host import Host
from tests.tray.kit import Served, served, start_tray

_CLICKABLE_SECONDS = 0.6  # menus ignore clicks that come with their opening
_AGAIN_SECONDS = 3.0
_DOWNLOAD = {"id": "d1", "state": "running", "file_name": "some.gguf", "size_bytes": 100}


class Agent:
    """The real agent on that desktop, with the daemon behind it and a host that looks on."""

    def __init__(self, shell: Shell, daemon: Served, host: Host) -> None:
        self.shell, self.daemon, self.host = shell, daemon, host

    def hotkey(self) -> Mapping[str, Any]:
        """The hotkey's state as the agent told it to the daemon, once it has one."""

        def told() -> Mapping[str, Any] | None:
            desktop: Any = self.daemon.client.status().get("desktop") or {}
            found = desktop.get("hotkey")
            return found if found and (found["granted"] or found["problem"]) else None

        state = wait_for(told, "word of the hotkey", 15)
        assert state is not None
        return state

    def model(self) -> object:
        """The model in use."""
        worker: Any = self.daemon.client.status()["worker"]
        return worker["model"]

    def has_download(self) -> bool:
        """Whether the menu has a row for a download."""
        return "↓" in str(self.host.labels())


@pytest.fixture
def agent(shell: Shell, tmp_path: Path) -> Iterator[Agent]:
    """The agent, once its menu knows the models; a daemon of its own for each test."""
    here = shell.here
    here.environ["GALOSH_HOME"] = str(tmp_path / "galosh")
    with served(tmp_path) as daemon, Host(here.environ["DBUS_SESSION_BUS_ADDRESS"]) as host:
        wait_for(lambda: not host.items(), "end of the last test's icon")
        daemon.client.change_setting("tray.notifications", False)  # they would cover the menu
        process = start_tray(here, "--no-daemon")
        wait_for(lambda: host.items() and "(beta)" in str(host.labels()), "the menu's models")
        yield Agent(shell, daemon, host)
        process.terminate()
        process.wait(5)
    assert "Traceback" not in here.log("tray.log")


def until_still(shell: Shell, seconds: float = 10.0) -> None:
    """Until two pictures in a row are alike: a desktop that has just come up still moves."""
    last = [shell.photo()]

    def still() -> bool:
        last.append(shell.photo())
        return difference(*last[-2:]) is None

    wait_for(still, "still picture", seconds, every=0.4)


class TrayContract:
    """Inherit, and give the module a fixture `shell`."""

    def test_icon_and_menu_are_seen(self, agent: Agent) -> None:
        """Every row of the menu is there to be read."""
        shell = agent.shell
        shell.wait_icon()
        until_still(shell)
        box = shell.open_menu()
        rows = [row for row in agent.host.layout() if "label" in row]
        seen = text_rows(shell.photo(), box)
        kept = shell.keep(box)
        shell.close_menu()
        assert len(seen) >= len(rows), f"{len(seen)} lines of text, {len(rows)} rows"
        assert kept.stat().st_size < 80_000

    def test_a_click_on_a_model_swaps(self, agent: Agent) -> None:
        """The row is found in the picture and clicked by the mouse."""
        shell = agent.shell
        until_still(shell)
        box = shell.open_menu()
        labels = [row["label"] for row in agent.host.layout() if "label" in row]
        place = next(n for n, label in enumerate(labels) if "(beta)" in label)
        lines = text_rows(shell.photo(), box)
        time.sleep(_CLICKABLE_SECONDS)
        # Above the models only rows of one line stand, so the count is the same.
        shell.click((box[0] + box[2]) // 2, lines[place], 1)
        wait_for(lambda: agent.model() == "beta", "model beta by a click", 10)
        wait_for(lambda: agent.host.model("beta")["toggle-state"] == 1, "tick on beta")

    def test_an_open_menu_stays_and_counts(self, agent: Agent) -> None:
        """A label that changes 5 times a second neither closes the menu nor stands still."""
        shell, daemon = agent.shell, agent.daemon
        daemon.tell("download.progress", **_DOWNLOAD, kept_bytes=0)
        wait_for(agent.has_download, "the download")
        shell.wait_icon()
        until_still(shell)
        with counting(daemon):
            box = shell.open_menu()
            before = shell.photo()
            time.sleep(4)
            after = shell.photo()
        share = changed_share(before, after, box)
        shell.close_menu()
        assert 0 < share < 0.1, f"{share:.0%} of the menu changed"

    def test_the_icon_comes_back_with_the_panel(self, agent: Agent) -> None:
        """Killed and started again."""
        shell = agent.shell
        shell.wait_icon()
        shell.end_panel()
        wait_for(lambda: shell.icon() is None, "screen without the icon", 5)
        shell.start_panel()
        begin = time.monotonic()
        shell.wait_icon(_AGAIN_SECONDS)
        print(f"{shell.name}: icon back {time.monotonic() - begin:.2f} s after the panel")
        wait_for(lambda: "(alpha)" in str(agent.host.labels()), "the menu again")


@contextlib.contextmanager
def counting(daemon: Served) -> Iterator[None]:
    """A download that reports 5 times a second."""
    over = threading.Event()

    def count() -> None:
        kept = 0
        while not over.wait(0.2):
            kept = kept % 99 + 1
            daemon.tell("download.progress", **_DOWNLOAD, kept_bytes=kept)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
