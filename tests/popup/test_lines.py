"""The lines between tray and popup: understood as written, and nothing else comes out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.popup.lines import (
    Chosen,
    Hide,
    Inserted,
    Moved,
    Order,
    Quit,
    Show,
    event_line,
    parse_order,
)

CHOSEN = {"text": "привет 🙂\nworld", "cut": True, "can_insert": True}


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ({"do": "show", "selection": CHOSEN, "hotkey": "F1", "screen": [-9, 0, 800, 600]},
         Show(Chosen("привет 🙂\nworld", True, True), "F1", (-9, 0, 800, 600))),
        ({"do": "show"}, Show()),
        ({"do": "toggle", "selection": None, "hotkey": None, "screen": None}, Show(toggle=True)),
        ({"do": "show", "selection": {"text": " \n"}}, Show()),
        ({"do": "show", "selection": {"text": "", "can_insert": True}},
         Show(Chosen("", can_insert=True))),
        ({"do": "show", "selection": "x", "hotkey": 7, "screen": [0, 0, 0, 9]}, Show()),
        ({"do": "show", "screen": [0, 0, True, 9]}, Show()),
        ({"do": "hide", "more": 1}, Hide()),
        ({"do": "inserted", "how": "copied"}, Inserted("copied")),
        ({"do": "inserted", "how": "eaten"}, None),
        ({"do": "moved", "text": "a\n\nb"}, Moved("a\n\nb")),
        ({"do": "moved"}, None),
        ({"do": "quit"}, Quit()),
        ({"do": "dance"}, None),
        ([], None),
    ],
)  # fmt: skip
def test_orders(line: object, order: Order | None) -> None:
    assert parse_order(json.dumps(line, ensure_ascii=False).encode()) == order


@given(st.binary())
def test_garbage_is_passed_over(line: bytes) -> None:
    assert parse_order(line) is None


@given(st.text(st.characters()))
def test_a_text_arrives_as_it_was(text: str) -> None:
    line = event_line("insert", text=text)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"event": "insert", "text": text}
