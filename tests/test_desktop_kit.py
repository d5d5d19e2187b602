"""The desktop of the tests is a real one, and nothing of it stays behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.desktop_kit import desktop, wait_for

pytestmark = pytest.mark.long


def test_a_screen_a_bus_a_panel_and_nothing_left(tmp_path: Path) -> None:
    with desktop(tmp_path, services=True) as here:
        started = [here.panel(), here.start("xclip", "-loops", "0", "-i", "/dev/null")]
        wait_for(lambda: here.owns("org.kde.StatusNotifierWatcher"), "tray of the panel")
        assert here.pixel(5, 795) != here.pixel(5, 100)  # the panel, the bare screen
        picture = here.screenshot(tmp_path / "screen.png")
        assert picture.read_bytes()[:4] == b"\x89PNG"
        display = here.display
    assert [process.poll() is None for process in started] == [False, False]
    assert not Path(f"/tmp/.X{display[1:]}-lock").exists()


def test_a_bare_bus_starts_nothing(tmp_path: Path) -> None:
    with desktop(tmp_path, window_manager=False) as here:
        assert not here.owns("org.freedesktop.Notifications")
        here.dunst()
        assert here.owns("org.freedesktop.Notifications")
        assert here.environ["DISPLAY"] != os.environ.get("DISPLAY")
