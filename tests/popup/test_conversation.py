"""What is sent for what was typed, and what an answer stands for."""

from __future__ import annotations

import pytest

from galosh.base.paths import Paths
from galosh.popup.conversation import Conversation, as_replacement, beginning, read_actions
from galosh.popup.history import MOST_QUESTIONS, History
from galosh.popup.lines import Chosen
from galosh.presets.prompt import Prompt
from galosh.presets.shelf import Shelf

FIX = Prompt("fix", "action", {"en": "Correct: {input}\n\n{selection}"}, {"en": "Fix"},
             sampler="precise", rewrites=True)  # fmt: skip


def test_a_plain_question_and_one_more() -> None:
    talk = Conversation()
    assert talk.ask("  \n", "en") is None
    assert talk.ask(" Why? ", "en") is not None
    assert talk.messages() == [{"role": "user", "content": "Why?"}]
    assert talk.take("\n\nBe") == "Be"
    assert talk.take("cause.\n") == "cause.\n"
    assert talk.end() == ""
    assert talk.last_answer == "Because.\n"
    talk.ask("And then?", "en")
    assert [one["content"] for one in talk.messages()] == ["Why?", "Because.\n", "And then?"]


def test_the_selection_is_told_once() -> None:
    talk = Conversation(Chosen("some text"))
    talk.ask("What is it?", "en")
    talk.take("Text.")
    talk.end()
    talk.ask("Sure?", "en")
    assert [one["content"] for one in talk.messages()] == [
        "What is it?\n\nsome text", "Text.", "Sure?",
    ]  # fmt: skip


def test_an_action_fills_its_places_and_begins_anew() -> None:
    talk = Conversation(Chosen("helo ", can_insert=True))
    talk.ask("Hm?", "en")
    talk.take("x")
    talk.end()
    turn = talk.ask("gently", "en", FIX)
    assert turn is not None
    assert turn.shown == "Fix: gently"
    assert turn.sampler == "precise"
    assert talk.messages() == [{"role": "user", "content": "Correct: gently\n\nhelo "}]
    talk.take("\nHello\n")
    talk.end()
    assert talk.replacement == "Hello "
    assert talk.last_answer == "Hello\n"


def test_a_question_without_an_answer_goes_back() -> None:
    talk = Conversation()
    talk.ask("Why?", "en")
    assert talk.end() == "Why?"
    assert talk.turns == []
    assert talk.end() == ""


def test_words_after_the_end_are_dropped() -> None:
    talk = Conversation()
    talk.ask("Why?", "en")
    talk.take("a")
    talk.end()
    assert talk.take("b") == ""
    assert talk.last_answer == "a"


def test_the_whole_talk_for_the_notebook() -> None:
    talk = Conversation()
    talk.ask("Why?", "en")
    talk.take("Because.\n")
    talk.end()
    talk.ask("And?", "en")
    assert talk.as_text() == "Why?\n\nBecause.\n\nAnd?"


@pytest.mark.parametrize(
    ("selection", "answer", "whole"),
    [
        ("  helo\n", "\nHello", "  Hello\n"),
        ("helo", " Hello\n\n", "Hello"),
        ("", " a\nb ", "a\nb"),
        (" ", "a", "a"),
    ],
)
def test_a_replacement_keeps_the_space_around(selection: str, answer: str, whole: str) -> None:
    assert as_replacement(selection, answer) == whole


def test_the_shipped_actions_in_their_order(paths: Paths) -> None:
    actions = read_actions(Shelf(paths).to_json())
    assert [one.name for one in actions][:5] == [
        "fix-grammar", "summarize", "translate", "explain", "reply",
    ]  # fmt: skip
    assert all("{selection}" in one.text("en") for one in actions)
    assert all(one.title("ru") for one in actions)


def test_an_action_of_the_users_own_comes_before_the_rest(paths: Paths) -> None:
    folder = paths.presets / "prompts"
    folder.mkdir(parents=True)
    (folder / "pirate.yaml").write_text("text: 'As a pirate: {selection}'\nsystem: Arr.\n")
    actions = read_actions(Shelf(paths).to_json())
    assert actions[5].name == "pirate"
    assert beginning(actions[5], "en") == [
        {"role": "system", "content": "Arr."},
        {"role": "user", "content": "As a pirate:"},
    ]
    assert read_actions({"prompts": [None, {"name": 7}, {"name": "x", "texts": {}}]}) == []


def test_what_can_be_read_before_anything_is_asked() -> None:
    talk = Conversation(Chosen("helo"))
    turn = talk.ask("", "en", FIX)
    assert turn is not None
    [read] = beginning(FIX, "en")
    assert turn.sent.startswith(str(read["content"]))
    assert beginning(None, "en") == [{"role": "user", "content": " "}]


def test_walking_through_the_history() -> None:
    history = History(["a", "b"])
    history.add("c")
    history.add("a")
    history.add(" ")
    assert history.questions == ["b", "c", "a"]
    assert [history.older("typing"), history.older("a"), history.older("c")] == ["a", "c", "b"]
    assert history.older("b") is None
    assert [history.newer(), history.newer(), history.newer()] == ["c", "a", "typing"]
    assert history.newer() is None
    for number in range(300):
        history.add(str(number))
    assert len(history.questions) == MOST_QUESTIONS
