"""Markdown made readable while it streams: the same pieces however it is cut, no word lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.popup.markdown import Piece, Reader, Span, read_inline

ANSWER = """# Борщ

Возьмите **две** свёклы и *немного* `соли`:

1. Нарежьте
   - мелко
   - ~~крупно~~
2. Варите 2 * 3 * 4 минуты

> Вкусно! 🍲

```python
def soup():  # **not bold**
    return "*"
```
---
[рецепт](https://example.org/a_b_c) и snake_case_name.
"""


def read(text: str, step: int = 0) -> list[Piece]:
    reader = Reader()
    parts = [text[i : i + step] for i in range(0, len(text), step)] if step else [text]
    return [piece for part in parts for piece in reader.feed(part)] + reader.finish()


def test_an_answer_is_made_readable() -> None:
    shown = [(piece.block, piece.text) for piece in read(ANSWER)]
    assert shown == [
        ("h1", "Борщ"),
        ("text", ""),
        ("text", "Возьмите две свёклы и немного соли:"),
        ("text", ""),
        ("item0", "1. Нарежьте"),
        ("item1", "• мелко"),
        ("item1", "• крупно"),
        ("item0", "2. Варите 2 * 3 * 4 минуты"),
        ("text", ""),
        ("quote", "Вкусно! 🍲"),
        ("text", ""),
        ("code", "def soup():  # **not bold**"),
        ("code", '    return "*"'),
        ("rule", "─" * 24),
        ("text", "рецепт (https://example.org/a_b_c) и snake_case_name."),
    ]


@pytest.mark.parametrize("step", range(1, 12))
def test_it_does_not_matter_how_it_comes(step: int) -> None:
    assert read(ANSWER, step) == read(ANSWER)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("a **b** c", [("a ", ()), ("b", ("bold",)), (" c", ())]),
        ("***b***", [("b", ("bold", "italic"))]),
        ("**a *b* c**", [("a ", ("bold",)), ("b", ("bold", "italic")), (" c", ("bold",))]),
        ("`a*b*`", [("a*b*", ("code",))]),
        (r"\*a\*", [("*", ()), ("a", ()), ("*", ())]),
        ("2 ** 3 ** 4", [("2 ** 3 ** 4", ())]),
        ("**открыто", [("**открыто", ())]),
        ("[a](b)", [("a", ()), (" (b)", ("link",))]),
        ("[a](a)", [("a", ())]),
    ],
)
def test_marks_inside_a_line(text: str, spans: list[tuple[str, tuple[str, ...]]]) -> None:
    assert list(read_inline(text)) == [Span(*span) for span in spans]


def test_a_long_paragraph_is_parted_at_the_end_of_a_sentence() -> None:
    sentence = "Это **довольно длинное** предложение о погоде и о природе. "
    text = sentence * 40
    pieces = read(text, 7)
    assert len(pieces) > 3
    assert max(len(piece.text) for piece in pieces) < 500
    assert all(piece.text.endswith(".") for piece in pieces[:-1])
    assert all(piece.soft for piece in pieces[:-1])
    # Put together again it is what was said.
    plain = "".join(piece.text + piece.after for piece in pieces)
    assert plain == text.replace("**", "")


def test_bold_is_not_torn_apart() -> None:
    text = "**" + "Важно! " * 100 + "конец**"
    pieces = read(text)
    assert [span.styles for piece in pieces for span in piece.spans] == [("bold",)]


def test_a_line_without_sentences_is_parted_between_words() -> None:
    pieces = read("слово " * 2000)
    assert max(len(piece.text) for piece in pieces) <= 1600
    assert "".join(piece.text + piece.after for piece in pieces).split() == ["слово"] * 2000


@given(st.text(st.sampled_from("ab*_`~#->.! \n1[]()"), max_size=200), st.integers(1, 9))
def test_nothing_falls_over_and_cuts_change_nothing(text: str, step: int) -> None:
    assert read(text, step) == read(text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="*_`~#->\\[]()+.0123456789\r\n")))
def test_plain_words_stay_what_they_are(text: str) -> None:
    assert "".join(piece.text for piece in read(text)) == text
