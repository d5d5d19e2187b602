"""The icon on Windows and macOS: pystray's code for them and our guards, over libraries that
stand in for the systems. Not verified on the systems themselves."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from galosh.tray.icons import Look, Mark
from galosh.tray.rows import Kind, Row
from tests.desktop_kit import wait_for
from tests.fakes.appkit import Mac
from tests.fakes.other_shells import load_shell
from tests.fakes.win32 import WM_LBUTTONUP, WM_RBUTTONUP, Windows

READY, BUSY = Look(Mark.READY), Look(Mark.ANSWERING)
ROWS = (
    Row("state", "Tiny · 21 tokens/s", enabled=False),
    Row("ask", "Ask…", default=True),
    Row("unload", "Unload now"),
    Row("quit", "Quit", Kind.MENU, rows=(Row("quit:tray", "Tray only"),)),
)
MORE = (ROWS[0], Row("download:1", "A download · 5 %"), *ROWS[1:])
LONG = "🦙 слово " * 50


class Heard:
    """What the agent would hear."""

    def __init__(self) -> None:
        self.clicks: list[str] = []
        self.hosts: list[str | None] = []

    def on_click(self, key: str) -> None:
        self.clicks.append(key)

    def on_open(self) -> None:
        """Neither system tells."""

    def on_host(self, how: str | None) -> None:
        self.hosts.append(how)


class Running:
    """A shell whose main thread is one of the test's."""

    def __init__(self, module: Any, begin: Callable[[], None] = lambda: None) -> None:
        self.heard = Heard()
        self.error: BaseException | None = None
        made = threading.Event()

        def main() -> None:
            begin()
            self.shell = module.Shell(self.heard)
            self.shell.show(READY, "galosh", ROWS)  # as the agent does, before the loop
            made.set()
            try:
                self.shell.run()
            except BaseException as error:
                self.error = error

        self.thread = threading.Thread(target=main)
        self.thread.start()
        assert made.wait(10)

    def stop(self) -> None:
        """From another thread, as signals and menus do."""
        self.shell.stop()
        self.thread.join(5)
        assert not self.thread.is_alive()

    def failed(self) -> BaseException | None:
        """What came out of `run`, which left nothing waiting."""
        self.thread.join(5)
        assert not self.thread.is_alive()
        self.shell.icon._setup_thread.join(5)
        assert not self.shell.icon._setup_thread.is_alive()
        return self.error


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    made = Windows()
    made.install(monkeypatch)
    return made


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch, windows: Windows) -> Iterator[Running]:
    running = Running(load_shell(monkeypatch, "win32"))
    wait_for(lambda: windows.shown, "icon")
    yield running
    running.stop()
    assert windows.faults == []
    assert not windows.shown
    assert windows.menus == {}


def rows_of(windows: Windows) -> list[str]:
    """The menu, and not that of its last row."""
    return max(windows.menus.values(), key=len, default=[])


def test_windows_changes_in_the_icons_own_thread(windows: Windows, on_windows: Running) -> None:
    assert windows.tip == "galosh"
    assert rows_of(windows) == [row.text for row in ROWS]
    for percent in range(5):
        on_windows.shell.show(BUSY, f"galosh {percent}", (*ROWS, Row("x", f"{percent} %")))
    wait_for(lambda: windows.tip == "galosh 4", "tooltip")
    wait_for(lambda: rows_of(windows)[-1:] == ["4 %"], "menu")
    assert on_windows.heard.hosts == ["pystray"]
    windows.restart_explorer()
    wait_for(lambda: windows.shown and windows.tip == "galosh 4", "icon in the new task bar")


def test_windows_texts_fit_its_fields(windows: Windows, on_windows: Running) -> None:
    on_windows.shell.show(READY, LONG, ROWS)
    wait_for(lambda: windows.tip.startswith("🦙"), "tooltip")
    assert LONG.startswith(windows.tip)
    assert 120 < len(windows.tip.encode("utf-16-le")) // 2 <= 127
    on_windows.shell.notify(LONG, LONG)
    on_windows.shell.notify("A title alone", "")
    wait_for(lambda: len(windows.notices) == 2, "notifications")
    assert LONG.startswith(windows.notices[0][0])
    assert windows.notices[1] == ("A title alone", "A title alone")


