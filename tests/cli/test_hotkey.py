"""`galosh hotkey` over a real X server, a real daemon and an agent's part in this process."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.cli import main
from galosh.hotkey import HotkeyState, listen
from tests.desktop_kit import desktop, wait_for
from tests.fakes.serving import Running, serving

pytestmark = pytest.mark.long
TRIGGER = "Ctrl+Alt+Space"


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with desktop(tmp_path_factory.mktemp("d"), window_manager=False, with_bus=False) as here:
        yield here.display


@pytest.fixture
def session(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


class Agent:
    """The agent's part: listens, tells the daemon, follows the setting."""

    def __init__(self, server: Running) -> None:
        self.presses = 0
        self._server = server
        self.hotkey = listen(TRIGGER, self._press, self._tell)
        wait_for(lambda: server.client.status()["desktop"], "the agent's word")
        self._stream = server.client.events()
        next(self._stream)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.hotkey.close()

    def _press(self) -> None:
        self.presses += 1

    def _tell(self, state: HotkeyState) -> None:
        facts = {"pid": os.getpid(), "tray": None, "hotkey": state.to_json()}
        self._server.client.set_desktop(facts)

    def _follow(self) -> None:
        for event in self._stream:
            if event.name == "settings.changed":
                self.hotkey.change(str(self._server.client.settings()["hotkey.trigger"]))


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    status = main(["hotkey", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("session")
def test_set_reaches_the_agent_and_tells_what_was_granted(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(paths) as server:
        agent = Agent(server)
        status, document = call(capsys, "show")
        assert (status, document["agent"]["granted"]) == (0, TRIGGER)
        status, document = call(capsys, "test")
        assert status == 0
        assert document["proof"]["fired"]
        assert document["proof"]["pressed"] != TRIGGER, "the agent's own keys are left alone"
        assert agent.presses == 0
        status, document = call(capsys, "set", "alt ctrl f9")
        assert (status, document["agent"]["granted"]) == (0, "Ctrl+Alt+F9")
        assert main(["hotkey"]) == 0
        assert "Ctrl+Alt+F9" in capsys.readouterr().out
        other = listen("Super+F9", lambda: None, lambda _: None)
        wait_for(lambda: other.state.granted, "the other program's keys")
        status, document = call(capsys, "set", "super+f9")
        assert status == 1
        assert document["agent"]["problem"]["code"] == "hotkey-taken"
        assert len(document["agent"]["alternatives"]) == 2
        assert main(["hotkey", "test"]) == 1
        assert "Super+F9" in capsys.readouterr().out
        other.close()
        status, document = call(capsys, "set", "none")
        assert (status, document["agent"]["granted"]) == (0, None)
        agent.close()


@pytest.mark.usefixtures("session")
def test_without_daemon_and_agent(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    status, document = call(capsys, "set", "Ctrl+Shift+Space")
    assert (status, document) == (0, {"trigger": "Ctrl+Shift+Space", "agent": None})
    assert Settings.load(paths.settings_file).text("hotkey.trigger") == "Ctrl+Shift+Space"
    status, document = call(capsys, "test")
    assert status == 0
    assert document["proof"]["pressed"] == "Ctrl+Shift+Space"
    assert document["proof"]["seconds"] < 1


@pytest.mark.parametrize("trigger", ["Ctrl+Nonsense", "a", "Ctrl+Alt"])
def test_what_is_no_trigger_is_not_set(
    paths: Paths, capsys: pytest.CaptureFixture[str], trigger: str
) -> None:
    status, document = call(capsys, "set", trigger)
    assert status == 2
    assert document["error"]["code"] in ("hotkey-wrong", "hotkey-typing")
    assert Settings.load(paths.settings_file).text("hotkey.trigger") == TRIGGER


def test_a_wayland_session_is_not_proved_by_a_grab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "sway")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    status, document = call(capsys, "test")
    assert status == 0
    assert document["proof"]["fired"] is None
    status, document = call(capsys, "bind")
    assert status == 1
    assert "bindsym" in document["error"]["next_step"]
