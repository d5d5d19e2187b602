"""Reads values as models write them in calls: JSON, Python's literals, Gemma's strings. Pure.

A reader of its own, since Python's parser may end the process on hostile nesting. Only
`BrokenError` and `CutError` come out: the text is no value, or may still become one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

_MAX_DEPTH = 64
_QUOTE = '<|"|>'
_WORDS = {
    "true": True, "True": True, "false": False, "False": False, "null": None, "None": None,
}  # fmt: skip
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,400})?([eE][-+]?[0-9]{1,3})?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_LETTERS = re.compile(r"[A-Za-z0-9]*")
_WORD = re.compile(r"[-+.A-Za-z0-9]+")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


class BrokenError(Exception):
    """The text is no such value."""


class CutError(Exception):
    """The text ends before the value does."""


class Reader:
    """A place in a text."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at

    def skip(self) -> None:
        """White space."""
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def take(self, sign: str) -> bool:
        """Go past `sign` where it comes next. Raises CutError where it may."""
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        rest = self.text[self.at :]
        if len(rest) < len(sign) and sign.startswith(rest):
            raise CutError
        return False

    def need(self, sign: str) -> None:
        """Go past `sign`, which must come next."""
        if not self.take(sign):
            raise BrokenError

    def name(self) -> str:
        """A bare name; a text that ends in one may go on."""
        match = _NAME.match(self.text, self.at)
        if match is None:
            raise CutError if self.at >= len(self.text) else BrokenError
        if match.end() == len(self.text):
            raise CutError
        self.at = match.end()
        return match[0]

    def letters(self) -> str:
        """Letters and digits."""
        match = _LETTERS.match(self.text, self.at)
        if match is None:
            raise BrokenError
        self.at = match.end()
        return match[0]

    def value(self, depth: int = 0) -> object:
        """Any value. Raises BrokenError, CutError."""
        self.skip()
        if depth > _MAX_DEPTH:
            raise BrokenError
        sign = self.text[self.at : self.at + 1]
        if not sign:
            raise CutError
        if sign == "{":
            return self._members(depth)
        if sign == "[":
            return self._items(depth)
        if sign in "\"'<":
            return self._string()
        return self._word()

    def pairs(self, end: str, between: str, depth: int = 0) -> dict[str, object]:
        """`name:value,…` up to and with `end`."""
        found: dict[str, object] = {}
        self.skip()
        while not self.take(end):
            if found:
                self.need(",")
                self.skip()
                if self.take(end):
                    break
            quoted = self.text[self.at : self.at + 1] in ('"', "'", "<")
            name = self._string() if quoted else self.name()
            self.skip()
            self.need(between)
            found[name] = self.value(depth + 1)
            self.skip()
        return found

    def json(self) -> object:
        """A JSON value. Raises BrokenError, CutError."""
        self.skip()
        try:
            value, self.at = _JSON.raw_decode(self.text, self.at)
        except json.JSONDecodeError as error:
            # Only what is wrong at the very end may still become right.
            unended = error.msg.startswith("Unterminated string")
            if unended or len(self.text.rstrip()) <= error.pos + _UNSURE:
                raise CutError from None
            raise BrokenError from None
        except (RecursionError, ValueError):
            raise BrokenError from None
        return value

    def _members(self, depth: int) -> dict[str, object]:
        self.need("{")
        return self.pairs("}", ":", depth)

    def _items(self, depth: int) -> list[object]:
        self.need("[")
        found: list[object] = []
        self.skip()
        while not self.take("]"):
            if found:
                self.need(",")
                self.skip()
                if self.take("]"):
                    break
            found.append(self.value(depth + 1))
            self.skip()
        return found

    def _string(self) -> str:
        if self.take(_QUOTE):
            end = self.text.find(_QUOTE, self.at)
            if end < 0:
                raise CutError
            found, self.at = self.text[self.at : end], end + len(_QUOTE)
            return found
        quote = self.text[self.at]
        if quote == "<":
            raise BrokenError
        return self._quoted(quote)

    def _quoted(self, quote: str) -> str:
        parts: list[str] = []
        at = self.at + 1
        while at < len(self.text) and self.text[at] != quote:
            if self.text[at] != "\\":
                parts.append(self.text[at])
                at += 1
                continue
            letter = self.text[at + 1 : at + 2]
            if letter in ("u", "x"):
                size = 4 if letter == "u" else 2
                digits = self.text[at + 2 : at + 2 + size]
                if len(digits) < size:
                    raise CutError
                if not re.fullmatch(r"[0-9a-fA-F]+", digits):
                    raise BrokenError
                parts.append(chr(int(digits, 16)))
                at += 2 + size
            else:
                parts.append(_ESCAPES.get(letter, letter))
                at += 2
        if at >= len(self.text):
            raise CutError
        self.at = at + 1
        return whole("".join(parts))

    def _word(self) -> object:
        match = _WORD.match(self.text, self.at)
        if match is None:
            raise BrokenError
        if match.end() == len(self.text):
            raise CutError
        self.at = match.end()
        if match[0] in _WORDS:
            return _WORDS[match[0]]
        if not _NUMBER.fullmatch(match[0]):
            raise BrokenError
        return json.loads(match[0])


def valid(arguments: Mapping[str, object]) -> Mapping[str, object]:
    """Arguments that any client can read: no halves of characters. Raises BrokenError for
    numbers beyond all bounds and for what is nested too deep."""
    return {whole(name): _valid(value, 1) for name, value in arguments.items()}


def _valid(value: object, depth: int) -> object:
    if depth > _MAX_DEPTH or (isinstance(value, float) and not math.isfinite(value)):
        raise BrokenError
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, Mapping):
        return {whole(name): _valid(item, depth + 1) for name, item in value.items()}
    return [_valid(item, depth + 1) for item in value] if isinstance(value, list) else value


def whole(text: str) -> str:
    """Escapes may name the halves of a character; what stays half becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _no_constant(name: str) -> object:
    raise ValueError(name)


# Models write line ends inside of strings as they are.
_JSON = json.JSONDecoder(parse_constant=_no_constant, strict=False)
_UNSURE = 6  # `fals` is reported at its first letter, `\\u12` before its digits
