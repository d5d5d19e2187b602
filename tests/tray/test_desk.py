"""What the quick prompt hands over to the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from galosh.base.paths import Paths
from galosh.tray.desk import Desk
from galosh.tray.view import View
from tests.desktop_kit import wait_for
from tests.tray.kit import served

pytestmark = pytest.mark.long


class Host:
    """See galosh.tray.desk.Host."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.view = View()
        self.clicked: list[str] = []
        self.told: list[str] = []

    def post(self, work: Callable[[], None]) -> None:
        work()

    def change(self, **facts: object) -> None:
        raise AssertionError(facts)

    def news(self, title: str, body: str) -> None:
        self.told.append(title)

    def on_click(self, key: str) -> None:
        self.clicked.append(key)


class Popup:
    """A quick prompt that hears. See galosh.tray.popup_child.PopupChild."""

    given_up = False

    def __init__(self) -> None:
        self.said: list[object] = []

    def send(self, message: object) -> None:
        self.said.append(message)


def test_a_talk_goes_on_in_the_notebook(tmp_path: Path) -> None:
    with served(tmp_path) as daemon:
        host = Host(daemon.paths)
        desk = Desk(host, popup=False, hotkey=False)
        desk._popup_said({"event": "notebook", "text": "Вопрос 🦙\n\nAn answer."})
        wait_for(lambda: host.clicked == ["notebook"], "the page")
        rows: Any = daemon.client._call("GET", "/galosh/v1/notebooks")["notebooks"]
        sheet: Any = daemon.client._call("GET", f"/galosh/v1/notebooks/{rows[0]['id']}")
        assert sheet["notebook"]["text"] == "Вопрос 🦙\n\nAn answer."
    assert host.told == []
    desk._popup_said({"event": "notebook", "text": "words"})
    wait_for(lambda: host.told == ["galosh is not running."], "the reason")


def test_the_page_instead_for_screen_readers(tmp_path: Path) -> None:
    with served(tmp_path) as daemon:
        host = Host(daemon.paths)
        host.view = View(settings={"popup.screen_reader": True})
        desk = Desk(host, popup=False, hotkey=False)
        popup = Popup()
        desk._popup = popup  # type: ignore[assignment]
        desk.show(toggle=True)
        wait_for(lambda: host.clicked == ["notebook"], "the page")
        assert daemon.client.notebooks() == []
        desk._order("toggle", {"text": "read me", "cut": False, "can_insert": True})
        wait_for(lambda: len(host.clicked) == 2, "the page")
        [row] = daemon.client.notebooks()
        assert daemon.client.notebook(str(row["id"]))["text"] == "read me"
    assert popup.said == [{"do": "moved", "text": "read me"}]
    assert host.told == []
