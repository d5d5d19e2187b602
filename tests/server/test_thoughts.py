"""Thoughts told apart from answers, wherever the stream is cut."""

from __future__ import annotations

import pytest

from galosh.server.thoughts import Splitter
from galosh.server.words import Words, joined


def sorted_out(text: str, size: int, *, opened: bool = False) -> Words:
    splitter = Splitter(opened=opened)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    found = [words for piece in pieces if (words := splitter.feed(Words(piece))) is not None]
    rest = splitter.finish()
    return joined([*found, *([rest] if rest else [])])


CASES = (
    ("plain", "plain", ""),
    ("<think>\nhmm, 1 < 2\n</think>\n\nYes.", "Yes.", "hmm, 1 < 2\n"),
    ("\n<think>a</think>b", "b", "a"),
    ("[THINK]a[/THINK]b", "b", "a"),
    ("<think>a</think>b<think>c</think>", "b<think>c</think>", "a"),
    ("Say <think> aloud", "Say <think> aloud", ""),
    ("<thin", "<thin", ""),
    ("<think>never ended </thi", "", "never ended </thi"),
    ("<think></think>b", "b", ""),
)


@pytest.mark.parametrize(("text", "answer", "thought"), CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_a_thought_before_the_answer(text: str, answer: str, thought: str, size: int) -> None:
    found = sorted_out(text, size)
    assert (found.text, found.thought) == (answer, thought)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_thought_that_the_template_opened(size: int) -> None:
    found = sorted_out("so </think>\nYes", size, opened=True)
    assert (found.text, found.thought) == ("Yes", "so ")


def test_pieces_that_cannot_be_a_mark_are_not_held_back() -> None:
    splitter = Splitter()
    assert splitter.feed(Words("He")) == Words("He")
    assert splitter.feed(Words("<think>")) == Words("<think>")
