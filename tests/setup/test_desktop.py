"""Menu entry, start at login, the setup's question, the doctor's look and leaving."""

from __future__ import annotations

import json
import os
import plistlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from galosh import api, hardware
from galosh.api.process import is_same
from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.catalogue import starter as starter_entry
from galosh.cli import main
from galosh.hardware.facts import DisplayFacts, Fact
from galosh.hotkey import HotkeyState
from galosh.setup import checks_desktop, desktop_entry, settle_desktop
from galosh.setup import desktop_files as files
from galosh.setup.autostart_linux import XdgEntry
from galosh.setup.autostart_macos import LABEL, LaunchAgent
from galosh.setup.autostart_windows import APPROVED, NAME, RUN, RunValue
from galosh.setup.leave import leave, plan_leaving
from galosh.setup.steps import Options, Work
from galosh.setup.terminal import Terminal
from tests.desktop_kit import desktop
from tests.fakes.serving import any_port, serving
from tests.setup.test_controller import Recorder

if sys.platform == "win32":
    pytest.skip("XDG entries and mode bits are POSIX", allow_module_level=True)


@pytest.fixture
def launcher(paths: Paths) -> Path:
    """The command, as scripts/install.py writes it; at a place with odd letters."""
    file = paths.bin / "galosh"
    file.parent.mkdir(parents=True)
    file.write_text("#!/bin/sh\n# installed by galosh\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def with_display(paths: Paths) -> hardware.Machine:
    """This machine, with a screen."""
    return replace(hardware.probe(paths), display=DisplayFacts(Fact("x11", "a test")))


def validate(text: str, folder: Path) -> str:
    """What desktop-file-validate has to say."""
    file = folder / "checked.desktop"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(["desktop-file-validate", str(file)], capture_output=True, text=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "place", ["/usr/bin/galosh", "/home/a b/галоши/galosh", '/odd/$x`"\\ 100%/galosh']
)
def test_entries_are_valid_at_any_place(place: str, tmp_path: Path) -> None:
    for text in (files.login_entry(place), files.menu_entry(place)):
        assert validate(text, tmp_path) == ""
        assert files.is_ours(text, place)
        assert not files.is_ours(text, "/elsewhere/galosh")
        assert files.is_on(text)


def test_the_exec_line_quotes_as_the_specification_says() -> None:
    assert files.exec_line("/usr/bin/galosh", "popup") == "/usr/bin/galosh popup"
    assert files.exec_line("/a b/galosh", "tray --login") == '"/a b/galosh" tray --login'
    assert files.exec_line("/100%/galosh", "x") == "/100%%/galosh x"
    # A string value first loses its backslashes, then the quotes are read.
    assert files.exec_line('/$"/galosh', "x") == r'"/\\$\\"/galosh" x'


def test_on_status_off(
    paths: Paths, launcher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / ".config" / "autostart" / "galosh.desktop"

    def call(action: str) -> tuple[int, dict[str, object]]:
        capsys.readouterr()
        status = main(["autostart", action, "--json"])
        return status, json.loads(capsys.readouterr().out)

    assert call("status") == (0, {"enabled": False, "place": str(place), "by_system": False})
    assert call("on")[1]["enabled"]
    assert f'"{launcher}" tray --login' in place.read_text(encoding="utf-8")
    assert validate(place.read_text(encoding="utf-8"), tmp_path) == ""
    menu = tmp_path / ".local/share/applications/galosh.desktop"
    assert "popup" in menu.read_text(encoding="utf-8")
    assert (tmp_path / ".local/share/icons/hicolor/scalable/apps/galosh.svg").exists()
    # The user switches it off in their desktop's settings.
    place.write_text(place.read_text(encoding="utf-8") + "Hidden=true\n", encoding="utf-8")
    assert call("status")[1] == {"enabled": False, "place": str(place), "by_system": True}
    assert main(["autostart"]) == 0
    assert "system's own settings" in capsys.readouterr().out
    assert call("on")[1]["enabled"]
    assert call("off")[1]["enabled"] is False
    assert not place.exists()
    assert call("off")[0] == 0


GENERATOR = Path("/usr/lib/systemd/user-generators/systemd-xdg-autostart-generator")


def test_systemd_would_start_it_once(paths: Paths, launcher: Path, tmp_path: Path) -> None:
    """As far as systemd's own reader is there: it has the last word on many desktops."""
    XdgEntry(paths).switch_on()
    folders = [tmp_path / name for name in ("normal", "early", "late")]
    for folder in folders:
        folder.mkdir()
    if GENERATOR.exists():
        subprocess.run([str(GENERATOR), *map(str, folders)], check=True)
        unit = (folders[2] / "app-galosh@autostart.service").read_text(encoding="utf-8")
        assert f'ExecStart=:"{launcher}" tray --login\n' in unit
        assert "Restart=no" in unit
    assert validate(files.login_entry(str(launcher)), tmp_path) == ""


def test_a_launcher_that_is_gone_starts_nothing(paths: Paths, launcher: Path) -> None:
    login = XdgEntry(paths)
    login.switch_on()
    assert login.status().enabled
    launcher.unlink()
    assert not login.status().enabled
    with pytest.raises(GaloshError) as caught:
        login.switch_on()
    assert caught.value.code == "setup-autostart-no-command"


def test_somebody_elses_entries_stay(paths: Paths, launcher: Path, tmp_path: Path) -> None:
    place = tmp_path / ".config/autostart/galosh.desktop"
    place.parent.mkdir(parents=True)
    place.write_text("[Desktop Entry]\nName=other\nExec=other\n", encoding="utf-8")
    login = XdgEntry(paths)
    assert not login.status().enabled
    with pytest.raises(GaloshError) as caught:
        login.switch_on()
    assert caught.value.code == "setup-autostart-foreign"
    login.switch_off()
    assert "other" in place.read_text(encoding="utf-8")
    menu = tmp_path / ".local/share/applications/galosh.desktop"
    menu.parent.mkdir(parents=True)
    menu.write_text("[Desktop Entry]\nName=other\n", encoding="utf-8")
    assert not desktop_entry.install(paths)
    assert desktop_entry.installed(paths) == ()
    # That of an installation that is gone is taken over.
    place.write_text(files.login_entry("/gone/bin/galosh"), encoding="utf-8")
    login.switch_on()
    assert login.status().enabled


@pytest.mark.long
def test_leaving_takes_everything_of_the_desktop_away(
    paths: Paths, launcher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GSETTINGS_BACKEND", "memory")  # not the developer's own shortcuts
    XdgEntry(paths).switch_on()
    made = [path for path in tmp_path.rglob("galosh.*") if path.is_file()]
    assert len(made) == 3
    any_port(paths)
    daemon = api.start_daemon(paths)
    agent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    api.Client(paths).set_desktop({"pid": agent.pid, "tray": None, "hotkey": None})
    going = plan_leaving(paths, keep_models=False)
    assert set(made) <= set(going.going)
    leave(paths, going)
    assert agent.wait(10) != 0
    assert not is_same(daemon.pid, daemon.mark)
    assert not any(path.exists() for path in made)
    assert not paths.data.exists()


class TestSetup:
    def work(self, paths: Paths, *, yes: bool, login: bool, display: bool = True) -> Work:
        machine = with_display(paths) if display else hardware.probe(paths)
        options = Options(yes=yes, tray=True)
        return Work(paths, options, machine, SystemClock(), Recorder(login=login),
                    starter_entry(paths))  # fmt: skip

    @pytest.fixture(autouse=True)
    def nobody_is_started(self, monkeypatch: pytest.MonkeyPatch) -> list[Paths]:
        started: list[Paths] = []
        monkeypatch.setenv("DISPLAY", "")
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.setattr(settle_desktop, "start_agent", started.append)
        return started

    def test_login_is_asked_and_off_by_default(
        self, paths: Paths, launcher: Path, nobody_is_started: list[Paths]
    ) -> None:
        for yes, login, enabled, asked in (
            (True, True, False, False),
            (False, False, False, True),
            (False, True, True, True),
        ):
            work = self.work(paths, yes=yes, login=login)
            settle_desktop.settle_desktop(work)
            assert XdgEntry(paths).status().enabled is enabled
            assert isinstance(work.delegate, Recorder)
            assert ("asked about login" in work.delegate.seen) is asked
        assert len(nobody_is_started) == 3
        assert len(desktop_entry.installed(paths)) == 2

    def test_no_display_no_icon(
        self, paths: Paths, launcher: Path, nobody_is_started: list[Paths]
    ) -> None:
        settle_desktop.settle_desktop(self.work(paths, yes=False, login=True, display=False))
        assert nobody_is_started == []
        assert desktop_entry.installed(paths) == ()

    @pytest.mark.parametrize(("reply", "agreed"), [("", False), ("y", True), ("да", True)])
    def test_silence_is_no_consent(self, reply: str, agreed: bool) -> None:
        import io

        screen = Terminal(io.StringIO(), interactive=False, ask=lambda _: reply)
        assert screen.ask_about_login() is agreed
        assert not Terminal(io.StringIO(), interactive=False).ask_about_login()


class TestDoctor:
    def test_what_the_agent_says(self, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")  # nothing is pressed there
        machine = with_display(paths)
        assert checks_desktop.check_tray(paths, machine).verdict == "warn"
        assert "galosh tray" in checks_desktop.check_hotkey(paths, machine).advice
        problem = GaloshError("hotkey-taken", trigger="Ctrl+Alt+Space", free="F9 / F8")
        bad = HotkeyState("x11", "Ctrl+Alt+Space", None, problem, ("F9", "F8"))
        good = HotkeyState("portal", "Ctrl+Alt+Space", "Press Ctrl+Alt+Space")
        with serving(paths) as server:
            facts = {"pid": os.getpid(), "tray": {"way": "none", "problem": None}}
            server.client.set_desktop({**facts, "hotkey": bad.to_json()})
            assert "no icons" in checks_desktop.check_tray(paths, machine).advice
            found = checks_desktop.check_hotkey(paths, machine)
            assert (found.verdict, "F9 / F8" in found.value) == ("warn", True)
            facts["tray"] = {"way": "sni", "problem": None}
            server.client.set_desktop({**facts, "hotkey": good.to_json()})
            assert checks_desktop.check_tray(paths, machine).verdict == "ok"
            found = checks_desktop.check_hotkey(paths, machine)
            assert (found.verdict, found.value) == ("ok", "Press Ctrl+Alt+Space")

    def test_tk_and_what_brings_it(self, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
        machine = with_display(paths)
        assert checks_desktop.check_prompt(machine).verdict == "ok"
        monkeypatch.setitem(sys.modules, "_tkinter", None)
        found = checks_desktop.check_prompt(machine)
        assert found.verdict == "warn"
        assert "Tk" in found.advice
        assert checks_desktop.tk_command("Debian GNU/Linux 12") == "sudo apt install python3-tk"
        assert checks_desktop.tk_command("Fedora Linux 41") == "sudo dnf install python3-tkinter"

    @pytest.mark.long
    def test_the_hotkey_is_proved(
        self, paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with desktop(tmp_path / "d", window_manager=False, with_bus=False) as here:
            monkeypatch.setenv("DISPLAY", here.display)
            monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
            machine = hardware.probe(paths)
            state = HotkeyState("x11", "Ctrl+Alt+Space", "Ctrl+Alt+Space")
            facts = {"pid": os.getpid(), "tray": None, "hotkey": state.to_json()}
            with serving(paths) as server:
                server.client.set_desktop(facts)
                found = checks_desktop.check_hotkey(paths, machine)
                assert (found.verdict, found.value) == ("ok", "Ctrl+Alt+Space")
                monkeypatch.setattr(
                    checks_desktop, "ask_hotkey", lambda *_: {"pressed": "F9", "fired": False}
                )
                found = checks_desktop.check_hotkey(paths, machine)
                assert (found.verdict, "F9" in found.advice) == ("fail", True)

    def test_autostart_is_told(self, paths: Paths, launcher: Path) -> None:
        assert "autostart on" in checks_desktop.check_autostart(paths).advice
        XdgEntry(paths).switch_on()
        assert checks_desktop.check_autostart(paths).value == "on"


class Registry:
    """The user's half of Windows' registry."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str | bytes] = {}

    def get(self, key: str, name: str) -> str | bytes | None:
        return self.values.get((key, name))

    def set(self, key: str, name: str, text: str) -> None:
        self.values[key, name] = text

    def delete(self, key: str, name: str) -> None:
        del self.values[key, name]


def test_windows_tells_what_task_manager_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded values: 02 … on, 03 … off. Not verified on Windows."""
    place = Paths.under(tmp_path / "x")
    place.bin.mkdir(parents=True)
    (place.bin / "galosh").write_text("", encoding="utf-8")
    paths = Paths(**{**vars(place), "home": None})
    registry = Registry()
    login = RunValue(paths, registry)
    assert not login.status().enabled
    login.switch_on()
    written = registry.values[RUN, NAME]
    assert isinstance(written, str)
    assert written.endswith("-I -m galosh.tray --login")
    assert "pythonw.exe" in written
    assert login.status().enabled
    registry.values[APPROVED, NAME] = bytes([2, *[0] * 11])
    assert login.status().enabled
    registry.values[APPROVED, NAME] = bytes([3, *[0] * 11])
    assert login.status().by_system
    assert not login.status().enabled
    with pytest.raises(GaloshError) as caught:
        login.switch_on()
    assert caught.value.code == "setup-autostart-disabled"
    login.switch_off()
    assert (RUN, NAME) not in registry.values
    registry.values[RUN, NAME] = "somebody else's"
    login.switch_off()
    assert (RUN, NAME) in registry.values


def test_macos_agent_is_of_the_graphical_session(
    paths: Paths, launcher: Path, tmp_path: Path
) -> None:
    """Recorded answers of launchctl. Not verified on macOS."""
    asked: list[Sequence[str]] = []
    listed = ['"other" => disabled\n']

    def ask(arguments: Sequence[str]) -> str:
        asked.append(arguments)
        return listed[0]

    login = LaunchAgent(paths, ask)
    assert not login.status().enabled
    login.switch_on()
    agent = plistlib.loads((tmp_path / f"Library/LaunchAgents/{LABEL}.plist").read_bytes())
    assert agent["ProgramArguments"] == [str(launcher), "tray", "--login"]
    assert agent["RunAtLoad"]
    assert "KeepAlive" not in agent
    assert agent["LimitLoadToSessionType"] == "Aqua"
    assert login.status().enabled
    for line in (f'\t"{LABEL}" => disabled\n', f'\t"{LABEL}" => true\n'):
        listed[0] = line
        assert login.status().by_system
    login.switch_off()
    assert login.files() == ()
    assert ["enable", f"gui/{os.getuid()}/{LABEL}"] in asked
