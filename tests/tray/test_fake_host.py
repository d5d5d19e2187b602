"""The tray on a bus without a screen: what any host sees, and hosts that come, go and lack."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from tests.desktop_kit import Desktop, bus, home_environ, wait_for
from tests.fakes.bus_service import BusService
from tests.fakes.tray_host import Host, Watcher
from tests.tray.kit import Served, served, start_tray, wait_gone

pytestmark = pytest.mark.long


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Desktop]:
    """A session with a bus and no screen."""
    from contextlib import ExitStack

    environ = home_environ(tmp_path) | {"GALOSH_LANG": "en"}
    with ExitStack() as stack:
        address = stack.enter_context(bus(tmp_path, environ))
        environ["DBUS_SESSION_BUS_ADDRESS"] = address
        yield Desktop(tmp_path, environ, stack)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as house:
        yield house


def address(here: Desktop) -> str:
    return here.environ["DBUS_SESSION_BUS_ADDRESS"]


def test_what_a_host_sees_and_a_swap_by_click(here: Desktop, daemon: Served) -> None:
    with Watcher(address(here)), Host(address(here)) as host:
        start_tray(here)
        wait_for(lambda: host.items() and "alpha" in str(host.labels()), "models in the menu")
        found = host.properties()
        assert (found["Id"], found["ItemIsMenu"], found["IconName"]) == ("galosh", False, "")
        assert [size[0] for size in found["IconPixmap"]] == [22, 32, 48]
        host.click(host.model("alpha"))
        wait_for(lambda: host.model("alpha")["toggle-state"] == 1, "tick on alpha")
        wait_for(lambda: host.labels()[0].startswith("Tiny llama (alpha) ·"), "alpha")
        host.click(host.model("beta"))
        wait_for(lambda: host.labels()[0].startswith("Tiny llama (beta) ·"), "beta")
        ticked = [row["label"] for row in host.layout() if row.get("toggle-type") == "radio"
                  and row["toggle-state"]]  # fmt: skip
        assert len(ticked) == 1
        assert "(beta)" in ticked[0]
        answer = "".join(d.text for d in daemon.client.ask([{"role": "user", "content": "hi"}]))
        assert answer.strip() == "echo: hi"
        assert daemon.client.status()["worker"]["model"] == "beta"  # type: ignore[index]


def test_a_swap_that_fails_moves_the_tick_back_and_says_why(here: Desktop, daemon: Served) -> None:
    daemon.client.use_model("alpha")
    daemon.house.manners("beta", load_failed="worker-load-failed")
    with Watcher(address(here)), Host(address(here)) as host, notifications(here) as told:
        start_tray(here)
        wait_for(lambda: host.items() and "beta" in str(host.labels()), "models in the menu")
        wait_for(lambda: host.model("alpha")["toggle-state"] == 1, "tick on alpha")
        host.click(host.model("beta"))
        wait_for(lambda: told.called("Notify"), "the reason")
        wait_for(lambda: host.model("alpha")["toggle-state"] == 1, "tick back on alpha")
        assert host.model("beta")["toggle-state"] == 0
        wait_for(lambda: daemon.client.status()["worker"]["model"] == "alpha", "alpha back")  # type: ignore[index]


def test_another_model_waits_until_the_answer_is_written(here: Desktop, daemon: Served) -> None:
    daemon.house.manners("alpha", words=["word"] * 30, word_after=0.1)
    daemon.client.use_model("alpha")
    with Watcher(address(here)), Host(address(here)) as host:
        start_tray(here)
        wait_for(lambda: host.items() and "beta" in str(host.labels()), "models in the menu")
        pieces = daemon.client.ask([{"role": "user", "content": "hi"}])
        words = [next(pieces).text]
        host.click(host.model("beta"))
        wait_for(
            lambda: host.labels()[0] == "Tiny llama (beta) follows after this answer",
            "the state line",
        )
        words += [piece.text for piece in pieces]
        assert "".join(words).split() == ["word"] * 30  # nothing of it was lost
        wait_for(lambda: daemon.client.status()["worker"]["model"] == "beta", "beta")  # type: ignore[index]


def wait_for_quiet(host: Host) -> None:
    """Until the tray has told all it had to tell: a second without a signal."""
    for _ in range(15):
        host.signals.clear()
        time.sleep(1.2)
        if not host.signals:
            return
    raise AssertionError(f"the tray never came to rest: {host.signals}")


def test_counting_up_never_changes_the_layout(here: Desktop, daemon: Served) -> None:
    facts = {"id": "d1", "state": "running", "file_name": "a_b.gguf", "size_bytes": 100}
    with Watcher(address(here)), Host(address(here)) as host:
        start_tray(here)
        wait_for(lambda: host.items() and "alpha" in str(host.labels()), "models in the menu")
        daemon.tell("download.progress", **facts, kept_bytes=0)
        wait_for(lambda: any("↓" in label for label in host.labels()), "the download")
        number = host.row("↓")["id"]
        wait_for_quiet(host)
        begin = time.monotonic()
        for count in range(1, 16):
            daemon.tell("download.progress", **facts, kept_bytes=5 * count)
            time.sleep(0.2)
        wait_for(lambda: "75 %" in host.row("↓")["label"], "the last count")
        seconds = time.monotonic() - begin
        assert host.signals["LayoutUpdated"] == 0
        assert 3 <= host.signals["ItemsPropertiesUpdated"] <= 2 * seconds + 2
        assert host.row("↓")["id"] == number
        assert host.row("↓")["label"] == "↓ a__b: 75 %"


def test_the_watcher_comes_late_goes_and_comes_again(here: Desktop, daemon: Served) -> None:
    with Host(address(here)) as host:
        start_tray(here)
        time.sleep(1)
        assert host.items() == []
        for _ in range(2):
            with Watcher(address(here)):
                begin = time.monotonic()
                wait_for(host.items, "icon", 3)
                assert time.monotonic() - begin < 3
                wait_for(lambda: "alpha" in str(host.labels()), "the menu")
        with Watcher(address(here), has_host=False) as watcher:
            wait_for(host.items, "registration", 3)
            watcher.bring_host()
            wait_for(lambda: "alpha" in str(host.labels()), "the menu")


def test_without_a_tray_it_is_said_once_and_the_extension_is_named(
    here: Desktop, daemon: Served
) -> None:
    here.environ["XDG_CURRENT_DESKTOP"] = "ubuntu:GNOME"
    with notifications(here) as told:
        process = start_tray(here)
        wait_for(lambda: told.called("Notify"), "notification", 25)
        [values] = told.called("Notify")
        assert "AppIndicator and KStatusNotifierItem" in values[4]
        process.send_signal(signal.SIGTERM)
        assert wait_gone(process) == 0
    assert "Traceback" not in here.log("tray.log")


def test_daemon_away_start_and_back(here: Desktop, tmp_path: Path) -> None:
    with Watcher(address(here)), Host(address(here)) as host:
        start_tray(here)
        wait_for(lambda: host.items() and host.labels(), "the menu")
        assert host.labels()[0] == "galosh is not running"
        assert "Start" in host.labels()
        with served(tmp_path):
            wait_for(lambda: "alpha" in str(host.labels()), "models in the menu", 8)
        wait_for(lambda: host.labels()[0] == "galosh is not running", "away", 8)


def test_pause_unload_presets_and_settings(here: Desktop, daemon: Served) -> None:
    daemon.client.use_model("alpha")
    with Watcher(address(here)), Host(address(here)) as host:
        start_tray(here)
        wait_for(lambda: host.items() and "Precise" in host.labels(), "the menu")
        host.click(host.row("Precise"))
        wait_for(lambda: daemon.client.settings()["ask.preset"] == "precise", "the preset")
        wait_for(lambda: host.row("Precise")["toggle-state"] == 1, "its tick")
        host.click(host.row("Unload now"))
        wait_for(lambda: daemon.client.status()["worker"]["worker_pid"] is None, "no worker")  # type: ignore[index]
        wait_for(lambda: host.row("Unload")["enabled"] is False, "a grey row")
        host.click(host.row("Pause for a game"))
        wait_for(lambda: host.labels()[0].startswith("Paused"), "the pause")
        assert host.row("Pause for")["toggle-state"] == 1
        with pytest.raises(GaloshError) as caught:
            list(daemon.client.ask([{"role": "user", "content": "hi"}]))
        assert caught.value.code == "supervisor-paused"
        host.click(host.row("Pause for a game"))
        wait_for(lambda: host.row("Pause for")["toggle-state"] == 0, "the end of it")


def test_only_one_and_log_out_in_time(here: Desktop, daemon: Served) -> None:
    with Watcher(address(here)) as watcher:
        first = start_tray(here)
        wait_for(lambda: watcher.items, "icon")
        second = start_tray(here, "--no-popup", "--no-hotkey", "--login")
        assert wait_gone(second, 10) == 0
        assert len(watcher.items) == 1
        begin = time.monotonic()
        os.kill(first.pid, signal.SIGTERM)
        assert wait_gone(first) == 0
        assert time.monotonic() - begin < 5


def test_the_end_of_the_session_ends_it(tmp_path: Path) -> None:
    from contextlib import ExitStack

    environ = home_environ(tmp_path)
    with ExitStack() as stack:
        with bus(tmp_path, environ) as where:
            here = Desktop(tmp_path, environ | {"DBUS_SESSION_BUS_ADDRESS": where}, stack)
            process = start_tray(here)
            time.sleep(1)
            assert process.poll() is None
        assert wait_gone(process) == 0
    assert "Traceback" not in here.log("tray.log")


@pytest.mark.parametrize(
    "where", [{}, {"DISPLAY": ":987"}, {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"},
              {"DBUS_SESSION_BUS_ADDRESS": "nonsense"}]
)  # fmt: skip
def test_no_desktop_is_said_in_one_line(tmp_path: Path, where: dict[str, str]) -> None:
    from contextlib import ExitStack

    with ExitStack() as stack:
        here = Desktop(tmp_path, home_environ(tmp_path) | {"GALOSH_LANG": "en"} | where, stack)
        process = start_tray(here)
        assert wait_gone(process, 10) == 0
    lines = here.log("tray.log").strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("No desktop was found here")


def notifications(here: Desktop) -> BusService:
    """A notification server that reads markup."""
    name = "org.freedesktop.Notifications"
    return BusService(
        address(here),
        name,
        {
            f"{name}.GetCapabilities": lambda: ("as", (["body", "body-markup"],)),
            f"{name}.Notify": lambda *_: ("u", (7,)),
        },
    )
