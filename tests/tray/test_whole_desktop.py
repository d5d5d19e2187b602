"""Everything together: a key anywhere, the quick prompt, an answer where the user types.

Real agent, quick prompt, daemon, panel, editor and clipboard; only the worker is a fake, which
says the last words of a question back.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from galosh.hotkey.trigger import parse
from galosh.hotkey.x11 import release, try_grab
from tests.desktop_kit import Desktop, Process, desktop, end, wait_for
from tests.fakes.tray_host import Host
from tests.tray.caret import Hands
from tests.tray.kit import Served, icon_at, served, start_tray, wait_gone

pytestmark = pytest.mark.long
PROGRAMS = Path(__file__).parents[1] / "selection" / "programs"
KEYS = "ctrl+alt+space"
RETURN = 0xFF0D
WINDOW = ("--name", "quick prompt")
MARKED = "Ничего  не исправлять: helo мир 🙂🦙\n"
FORMATS = {"UTF8_STRING": "Прежнее 🦙".encode(), "application/x-odd": b"\x00\xff" * 7}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Desktop]:
    with desktop(tmp_path, services=True) as found:
        found.environ.update(GALOSH_LANG="en", BROWSER="true %s")
        found.layout("us,ru")
        found.panel()
        yield found


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as house:
        house.client.use_model("alpha")
        yield house


@pytest.fixture
def tray(here: Desktop, daemon: Served) -> Process:
    """The agent, with its hotkey granted and its quick prompt hidden."""
    process = start_tray(here, "--no-daemon")
    wait_for(lambda: icon_at(here), "icon")
    wait_for(lambda: granted(daemon) == "Ctrl+Alt+Space", "the hotkey")
    wait_for(lambda: popup_pid(process), "quick prompt")
    time.sleep(1)
    return process


def granted(daemon: Served) -> str | None:
    """What the daemon, and with it status, page and doctor, knows of the hotkey."""
    found: Any = daemon.client.status().get("desktop")
    return found["hotkey"]["granted"] if found and found.get("hotkey") else None


def popup_pid(tray: Process) -> int | None:
    children = psutil.Process(tray.pid).children()
    return children[0].pid if children else None


def shown(here: Desktop) -> bool:
    return bool(here.windows(*WINDOW))


def in_front(here: Desktop) -> str:
    command = ("xdotool", "getactivewindow", "getwindowname")
    done = subprocess.run(command, env=here.environ, capture_output=True, timeout=30)
    return done.stdout.decode().strip()


class Editor:
    """An editor with all of its text marked, and the keyboard."""

    def __init__(self, here: Desktop, text: str) -> None:
        self.out = here.folder / "editor.out"
        source = here.folder / "editor.in"
        source.write_text(text, encoding="utf-8")
        program = str(PROGRAMS / "editor.py")
        self.process = here.python(program, "letter", str(self.out), str(source), "--all")
        window = here.wait_window("--name", "^letter$")
        wait_for(lambda: self.out.exists() and self.text == text, "its text")
        here.xdo("windowactivate", "--sync", window)
        wait_for(lambda: in_front(here) == "letter", "editor in front")

    @property
    def text(self) -> str:
        return self.out.read_text(encoding="utf-8")


def test_a_marked_text_is_corrected_where_it_stands(
    here: Desktop, daemon: Served, tray: Process
) -> None:
    held = {name: base64.b64encode(data).decode() for name, data in FORMATS.items()}
    formats = here.folder / "formats.json"
    formats.write_text(json.dumps(held), encoding="utf-8")
    here.python(str(PROGRAMS / "holder.py"), str(formats))
    wait_for(lambda: clipboard(here, "application/x-odd") == FORMATS["application/x-odd"], "holder")
    editor = Editor(here, MARKED)
    daemon.house.manners("alpha", words=["Исправлено:", "hello", "мир", "🙂🦙"])
    daemon.client.unload()
    here.keys(KEYS)
    wait_for(lambda: "quick prompt" in in_front(here), "the quick prompt in front")
    here.keys("alt+1")  # the first action: fix grammar
    wait_for(lambda: asked(daemon), "the question")
    wait_for(lambda: not daemon.client.status()["worker"]["answering"], "the answer")  # type: ignore[index]
    time.sleep(0.5)  # on its way to the screen
    here.keys("ctrl+Return")
    wait_for(lambda: "Исправлено: hello мир 🙂🦙" in editor.text, "the answer in the editor")
    assert "helo" not in editor.text
    wait_for(lambda: in_front(here) == "letter", "the editor in front again")
    for name, data in FORMATS.items():
        wait_for(lambda name=name, data=data: clipboard(here, name) == data, name)  # type: ignore[misc]
    assert MARKED.strip() in asked(daemon)[-1]


def asked(daemon: Served) -> list[str]:
    """The words of every question that reached a worker and wants an answer."""
    frames = [one for one in daemon.house.frames() if one["type"] == "generate"]
    whole = [one for one in frames if one.get("options", {}).get("max_tokens") != 0]
    return [str(one["messages"][-1]["content"]) for one in whole if one.get("messages")]


def clipboard(here: Desktop, kind: str, which: str = "clipboard") -> bytes:
    command = ["xclip", "-selection", which, "-o", "-t", kind]
    return subprocess.run(command, env=here.environ, capture_output=True, timeout=20).stdout


def test_press_shows_and_press_again_hides(here: Desktop, tray: Process) -> None:
    editor = Editor(here, "words")
    times = []
    for _ in range(10):
        begin = time.monotonic()
        here.keys(KEYS)
        wait_for(lambda: shown(here), "the quick prompt", every=0.002)
        times.append(time.monotonic() - begin)
        wait_for(lambda: "quick prompt" in in_front(here), "the keyboard")
        time.sleep(0.2)  # Tk hears of the keyboard a little later than the window manager
        here.keys(KEYS)
        wait_for(lambda: not shown(here), "no window")
        wait_for(lambda: in_front(here) == "letter", "the editor in front again")
    print(f"press to window, xdotool's own time in it: {1000 * statistics.median(times):.0f} ms")
    assert editor.text == "words"  # none of the keys reached it


def test_what_is_typed_once_the_caret_is_there_arrives(
    here: Desktop, daemon: Served, tray: Process
) -> None:
    editor = Editor(here, "some words")
    here.keys("Right")  # nothing is marked any more
    hands = Hands(here)
    before, times = hands.keyboard(), []
    for number, word in enumerate(("alder", "birch", "cedar", "dogwood", "elm", "fir")):
        if number >= 3:
            hands.mark_more()
            wait_for(lambda: clipboard(here, "UTF8_STRING", "primary"), "marked words")
        times.append(hands.press())
        hands.tap(*map(ord, word), RETURN)
        question = word if number < 3 else f"{word}\n\n{editor.text[2 - number :]}"
        wait_for(lambda question=question: question in asked(daemon), question)  # type: ignore[misc]
        # A question that is left before its answer comes back into the field.
        wait_for(lambda: not daemon.client.status()["worker"]["answering"], "the answer")  # type: ignore[index]
        time.sleep(0.5)  # on its way to the screen
        hands.leave(lambda: hands.keyboard() == before)
    print(f"press to caret: {1000 * statistics.median(times):.0f} ms")
    assert statistics.median(times) < 0.5  # 0.01 on a quiet machine
    assert editor.text == "some words"


def test_a_talk_that_goes_on_in_the_notebook_is_there_and_nowhere_else(
    here: Desktop, daemon: Served, tray: Process
) -> None:
    daemon.client.change_setting("history.keep", False)
    Editor(here, "words")
    here.keys("Right")  # nothing is marked any more
    for word in ("alder", "birch"):
        here.keys(KEYS)
        wait_for(lambda: "quick prompt" in in_front(here), "the quick prompt in front")
        here.type(word)
        here.keys("Return")
        wait_for(lambda word=word: word in asked(daemon), "the question")  # type: ignore[misc]
        wait_for(lambda: not daemon.client.status()["worker"]["answering"], "the answer")  # type: ignore[index]
        time.sleep(0.5)  # on its way to the screen
        here.keys("Tab", "Tab", "Tab", "Tab", "Return")  # past the answer, Insert and Copy
        wait_for(lambda: not shown(here), "no window")
        time.sleep(1)  # the sheet
    sheets = [daemon.client.notebook(str(row["id"]))["text"] for row in daemon.client.notebooks()]
    assert sorted(map(str, sheets)) == ["alder\n\necho: alder ", "birch\n\necho: birch "]
    assert daemon.client.chats() == []
    assert not (daemon.paths.state / "quick-prompt.json").exists()


def test_a_frozen_program_does_not_hold_it_up(here: Desktop, tray: Process) -> None:
    editor = Editor(here, "words")
    os.kill(editor.process.pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        here.keys(KEYS)
        wait_for(lambda: shown(here), "the quick prompt", every=0.002)
        seconds = time.monotonic() - begin
    finally:
        os.kill(editor.process.pid, signal.SIGCONT)
    print(f"shown {seconds:.2f} s after the press")
    assert seconds < 1.5  # 0.4 on a quiet machine


def test_a_crashed_popup_is_there_at_the_next_press(here: Desktop, tray: Process) -> None:
    first = popup_pid(tray)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    begin = time.monotonic()
    here.keys(KEYS)
    wait_for(lambda: shown(here), "the quick prompt")
    print(f"shown {time.monotonic() - begin:.2f} s after the crash")
    assert popup_pid(tray) != first


def test_a_second_start_shows_the_first_ones_popup(
    here: Desktop, daemon: Served, tray: Process
) -> None:
    for command in (("tray",), ("popup",)):
        second = here.python("-m", "galosh.cli", *command, log="second.log")
        assert wait_gone(second, 20) == 0
        wait_for(lambda: shown(here), "the quick prompt")
        here.keys("Escape")
        wait_for(lambda: not shown(here), "no window")
    with Host(here.environ["DBUS_SESSION_BUS_ADDRESS"]) as host:
        assert len(host.items()) == 1
        host.activate()  # a left click on the icon
        wait_for(lambda: shown(here), "the quick prompt")


def test_nothing_is_left_however_it_ends(here: Desktop, daemon: Served, tray: Process) -> None:
    first = popup_pid(tray)
    assert first is not None
    os.kill(tray.pid, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(first), "end of the popup", 5)
    again = start_tray(here, "--no-daemon")
    wait_for(lambda: popup_pid(again), "quick prompt")
    second = popup_pid(again)
    assert second is not None
    begin = time.monotonic()
    with Host(here.environ["DBUS_SESSION_BUS_ADDRESS"]) as host:
        wait_for(lambda: host.items() and "Only this icon" in host.labels(), "the menu")
        host.click(host.row("Only this icon"))
    assert wait_gone(again) == 0
    wait_for(lambda: not psutil.pid_exists(second), "end of the popup", 5)
    assert time.monotonic() - begin < 30
    assert daemon.client.status()["daemon"]  # it lives on


def test_the_end_of_the_session_ends_it_in_order(
    here: Desktop, daemon: Served, tray: Process
) -> None:
    popup, screen, keys = popup_pid(tray), here.connection(), parse(KEYS)
    assert popup is not None
    assert try_grab(screen, keys) is None
    tray.send_signal(signal.SIGTERM)
    assert wait_gone(tray) == 0
    assert not psutil.pid_exists(popup)  # before the tray
    code = try_grab(screen, keys)
    assert code is not None
    release(screen, keys, code)
    assert daemon.client.status()["daemon"]  # it lives on
    assert "Traceback" not in here.log("tray.log")


def test_a_taken_hotkey_is_said_with_two_others(here: Desktop, daemon: Served) -> None:
    here.dunst()
    code = (
        "from Xlib import X; from Xlib.display import Display; import time\n"
        "d = Display(); r = d.screen().root; k = d.keysym_to_keycode(0x20)\n"
        "[r.grab_key(k, X.ControlMask | X.Mod1Mask | m, True, X.GrabModeAsync, X.GrabModeAsync)"
        " for m in (0, X.LockMask, X.Mod2Mask, X.LockMask | X.Mod2Mask)]\n"
        "d.sync(); print('held', flush=True); time.sleep(600)"
    )
    holder = here.python("-c", code, log="holder.log")
    wait_for(lambda: "held" in here.log("holder.log"), "the other program's grab")
    start_tray(here, "--no-daemon", "--no-popup")
    told = wait_for(lambda: history(here), "the notification")
    assert "The hotkey Ctrl+Alt+Space does not work" in told
    assert "Free at this moment: Ctrl+Shift+Space" in told
    assert granted(daemon) is None
    end(holder)


def history(here: Desktop) -> str:
    here.run("dunstctl", "close-all")
    found = json.loads(here.run("dunstctl", "history"))["data"]
    return " ".join(one["message"]["data"] for group in found for one in group)
