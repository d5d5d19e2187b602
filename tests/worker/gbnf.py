"""Reads a grammar as native code does, for tests: does a text fit it as a whole?"""

from __future__ import annotations

from collections.abc import Iterable

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
Item = tuple[str, object, int, int | None]  # kind, what, least, most


class Grammar:
    """Rules as alternatives of sequences of items."""

    def __init__(self, text: str) -> None:
        self._rules: dict[str, list[list[Item]]] = {}
        for line in text.rstrip("\n").split("\n"):
            name, _, body = line.partition(" ::= ")
            alternatives, rest = _alternatives(body)
            assert rest == "", f"{name}: {rest}"
            self._rules[name] = alternatives

    def fits(self, text: str) -> bool:
        """Whether `text` is a whole sentence of the grammar."""
        return len(text) in self._ends(text, self._rules["root"], 0)

    def _ends(self, text: str, alternatives: list[list[Item]], at: int) -> set[int]:
        found: set[int] = set()
        for sequence in alternatives:
            places = {at}
            for item in sequence:
                places = self._repeat(text, item, places)
            found |= places
        return found

    def _repeat(self, text: str, item: Item, places: set[int]) -> set[int]:
        _, _, least, most = item
        reached = set(places) if least == 0 else set()
        count = 0
        while places and (most is None or count < most):
            places = {end for place in places for end in self._one(text, item, place)}
            count += 1
            if count >= least:
                if places <= reached:
                    break
                reached |= places
        return reached

    def _one(self, text: str, item: Item, at: int) -> Iterable[int]:
        kind, what, _, _ = item
        if kind == "literal":
            assert isinstance(what, str)
            return [at + len(what)] if text.startswith(what, at) else []
        if kind == "set":
            assert isinstance(what, tuple)
            negated, ranges = what
            hit = at < len(text) and any(low <= text[at] <= high for low, high in ranges)
            return [at + 1] if at < len(text) and hit != negated else []
        if kind == "rule":
            assert isinstance(what, str)
            return self._ends(text, self._rules[what], at)
        assert isinstance(what, list)
        return self._ends(text, what, at)


def _alternatives(text: str) -> tuple[list[list[Item]], str]:
    found: list[list[Item]] = [[]]
    text = text.lstrip(" ")
    while text and text[0] != ")":
        if text[0] == "|":
            found.append([])
            text = text[1:].lstrip(" ")
            continue
        kind, what, text = _item(text)
        least, most, text = _times(text)
        found[-1].append((kind, what, least, most))
        text = text.lstrip(" ")
    return found, text


def _item(text: str) -> tuple[str, object, str]:
    if text[0] == '"':
        literal, text = "", text[1:]
        while text[0] != '"':
            character, text = _character(text)
            literal += character
        return "literal", literal, text[1:]
    if text[0] == "[":
        return _set(text[1:])
    if text[0] == "(":
        inner, text = _alternatives(text[1:])
        assert text[0] == ")"
        return "group", inner, text[1:]
    size = 0
    while size < len(text) and (text[size].isalnum() or text[size] == "-"):
        size += 1
    assert size, text
    return "rule", text[:size], text[size:]


def _set(text: str) -> tuple[str, object, str]:
    negated = text[0] == "^"
    text = text[negated:]
    ranges: list[tuple[str, str]] = []
    while text[0] != "]":
        low, text = _character(text)
        high = low
        if text[0] == "-" and text[1] != "]":
            high, text = _character(text[1:])
        ranges.append((low, high))
    return "set", (negated, ranges), text[1:]


def _character(text: str) -> tuple[str, str]:
    if text[0] != "\\":
        return text[0], text[1:]
    if text[1] == "x":
        return chr(int(text[2:4], 16)), text[4:]
    assert text[1] in 'ntr\\"[]-'
    return _ESCAPES.get(text[1], text[1]), text[2:]


def _times(text: str) -> tuple[int, int | None, str]:
    marks: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
    if text[:1] in marks and text:
        least, most = marks[text[0]]
        return least, most, text[1:]
    if text[:1] != "{":
        return 1, 1, text
    inside, _, rest = text[1:].partition("}")
    low, comma, high = inside.partition(",")
    return int(low), (int(high) if high else None) if comma else int(low), rest
