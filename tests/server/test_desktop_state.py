"""The agent's word about the desktop: kept while it lives, told to those who watch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from galosh.base.errors import GaloshError
from galosh.hotkey import HotkeyState
from tests.fakes.serving import Running, wait_until

HOTKEY = HotkeyState(
    "x11", "Ctrl+Alt+Space", None, GaloshError("hotkey-taken", trigger="Ctrl+Alt+Space"), ("F9",)
).to_json()


def test_it_is_told_and_shown_while_the_agent_lives(running: Running) -> None:
    assert running.client.status()["desktop"] is None
    agent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        facts = {"pid": agent.pid, "tray": {"way": "sni", "problem": None}, "hotkey": HOTKEY}
        running.client.set_desktop(facts)
        shown = running.client.status()["desktop"]
        assert isinstance(shown, dict)
        assert shown == facts
        assert GaloshError.from_json(shown["hotkey"]["problem"]).code == "hotkey-taken"
    finally:
        agent.communicate()
    wait_until(lambda: running.client.status()["desktop"] is None)


def test_watchers_hear_of_a_change_and_of_nothing_else(running: Running) -> None:
    stream = running.client.events()
    assert next(stream).name == "status"
    facts = {"pid": os.getpid(), "tray": None, "hotkey": HOTKEY}
    running.client.set_desktop(facts)
    running.client.set_desktop(facts)
    running.client.set_desktop({**facts, "hotkey": None})
    first, second = next(stream), next(stream)
    assert first.name == second.name == "desktop.changed"
    assert first.facts["facts"] == facts
    assert second.facts["facts"] == {"pid": os.getpid(), "tray": None, "hotkey": None}
    stream.close()


@pytest.mark.parametrize(
    "facts",
    [{}, {"pid": 0}, {"pid": "1"}, {"pid": 1, "hotkey": []}, {"pid": 1, "other": {}}],
)
def test_other_words_are_refused(running: Running, facts: dict[str, object]) -> None:
    with pytest.raises(GaloshError) as caught:
        running.client.set_desktop(facts)
    assert caught.value.code in ("server-bad-request", "server-unknown-field")
    assert running.client.status()["desktop"] is None
