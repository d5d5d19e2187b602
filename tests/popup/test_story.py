"""The daily use with everything real: engine, model, daemon, tray, hotkey, editor, clipboard."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.benches.engine_daemon import Daemon
from tests.desktop_kit import REPO, Desktop, desktop, wait_for
from tests.popup.conftest import FIGURES
from tests.popup.kit import Popup

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]

EDITOR = REPO / "tests/selection/programs/editor.py"
TEXT = "  This are a small test, и ещё немного по-русски 🙂\n"
HELD = "what was in the clipboard: буфер 🦙"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """A real one with the starter model, and short answers: it is a small model."""
    with Daemon({"model": "context_tokens = 512"}) as running:
        yield running


@pytest.fixture
def desk(daemon: Daemon, tmp_path: Path) -> Iterator[Desktop]:
    """A desktop whose user has that daemon."""
    with desktop(tmp_path) as here:
        here.environ["GALOSH_HOME"] = str(daemon.home)
        yield here


def status(daemon: Daemon) -> Any:
    return daemon.client.status()


def clipboard(desk: Desktop) -> bytes:
    command = ["xclip", "-selection", "clipboard", "-o", "-t", "UTF8_STRING"]
    return subprocess.run(command, env=desk.environ, capture_output=True, timeout=30).stdout


def test_a_quick_question_to_the_real_model(desk: Desktop, daemon: Daemon) -> None:
    """The model sleeps; the window opens at once and wakes it while the user types."""
    popup = Popup(desk)
    try:
        popup.heard("ready")
        daemon.client.unload()
        began = time.monotonic()
        popup.show()
        shown = time.monotonic() - began
        wait_for(lambda: status(daemon)["worker"]["state"] in ("ready", "busy"), "awake", 60)
        awake = time.monotonic() - began
        assert status(daemon)["worker"]["answers"] == 0  # it only read
        desk.type("What is the capital of France?")
        desk.keys("Return")
        wait_for(lambda: status(daemon)["worker"]["answers"], "answer", 120)

        def copied() -> bool:
            desk.keys("ctrl+c")  # the last words may not be shown yet
            return "Paris" in popup.clipboard()

        wait_for(copied, "Paris", 60)
        FIGURES.append(
            f"popup: model asleep: window after {shown:.2f} s, awake after {awake:.1f} s"
        )
    finally:
        popup.kill()


def test_select_press_fix_insert(desk: Desktop, daemon: Daemon, tmp_path: Path) -> None:
    """Text marked in an editor, the hotkey, fix grammar, insert: the answer stands in the
    editor, the blank space around it too, and the clipboard is what it was."""
    source, out, held = (tmp_path / name for name in ("source", "out", "held"))
    source.write_text(TEXT, encoding="utf-8")
    held.write_text(HELD, encoding="utf-8")
    desk.python("-m", "galosh.tray", log="tray.log")
    wait_for(lambda: (status(daemon).get("desktop") or {}).get("hotkey"), "hotkey", 40)
    desk.start("xclip", "-selection", "clipboard", "-i", "-quiet", str(held))
    desk.python(str(EDITOR), "Editor", str(out), str(source), "--all")
    editor = desk.wait_window("--name", "Editor")
    desk.xdo("windowactivate", "--sync", editor)
    wait_for(lambda: out.exists() and clipboard(desk) == HELD.encode(), "editor and clipboard")
    before = status(daemon)["worker"]["answers"]
    desk.keys("ctrl+alt+space")
    desk.wait_window("--name", "quick prompt")
    time.sleep(1.5)  # as long as it takes to see the buttons
    desk.keys("alt+1")
    wait_for(lambda: status(daemon)["worker"]["answers"] > before, "answer", 200)
    time.sleep(0.5)
    desk.keys("ctrl+Return")
    wait_for(lambda: out.read_text(encoding="utf-8") != TEXT, "the answer in the editor")
    wait_for(lambda: clipboard(desk) == HELD.encode(), "the clipboard as it was")
    time.sleep(0.3)
    written = out.read_text(encoding="utf-8")
    assert written.startswith("  ")
    assert not written.startswith("   ")
    assert written.endswith("\n")
    assert written.strip()
    assert desk.windows("--name", "quick prompt") == []
