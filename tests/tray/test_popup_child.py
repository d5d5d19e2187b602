"""The agent's end of the quick prompt: kept alive, kept small, never left behind."""

from __future__ import annotations

import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from galosh.tray.popup_child import PopupChild
from tests.desktop_kit import REPO, ROOTS, wait_for

pytestmark = pytest.mark.long
MODULE = "tests.fakes.popup"


class Heard:
    """What a child says."""

    def __init__(self) -> None:
        self.lines: queue.Queue[Any] = queue.Queue()
        self.child = PopupChild(self.lines.put, MODULE)

    def next(self, event: str) -> dict[str, Any]:
        """The next line with that event."""
        while (line := self.lines.get(timeout=20))["event"] != event:
            pass
        return dict(line)


@pytest.fixture
def popup(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    paths = [str(REPO), *(str(REPO / root) for root in ROOTS)]
    monkeypatch.setenv("PYTHONPATH", ":".join(paths))
    heard = Heard()
    yield heard
    heard.child.close()


def test_it_is_told_and_heard(popup: Heard) -> None:
    popup.child.start()
    popup.next("ready")
    popup.child.send({"do": "show", "hotkey": "Ctrl+Alt+Space", "text": "Привет 🦙"})
    assert popup.next("heard")["order"]["text"] == "Привет 🦙"


def test_what_was_to_be_shown_before_it_stands_is_shown(popup: Heard) -> None:
    popup.child.send({"do": "toggle", "selection": None})
    assert popup.next("heard")["order"]["do"] in ("toggle", "show")


def test_one_that_dies_is_replaced_and_hears_the_next_word(popup: Heard) -> None:
    popup.child.start()
    first = popup.next("ready")["pid"]
    popup.child.send({"do": "hide"})  # this fake dies of it
    wait_for(lambda: not psutil.pid_exists(first), "end of the first")
    begin = time.monotonic()
    popup.child.send({"do": "show"})
    assert popup.next("heard")["order"]["do"] == "hide"
    assert popup.next("heard")["order"]["do"] == "show"
    print(f"shown {time.monotonic() - begin:.2f} s after the death")


@pytest.mark.parametrize("how", ["no-tk", "dies"])
def test_one_that_cannot_live_is_given_up(
    popup: Heard, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv("FAKE_POPUP", how)
    monkeypatch.setattr("galosh.tray.popup_child._TRIES", 3)
    popup.child.start()
    if how == "no-tk":
        assert popup.next("failed")["error"]["code"] == "popup-no-tk"
    wait_for(lambda: popup.child.given_up, "the end of trying")
    popup.child.start()
    wait_for(lambda: psutil.Process().children() == [], "no child")


def test_it_ends_with_us_and_when_we_are_killed() -> None:
    script = (
        "import sys; from galosh.tray.popup_child import PopupChild\n"
        f"child = PopupChild(lambda said: print(said.get('pid'), flush=True), {MODULE!r})\n"
        "child.start(); sys.stdin.read(); child.close()"
    )
    paths = ":".join([str(REPO), *(str(REPO / root) for root in ROOTS)])
    for kill in (False, True):
        agent = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PYTHONPATH": paths},
        )  # fmt: skip
        assert agent.stdout is not None
        assert agent.stdin is not None
        popup = int(agent.stdout.readline())
        if kill:
            agent.kill()
        agent.stdin.close()
        agent.wait(10)
        agent.stdout.close()
        wait_for(lambda pid=popup: not psutil.pid_exists(pid), "end of the popup", 5)  # type: ignore[misc]
