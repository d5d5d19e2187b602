"""Selections and insertions on a real X server, between real programs."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.hotkey import listen
from galosh.selection import Origin, Selection, active_screen, insert, read_origin, read_selection
from galosh.selection import x11 as selection_x11
from tests.desktop_kit import Desktop, desktop, wait_for

pytestmark = pytest.mark.long
PROGRAMS = Path(__file__).parent / "programs"
RUSSIAN = "Съешь же ещё этих мягких французских булок 🦙🧑‍💻, да выпей чаю.\nВторая строка"


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    with desktop(tmp_path_factory.mktemp("d"), with_bus=False) as here:
        yield here


@pytest.fixture
def here(screen: Desktop, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    monkeypatch.setenv("DISPLAY", screen.display)
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    screen.layout("us")
    return screen


class Editor:
    """One running editor; `text` is what it holds now."""

    def __init__(self, here: Desktop, folder: Path, title: str, text: str, *options: str) -> None:
        self.out = folder / f"{title}.out"
        self.out.unlink(missing_ok=True)
        source = folder / f"{title}.in"
        source.write_text(text, encoding="utf-8")
        program = str(PROGRAMS / "editor.py")
        self.process = here.python(program, title, str(self.out), str(source), *options)
        self.window = here.wait_window("--name", f"^{title}$")
        wait_for(lambda: self.out.exists() and self.text == text, "its text")
        self._here = here
        self.raise_up()

    def raise_up(self) -> None:
        """Make it the window the user is in."""
        self._here.xdo("windowactivate", "--sync", self.window)

    @property
    def text(self) -> str:
        return self.out.read_text(encoding="utf-8", errors="surrogatepass")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def selected() -> Selection:
    """What is selected, as soon as a window manager and an editor are ready for it."""
    found = wait_for(lambda: read_selection(10.0), "selection")
    assert found is not None
    return found


def where() -> Origin:
    """The window the user is in."""
    found = wait_for(read_origin, "active window")
    assert found is not None
    return found


def clipboard(here: Desktop, kind: str) -> bytes:
    """One format of the clipboard, as xclip gets it."""
    command = ["xclip", "-selection", "clipboard", "-o", "-t", kind]
    return subprocess.run(command, env=here.environ, capture_output=True, timeout=20).stdout


@pytest.mark.parametrize("text", ["Hello", RUSSIAN, "x" * 60_000])
def test_what_is_selected_is_read(here: Desktop, folder: Path, text: str) -> None:
    editor = Editor(here, folder, "notes", text, "--all")
    found = selected()
    assert (found.text, found.cut) == (text, False)
    assert found.origin.can_insert
    assert found.origin == read_origin()
    editor.close()
    assert read_selection() is None


def test_too_much_is_cut(here: Desktop, folder: Path) -> None:
    lines = "Строка номер\n" * 20_000  # Tk itself breaks emoji at the seams of its pieces
    editor = Editor(here, folder, "long", lines, "--all")
    found = selected()
    assert found.cut
    assert lines.startswith(found.text)
    assert 65_500 < len(found.text.encode()) <= 65_536
    editor.close()


def test_two_megabytes_do_not_hold_us_up(here: Desktop, folder: Path) -> None:
    editor = Editor(here, folder, "huge", "x" * 2_000_000, "--all")
    began = time.monotonic()
    found = read_selection()
    took = time.monotonic() - began
    assert found is None or found.cut
    assert took < 0.5
    editor.close()


def test_a_frozen_owner_does_not_freeze_us(here: Desktop, folder: Path) -> None:
    editor = Editor(here, folder, "frozen", "Hello", "--all")
    assert read_selection(5.0) is not None
    os.kill(editor.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert read_selection() is None
        assert time.monotonic() - began < 0.5
    finally:
        os.kill(editor.process.pid, signal.SIGCONT)
    editor.close()


def test_what_another_window_has_selected_is_stale(here: Desktop, folder: Path) -> None:
    first = Editor(here, folder, "first", "chosen long ago", "--all")
    second = Editor(here, folder, "second", "typing here")
    assert read_selection() is None
    first.raise_up()
    found = selected()
    assert found.text == "chosen long ago"
    for editor in (first, second):
        editor.close()


def test_what_our_own_hidden_window_has_selected_is_stale(here: Desktop, folder: Path) -> None:
    popup = Editor(here, folder, "galosh", "an answer of yesterday", "--all", "--hidden")
    wait_for(lambda: not here.windows("--name", "^galosh$"), "hidden window")
    editor = Editor(here, folder, "letters", "typing here")
    assert read_selection() is None
    assert where().can_insert
    editor.close()
    popup.close()


def test_a_clipboard_manager_holds_it_for_somebody(here: Desktop, folder: Path) -> None:
    editor = Editor(here, folder, "typing", "here")
    process = subprocess.Popen(["xclip", "-selection", "primary", "-i"], env=here.environ,
                               stdin=subprocess.PIPE)  # fmt: skip
    process.communicate("дано xclip".encode())
    found = selected()
    assert found.text == "дано xclip"
    editor.close()


def test_nothing_selected_is_nothing(here: Desktop, folder: Path) -> None:
    editor = Editor(here, folder, "empty", "Hello")
    subprocess.run(["xclip", "-selection", "primary", "-i", "/dev/null"], env=here.environ,
                   check=True, timeout=20)  # fmt: skip
    assert read_selection() is None
    origin = where()
    assert insert("typed at the cursor: ", origin) == "inserted"
    wait_for(lambda: "typed at the cursor: " in editor.text, "the answer")
    editor.close()


FORMATS = {
    "UTF8_STRING": "Прежнее 🦙".encode(),
    "text/html": "<b>Прежнее</b>".encode(),
    "image/png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4000,  # a megabyte: comes in pieces
    "application/x-odd": b"\x00\xff" * 7,
}


@pytest.mark.parametrize("answer", ["Fixed text.", RUSSIAN, "ё" * 200_000])
def test_the_answer_replaces_the_selection_and_the_clipboard_is_as_it_was(
    here: Desktop, folder: Path, answer: str
) -> None:
    formats = folder / "formats.json"
    held = {name: base64.b64encode(data).decode() for name, data in FORMATS.items()}
    formats.write_text(json.dumps(held), encoding="utf-8")
    holder = here.python(str(PROGRAMS / "holder.py"), str(formats), log="holder.log")
    wait_for(lambda: clipboard(here, "application/x-odd") == FORMATS["application/x-odd"], "holder")
    before = {name: clipboard(here, name) for name in ("TARGETS", *FORMATS)}
    editor = Editor(here, folder, "document", "teh wrogn txet", "--all")
    found = selected()
    other = Editor(here, folder, "elsewhere", "nothing happens here")
    assert insert(answer, found.origin) == "inserted"
    wait_for(lambda: editor.text == answer, "the answer in the editor")
    assert other.text == "nothing happens here"
    after = {name: clipboard(here, name) for name in ("TARGETS", *FORMATS)}
    assert sorted(after.pop("TARGETS").split()) == sorted(before.pop("TARGETS").split())
    assert after == before == FORMATS
    editor.close()
    other.close()
    holder.kill()


def test_an_image_of_another_program_and_an_empty_clipboard(here: Desktop, folder: Path) -> None:
    picture = folder / "a.png"
    picture.write_bytes(FORMATS["image/png"])
    command = ["xclip", "-selection", "clipboard", "-t", "image/png", "-i", str(picture)]
    subprocess.run(command, env=here.environ, check=True, timeout=20)
    editor = Editor(here, folder, "page", "abc", "--all")
    origin = where()
    assert insert("def", origin) == "inserted"
    wait_for(lambda: editor.text == "def", "the answer")
    assert clipboard(here, "image/png") == FORMATS["image/png"]
    assert clipboard(here, "UTF8_STRING") == b""
    # A copy made afterwards is the user's, and stays.
    subprocess.run(["xclip", "-selection", "clipboard", "-i"], env=here.environ, input=b"mine",
                   check=True, timeout=20)  # fmt: skip
    assert clipboard(here, "UTF8_STRING") == b"mine"
    editor.close()


def test_an_old_program_that_cannot_say_what_it_has(here: Desktop, folder: Path) -> None:
    formats = folder / "formats.json"
    held = base64.b64encode("старое".encode()).decode()
    formats.write_text(json.dumps({"UTF8_STRING": held}), encoding="utf-8")
    holder = here.python(str(PROGRAMS / "holder.py"), str(formats), "--old", log="holder.log")
    wait_for(lambda: clipboard(here, "UTF8_STRING").decode() == "старое", "holder")
    assert clipboard(here, "TARGETS") == b""
    editor = Editor(here, folder, "modern", "abc", "--all")
    assert insert("def", where()) == "inserted"
    wait_for(lambda: editor.text == "def", "the answer")
    assert clipboard(here, "UTF8_STRING").decode() == "старое"
    holder.kill()
    editor.close()


def test_a_window_that_is_gone_gets_nothing(here: Desktop, folder: Path) -> None:
    editor = Editor(here, folder, "gone", "text", "--all")
    found = selected()
    other = Editor(here, folder, "other", "untouched")
    editor.close()
    assert insert("Ответ 🦙", found.origin) == "copied"
    assert clipboard(here, "UTF8_STRING").decode() == "Ответ 🦙"
    assert clipboard(here, "text/plain;charset=utf-8").decode() == "Ответ 🦙"
    time.sleep(0.2)
    assert other.text == "untouched"
    other.close()


def test_a_frozen_window_keeps_the_answer_in_the_clipboard(
    here: Desktop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection_x11, "_FETCH_SECONDS", 0.5)
    editor = Editor(here, folder, "stuck", "text", "--all")
    origin = where()
    os.kill(editor.process.pid, signal.SIGSTOP)
    try:
        assert insert("later", origin) == "copied"
        assert clipboard(here, "UTF8_STRING") == b"later"
    finally:
        os.kill(editor.process.pid, signal.SIGCONT)
    wait_for(lambda: editor.text == "later", "the right text, late")
    editor.close()


def test_a_frozen_clipboard_is_not_destroyed(
    here: Desktop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection_x11, "_SAVE_SECONDS", 0.3)
    process = subprocess.Popen(["xclip", "-selection", "clipboard", "-quiet", "-i"],
                               env=here.environ, stdin=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b"precious")
    process.stdin.close()
    wait_for(lambda: clipboard(here, "UTF8_STRING") == b"precious", "xclip")
    editor = Editor(here, folder, "busy", "text", "--all")
    origin = where()
    os.kill(process.pid, signal.SIGSTOP)
    try:
        assert insert("answer", origin) == "refused"
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert clipboard(here, "UTF8_STRING") == b"precious"
    assert editor.text == "text"
    process.kill()
    process.wait()
    editor.close()


def test_a_terminal_gets_a_line_and_never_lines(here: Desktop, folder: Path) -> None:
    subprocess.run(["xclip", "-selection", "primary", "-i"], env=here.environ, input=b"before",
                   check=True, timeout=20)  # fmt: skip
    shell = Editor(here, folder, "xterm", "$ ", "--terminal")
    origin = where()
    assert origin.kind == "old-terminal"
    assert insert("rm -rf /\nsecond line", origin) == "copied", "lines would run by themselves"
    assert insert("echo \x1b[31m", origin) == "copied"
    shell.raise_up()
    assert insert("echo привет\n", origin) == "inserted"
    wait_for(lambda: "echo привет" in shell.text, "the line at the prompt")
    assert shell.text.count("\n") == 0
    command = ["xclip", "-selection", "primary", "-o"]
    done = subprocess.run(command, env=here.environ, capture_output=True, timeout=20)
    assert done.stdout == b"before"
    shell.close()


@pytest.mark.slow
def test_a_real_xterm(here: Desktop, folder: Path) -> None:
    out = folder / "typed"
    here.start("xterm", "-e", "sh", "-c", f"cat > {out}")
    here.wait_window("--class", "xterm")
    assert insert("echo привет\n", where()) == "inserted"
    here.keys("Return", "ctrl+d")
    wait_for(lambda: out.exists() and out.read_text(encoding="utf-8"), "what the terminal got")
    assert out.read_text(encoding="utf-8") == "echo привет\n"


def test_keys_the_user_still_holds_are_waited_for(here: Desktop, folder: Path) -> None:
    editor = Editor(here, folder, "held", "text", "--all")
    origin = where()
    here.xdo("keydown", "shift")
    release = subprocess.Popen(
        ["sh", "-c", "sleep 0.4; xdotool keyup shift"], env=here.environ, stdin=subprocess.DEVNULL
    )
    assert insert("answer", origin) == "inserted"
    release.wait(10)
    wait_for(lambda: editor.text == "answer", "the answer")
    editor.close()


def test_from_the_hotkey_to_the_answer(here: Desktop, folder: Path) -> None:
    """Text is selected, the keys pressed, the answer put in its place: no window of ours yet."""
    editor = Editor(here, folder, "letter", "превед, как дила", "--all")
    found: list[Selection | None] = []
    hotkey = listen("Ctrl+Alt+Space", lambda: found.append(read_selection()), lambda _: None)
    try:
        wait_for(lambda: hotkey.state.granted, "hotkey")
        here.keys("ctrl+alt+space")
        wait_for(lambda: found, "the press")
        assert found[0] is not None
        assert found[0].text == "превед, как дила"
        assert insert("Привет, как дела? 🦙", found[0].origin) == "inserted"
        wait_for(lambda: editor.text == "Привет, как дела? 🦙", "the answer")
    finally:
        hotkey.close()
    editor.close()


def test_the_screen_of_the_user(here: Desktop, folder: Path) -> None:
    assert active_screen() == (0, 0, 1280, 800)
    here.run("xrandr", "--setmonitor", "left", "640/200x800/250+0+0", "screen")
    here.run("xrandr", "--setmonitor", "right", "640/200x800/250+640+0", "none")
    try:
        editor = Editor(here, folder, "moved", "text")
        for x, screen in ((40, (0, 0, 640, 800)), (700, (640, 0, 640, 800))):
            here.xdo("windowmove", "--sync", editor.window, str(x), "60")
            wait_for(lambda: active_screen() == screen, f"screen at {x}, {active_screen()}")  # noqa: B023
        editor.close()
        here.xdo("mousemove", "20", "20")
        wait_for(lambda: active_screen() == (0, 0, 640, 800), "the pointer's screen")
    finally:
        here.run("xrandr", "--delmonitor", "right")
        here.run("xrandr", "--delmonitor", "left")


def test_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert read_selection() is None
    assert read_origin() is None
    assert active_screen() is None
    assert insert("x", Origin(1, 1, "field")) == "refused"
