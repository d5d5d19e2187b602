"""Windows, macOS and Wayland: what is asked of them, in its order, and what is never done.

Not verified on Windows and macOS: what stands in for them answers as their manuals say.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from galosh.selection import (
    Origin,
    active_screen,
    insert,
    macos,
    read_origin,
    read_selection,
    swap,
    windows,
)
from galosh.selection.values import Screen, decode, kind_of, terminal_text
from galosh.selection.windows import CF_UNICODETEXT

OLD = [(CF_UNICODETEXT, "старое\0".encode("utf-16-le")), (8, b"BM" * 50), (49_161, b"<b>x</b>")]


class User32:
    """A desktop with one program in front; `selected` is what Ctrl+C copies there."""

    def __init__(self, selected: str = "", name: str = "Notepad") -> None:
        self.selected = selected
        self.name = name
        self.window = 7
        self.clipboard: list[tuple[int, bytes]] = list(OLD)
        self.number = 1
        self.down = {0x11, 0x12}  # of Ctrl+Alt+Space
        self.elevated = False
        self.locked = False
        self.pasted: list[str] = []
        self.pressed: list[tuple[int, bool]] = []

    def front(self) -> int:
        return self.window

    def class_name(self, window: int) -> str:
        return self.name

    def is_out_of_reach(self, window: int) -> bool:
        return self.elevated

    def bring_front(self, window: int) -> None:
        if window == 7:
            self.window = 7

    def changes(self) -> int:
        return self.number

    def read(self) -> Sequence[tuple[int, bytes]] | None:
        return None if self.locked else list(self.clipboard)

    def write(self, formats: Sequence[tuple[int, bytes]]) -> bool:
        self.clipboard = list(formats)
        self.number += 1
        return True

    def is_down(self, key: int) -> bool:
        return key in self.down

    def keys(self, events: Sequence[tuple[int, bool]]) -> None:
        for key, down in events:
            (self.down.add if down else self.down.discard)(key)
            self.pressed.append((key, down))
            if (key, down) == (0x43, True) and self.down == {0x11, 0x43} and self.selected:
                self.write([(CF_UNICODETEXT, (self.selected + "\0").encode("utf-16-le"))])
            if (key, down) == (0x56, True) and self.down == {0x11, 0x56}:
                text = dict(self.clipboard)[CF_UNICODETEXT].decode("utf-16-le")
                self.pasted.append(text.rstrip("\0"))

    def screen(self, window: int) -> Screen | None:
        return (0, 0, 1920, 1040)


def test_windows_copies_and_puts_everything_back() -> None:
    desktop = User32("Выбрано 🦙\r\nстрока")
    found = windows.Windows(desktop).read_selection(0.3, 65_536)
    assert found is not None
    assert (found.text, found.cut) == ("Выбрано 🦙\nстрока", False)
    assert found.origin.can_insert
    assert desktop.clipboard == OLD
    assert desktop.down == set()
    cut = windows.Windows(User32("ё" * 40_000)).read_selection(0.3, 65_536)
    assert cut is not None
    assert cut.cut
    assert cut.text == "ё" * 32_768


def test_windows_with_nothing_selected_touches_nothing() -> None:
    desktop = User32()
    assert windows.Windows(desktop).read_selection(0.05, 65_536) is None
    assert desktop.number == 1


@pytest.mark.parametrize("name", ["ConsoleWindowClass", "CASCADIA_HOSTING_WINDOW_CLASS", "mintty"])
def test_windows_presses_nothing_in_a_console(name: str) -> None:
    desktop = User32("selected", name)
    system = windows.Windows(desktop)
    assert system.read_selection(0.05, 65_536) is None
    origin = system.read_origin()
    assert origin is not None
    assert system.insert("answer", origin) == "copied"
    assert desktop.pressed == []


def test_windows_presses_nothing_in_an_elevated_window() -> None:
    desktop = User32("selected")
    desktop.elevated = True
    assert windows.Windows(desktop).read_selection(0.05, 65_536) is None
    assert desktop.pressed == []


def test_windows_pastes_only_into_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "_PASTE_SECONDS", 0.0)
    monkeypatch.setattr(swap, "_FRONT_SECONDS", 0.05)
    desktop = User32()
    system = windows.Windows(desktop)
    desktop.window = 99  # the popup
    assert system.insert("Ответ\n🦙", Origin(7, 0, "field")) == "inserted"
    assert desktop.pasted == ["Ответ\r\n🦙"]
    assert desktop.clipboard == OLD
    assert system.insert("answer", Origin(8, 0, "field")) == "copied"
    assert desktop.pasted == ["Ответ\r\n🦙"]
    assert dict(desktop.clipboard)[CF_UNICODETEXT].decode("utf-16-le") == "answer\0"


def test_windows_leaves_a_clipboard_alone_that_it_cannot_give_back() -> None:
    desktop = User32("selected")
    desktop.locked = True
    system = windows.Windows(desktop)
    assert system.read_selection(0.05, 65_536) is None
    assert system.insert("answer", Origin(7, 0, "field")) == "refused"
    assert desktop.clipboard == OLD
    assert desktop.pressed == []


class AppKit:
    """A Mac with one program in front."""

    def __init__(self, told: str | None, copies: str = "") -> None:
        self.told = told
        self.copies = copies
        self.secure = False
        self.trusted = True
        self.process = 5
        self.items: list[Mapping[str, bytes]] = [
            {macos.TEXT_TYPE: b"old", "public.png": b"\x89PNG"}, {"public.url": b"x:"}
        ]  # fmt: skip
        self.number = 1
        self.pasted: list[str] = []
        self.pressed: list[int] = []

    def is_trusted(self) -> bool:
        return self.trusted

    def front(self) -> int:
        return self.process

    def bring_front(self, process: int) -> None:
        if process == 5:
            self.process = 5

    def focused(self) -> tuple[str | None, bool]:
        return self.told, self.secure

    def changes(self) -> int:
        return self.number

    def read(self) -> Sequence[Mapping[str, bytes]]:
        return list(self.items)

    def write(self, items: Sequence[Mapping[str, bytes]]) -> bool:
        self.items = list(items)
        self.number += 1
        return True

    def press(self, key: int) -> None:
        self.pressed.append(key)
        if key == macos.KEY_C and self.copies:
            self.write([{macos.TEXT_TYPE: self.copies.encode()}])
        if key == macos.KEY_V:
            self.pasted.append(self.items[0][macos.TEXT_TYPE].decode())

    def screen(self) -> Screen | None:
        return (0, 0, 1440, 900)


def test_macos_reads_by_accessibility_and_else_by_copying() -> None:
    told = AppKit("Выбрано 🦙")
    found = macos.Mac(told).read_selection(0.3, 65_536)
    assert found is not None
    assert found.text == "Выбрано 🦙"
    assert told.pressed == []
    silent = AppKit(None, copies="скопировано")
    before = silent.read()
    found = macos.Mac(silent).read_selection(0.3, 65_536)
    assert found is not None
    assert found.text == "скопировано"
    assert silent.items == before


def test_macos_copies_nothing_secret_and_nothing_unasked() -> None:
    secret = AppKit(None, copies="password")
    secret.secure = True
    assert macos.Mac(secret).read_selection(0.05, 65_536) is None
    stranger = AppKit("text")
    stranger.trusted = False
    system = macos.Mac(stranger)
    assert system.read_selection(0.05, 65_536) is None
    origin = system.read_origin()
    assert origin is not None
    assert system.insert("answer", origin) == "copied"
    assert secret.pressed == stranger.pressed == []


def test_macos_pastes_and_gives_the_pasteboard_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "_PASTE_SECONDS", 0.0)
    monkeypatch.setattr(swap, "_FRONT_SECONDS", 0.05)
    mac = AppKit("text")
    before = mac.read()
    mac.process = 99  # the popup
    assert macos.Mac(mac).insert("Ответ", Origin(5, 5, "field")) == "inserted"
    assert mac.pasted == ["Ответ"]
    assert mac.items == before
    assert macos.Mac(mac).insert("Ответ", Origin(6, 6, "field")) == "copied"
    assert mac.pasted == ["Ответ"]


@pytest.fixture
def wayland(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Wayland session without Xwayland, and a folder for its wl-clipboard."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return programs


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def test_wayland_by_its_tools(wayland: Path) -> None:
    assert read_selection() is None
    assert read_origin() is None
    assert active_screen() is None
    script(wayland / "wl-paste", "printf 'Выбрано 🦙'")
    found = read_selection(5.0)
    assert found is not None
    assert (found.text, found.cut, found.origin.can_insert) == ("Выбрано 🦙", False, False)
    script(wayland / "wl-paste", "yes line | head -c 300000")
    found = read_selection(5.0)
    assert found is not None
    assert found.cut
    assert len(found.text) == 65_536
    out = wayland / "copied"
    script(wayland / "wl-copy", f"cat > '{out}'")
    assert insert("Ответ 🦙", found.origin) == "copied"
    assert out.read_text(encoding="utf-8") == "Ответ 🦙"


def test_wayland_tools_that_hang_or_fail(wayland: Path) -> None:
    script(wayland / "wl-paste", "printf half; exec sleep 60")
    began = time.monotonic()
    assert read_selection() is None
    assert time.monotonic() - began < 1.5
    script(wayland / "wl-paste", "exit 1")
    assert read_selection() is None
    script(wayland / "wl-copy", "exit 1")
    assert insert("answer", Origin(0)) == "refused"


def test_windows_of_every_kind() -> None:
    assert kind_of(("xterm", "XTerm")) == "old-terminal"
    assert kind_of(("gnome-terminal-server", "Gnome-terminal")) == "terminal"
    assert kind_of(("code", "Code")) == kind_of(()) == "field"
    assert terminal_text("ls -l\n") == "ls -l"
    assert terminal_text("a\nb") is None
    assert terminal_text("\x1b[31m") is None
    assert decode("при🦙".encode()[:-2], cut=True) == "при"
