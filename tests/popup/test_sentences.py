"""What the window says and sends: its behaviour over widgets that only take notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.popup import window as window_module
from galosh.popup.chips import label
from galosh.popup.keep import Keeper
from galosh.popup.lines import Chosen, Show
from galosh.popup.looks import Looks
from galosh.popup.talk import Facts, Failed, Talk, Told
from galosh.popup.window import Window
from galosh.presets.shelf import Shelf

AWAY = GaloshError("api-daemon-start-failed", reason="no room", log="daemon.log")
CUT = {
    "en": "“a long text” (only the beginning: the text is longer than 64 KB)  ✕",
    "ru": "“a long text” (только начало: текст длиннее 64 КБ)  ✕",
}
DID_NOT_START = {
    "en": ["The galosh daemon did not start.", "Cause: no room.", "Look at daemon.log."],
    "ru": ["Демон galosh не запустился.", "Причина: no room.", "Загляните в daemon.log."],
}
STARTING = {"en": "Starting galosh", "ru": "galosh запускается"}


class Notes:
    """The view: what stands on the screen. `typed` is the field."""

    def __init__(self, *_: object) -> None:
        self.typed = ""
        self.line = ""
        self.chip = ""
        self.chips = self
        self.answer = MagicMock(is_empty=True)
        self.buttons: dict[str, Any] = MagicMock()
        self.field = MagicMock()

    def say(self, sentence: str) -> None:
        self.line = sentence

    def show(self, chosen: str, note: str, drop: object, actions: Sequence[object]) -> None:
        self.chip = label(chosen, note)

    def clear(self) -> None:
        self.chip = ""

    def hint(self, text: str) -> None:
        """No test looks at it."""

    def offer(self, *names: str) -> None:
        """No test looks at it."""

    def place(self, screen: object) -> None:
        """No test looks at it."""

    def paint(self) -> None:
        """No test looks at it."""


class Carrier(Talk):
    """The talk: what was asked, and with which preset."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def look(self, warm: object = None, *, presets: bool = False) -> None:
        """The test says what it finds."""

    def ask(self, messages: Sequence[Mapping[str, object]], sampler: str | None) -> int:
        self.asked.append((str(messages[-1]["content"]), sampler))
        return len(self.asked)

    def stop(self) -> None:
        """Nothing goes on."""


class Prompt:
    """A quick prompt in the hands of the test."""

    def __init__(self, folder: Path) -> None:
        self.talk = Carrier()
        looks = MagicMock(spec=Looks)
        keeper = Keeper(folder / "quick-prompt.json")
        self.window = Window(MagicMock(), looks, self.talk, keeper, MagicMock())
        self.view: Notes = self.window._view  # type: ignore[assignment]

    def ask(self, text: str) -> tuple[str, str | None]:
        self.view.typed = text
        self.window.ask()
        return self.talk.asked[-1]


@pytest.fixture
def prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prompt:
    monkeypatch.setattr(window_module, "View", Notes)
    return Prompt(tmp_path)


@pytest.mark.parametrize("tongue", ["en", "ru"])
def test_a_cut_selection_is_said_beside_it(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch, tongue: str
) -> None:
    monkeypatch.setenv("GALOSH_LANG", tongue)
    prompt.window.obey(Show(Chosen("a long text", cut=True)))
    assert prompt.view.chip == CUT[tongue]
    prompt.window.obey(Show(Chosen("another text")))
    assert prompt.view.chip == "“another text”  ✕"


@pytest.mark.parametrize("tongue", ["en", "ru"])
def test_a_daemon_that_is_away_is_said(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch, tongue: str
) -> None:
    monkeypatch.setenv("GALOSH_LANG", tongue)
    what, why, next_step = DID_NOT_START[tongue]
    prompt.window.obey(Show())
    prompt.window.hear(Facts(error=AWAY))
    assert prompt.view.line == f"{what} {next_step}"
    prompt.ask("anybody?")
    prompt.window.hear(Told(1, None))
    assert prompt.view.line == STARTING[tongue]
    prompt.window.hear(Failed(1, AWAY))
    assert prompt.view.answer.say.call_args.args == ([what, why, next_step],)
    assert prompt.view.typed == "anybody?"  # kept, and asked again by Return


def test_the_preset_of_the_menu_is_used_unless_an_action_has_its_own(
    prompt: Prompt, paths: Paths
) -> None:
    presets = Shelf(paths).to_json()
    prompt.window.hear(Facts({}, {"ask.preset": "creative"}, presets))
    assert prompt.ask("a question") == ("a question", "creative")
    prompt.window.obey(Show(Chosen("helo")))
    prompt.window.act(0)
    text, sampler = prompt.talk.asked[-1]
    assert text.endswith("helo")
    assert sampler == "precise"
    prompt.window.hear(Facts({}, {"ask.preset": ""}, {}))
    assert prompt.ask("another")[1] is None