def test_windows_an_open_menu_stays_what_it_is(windows: Windows, on_windows: Running) -> None:
    windows.click(WM_RBUTTONUP)
    wait_for(lambda: windows.open is not None, "menu")
    on_windows.shell.show(BUSY, "galosh", MORE)
    on_windows.shell.notify("Done", "")
    windows.choose(3)
    wait_for(lambda: on_windows.heard.clicks == ["unload"], "the row that was seen")
    wait_for(lambda: rows_of(windows) == [row.text for row in MORE], "the new menu")
    wait_for(lambda: bool(windows.notices), "what had waited")
    windows.click(WM_LBUTTONUP)
    wait_for(lambda: on_windows.heard.clicks == ["unload", "ask"], "the default row")


def test_windows_a_change_that_fails_is_not_the_last(windows: Windows, on_windows: Running) -> None:
    on_windows.shell.show(Look(None), "never", ROWS)  # type: ignore[arg-type] # cannot be drawn
    on_windows.shell.show(READY, "galosh again", ROWS)
    wait_for(lambda: windows.tip == "galosh again", "tooltip")


def test_windows_no_window_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(no_window=True)
    windows.install(monkeypatch)
    running = Running(load_shell(monkeypatch, "win32"))
    assert "no more handles" in str(running.failed())
    assert running.heard.hosts == []
    assert not windows.shown


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> Mac:
    made = Mac()
    made.install(monkeypatch)
    return made


def on_main(mac: Mac) -> Callable[[], None]:
    return lambda: setattr(mac, "main", threading.get_ident())


@pytest.fixture
def on_macos(monkeypatch: pytest.MonkeyPatch, mac: Mac) -> Iterator[Running]:
    def run(command: list[str], **_: object) -> int:
        mac.check("osascript")
        if "refuse" in command[-1]:
            raise subprocess.CalledProcessError(1, command)
        mac.notices.append(command)
        return 0

    monkeypatch.setattr(subprocess, "check_call", run)
    running = Running(load_shell(monkeypatch, "darwin"), on_main(mac))
    wait_for(lambda: "setHidden_" in mac.button.told, "icon")
    yield running
    running.stop()
    assert mac.faults == []


def tooltip(mac: Mac) -> object:
    return mac.button.told["setToolTip_"][-1][0]


def test_macos_changes_in_the_main_thread(mac: Mac, on_macos: Running) -> None:
    assert mac.button.told["setHidden_"] == [(False,)]
    assert mac.rows == [row.text for row in ROWS]
    assert mac.app.told["setActivationPolicy_"] == [(1,)]
    assert mac.button.told["setImage_"][-1][0].told["setTemplate_"][-1] == (True,)
    on_macos.shell.show(BUSY, "galosh is busy", MORE)
    wait_for(lambda: tooltip(mac) == "galosh is busy", "tooltip")
    wait_for(lambda: mac.rows == [row.text for row in MORE], "menu")
    assert mac.button.told["setImage_"][-1][0].told["setTemplate_"][-1] == (True,)
    assert on_macos.heard.hosts == ["pystray"]


def test_macos_an_open_menu_stays_what_it_is(mac: Mac, on_macos: Running) -> None:
    mac.open_menu()
    on_macos.shell.show(BUSY, "galosh", MORE)
    mac.choose(2)
    wait_for(lambda: on_macos.heard.clicks == ["unload"], "the row that was seen")
    wait_for(lambda: mac.rows == [row.text for row in MORE], "the new menu")


def test_macos_a_notification_without_a_body_or_leave(mac: Mac, on_macos: Running) -> None:
    on_macos.shell.notify("refuse", "this one")
    on_macos.shell.notify('A "title"', "")
    wait_for(lambda: bool(mac.notices), "notification")
    assert mac.notices == [
        ["osascript", "-e", r'display notification "A \"title\"" with title "A \"title\""']
    ]


def test_macos_stops_while_a_menu_is_open(mac: Mac, on_macos: Running) -> None:
    mac.open_menu()
    on_macos.stop()


def test_macos_no_loop_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    mac = Mac(no_loop=True)
    mac.install(monkeypatch)
    running = Running(load_shell(monkeypatch, "darwin"), on_main(mac))
    assert running.failed() is None  # pystray has told its log
    assert running.heard.hosts == []
    assert mac.faults == []
