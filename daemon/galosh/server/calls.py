"""Calls of functions found in what a model writes, in the form of its family. Pure.

Owns what counts as a call: one that is whole, is well formed and names a function that was
offered. Everything else stays text, in the order it was written; what began like a call and
is none sets `broken`. A call is told when it is whole, so that none has to be taken back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from galosh.server.literals import BrokenError, CutError, Reader, valid
from galosh.server.tools import Call, Tool
from galosh.server.words import Words

# What follows an opener: (name, arguments) … Raises BrokenError, CutError.
Found = list[tuple[str, object]]
Payload = Callable[[Reader, Mapping[str, Tool]], Found]
_MOST_CHARACTERS = 4 * 1024 * 1024
# Up to here a call is read anew with every piece, so that what is none is soon known.
_FEW_CHARACTERS = 64
_END = "\0"


class CallReader:
    """Pieces of an answer in, words and calls out. See the module."""

    def __init__(self, form: str, tools: Sequence[Tool], new_id: Callable[[], str]) -> None:
        self.broken = False
        self._openers, self._closer, self._payload = _FORMS.get(form, _FORMS["plain"])
        self._only_at_start = form == "llama"
        self._tools = {tool.name: tool for tool in tools}
        self._new_id = new_id
        self._held = ""
        self._inside = ""  # the opener of the call that is being read,
        self._gap = ""  # and the white space before it
        self._looked = 0  # how much of what is held was read in vain
        self._wrote = False
        self.called = False

    def feed(self, words: Words) -> Words | None:
        """What can be told by now; None where that is nothing."""
        if not words.text:
            return words
        self._held += words.text
        text, calls = self._collected(last=False)
        if not (text or calls or words.entries or words.thought):
            return None
        return replace(words, text=text, calls=calls)

    def finish(self) -> Words | None:
        """What was held back; a call that never became whole is text."""
        text, calls = self._collected(last=True)
        return Words(text, calls=calls) if text or calls else None

    def _collected(self, *, last: bool) -> tuple[str, tuple[Call, ...]]:
        parts = list(self._parts(last=last))
        text = "".join(part for part in parts if isinstance(part, str))
        return text, tuple(part for part in parts if isinstance(part, Call))

    def _parts(self, *, last: bool) -> Iterator[str | Call]:
        """What is sure by now; with `last`, everything."""
        while True:
            if not self._inside:
                if text := self._up_to_opener(last=last):
                    self._wrote = True
                    yield text
                if not self._inside:
                    return
            if not last and not self._may_be_whole():
                return
            try:
                calls, end = self._read(self._held + (_END if last else ""))
            except CutError:
                self._looked = len(self._held)
                if last:
                    self.broken = True
                    yield self._gap + self._inside + self._held
                return
            except BrokenError:
                self.broken = self._wrote = True
                calls, end = [], 0
                yield self._gap + self._inside
            self.called = self.called or bool(calls)
            self._held, self._inside, self._looked = self._held[end:], "", 0
            yield from calls

    def _up_to_opener(self, *, last: bool) -> str:
        """The text before an opener, which is taken; or as much as is surely none."""
        places = [(at, mark) for mark in self._openers if (at := self._held.find(mark)) >= 0]
        if self._only_at_start:
            blank = len(self._held) - len(self._held.lstrip())
            places = [(at, m) for at, m in places if at == blank and not self._wrote]
        if places:
            place, mark = min(places, key=lambda one: (one[0], -len(one[1])))
            text, self._inside = self._held[:place], mark
            self._held = self._held[place + len(mark) :]
            # The gap between an answer, a call and the next one belongs to none of them.
            self._gap = text[len(text.rstrip()) :]
            return text.rstrip()
        sure = len(self._held) if last else self._surely_text()
        text, self._held = self._held[:sure], self._held[sure:]
        return text if text.strip() or not self.called else ""

    def _surely_text(self) -> int:
        """How much of what is held is surely no part of an opener, nor white space before it."""
        held = self._held
        if self._only_at_start and self._wrote:
            return len(held.rstrip())
        sure = len(held)
        for mark in self._openers:
            longest = min(len(mark) - 1, len(held))
            keep = next((n for n in range(longest, 0, -1) if held.endswith(mark[:n])), 0)
            if self._only_at_start and held[: len(held) - keep].strip():
                keep = 0
            sure = min(sure, len(held) - keep)
        return len(held[:sure].rstrip())

    def _may_be_whole(self) -> bool:
        """Whether reading it again may tell something."""
        start = max(0, self._looked - len(self._closer) + 1)
        return len(self._held) <= _FEW_CHARACTERS or self._closer in self._held[start:]

    def _read(self, text: str) -> tuple[list[Call], int]:
        """The calls after an opener and where they end. Raises BrokenError, CutError."""
        # Where the opener is the beginning of the JSON itself, it is read again.
        lead = self._inside if self._inside.startswith("{") else ""
        reader = Reader(lead + text)
        if len(text) > _MOST_CHARACTERS:
            raise BrokenError
        found = self._payload(reader, self._tools)
        calls = [self._call(name, arguments) for name, arguments in found]
        return calls, reader.at - len(lead)

    def _call(self, name: str, arguments: object) -> Call:
        arguments = {} if arguments is None else arguments
        if isinstance(arguments, str):
            try:
                arguments = Reader(arguments).json()  # some models quote them once more
            except CutError:
                raise BrokenError from None
        if name not in self._tools or not isinstance(arguments, Mapping):
            raise BrokenError
        return Call(self._new_id(), name, valid(arguments))


def _object(value: object) -> tuple[str, object]:
    """Name and arguments in a JSON object."""
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise BrokenError
    if "arguments" not in value and "parameters" not in value:
        raise BrokenError
    return str(value["name"]), value.get("arguments", value.get("parameters"))


def _hermes(reader: Reader, _tools: Mapping[str, Tool]) -> Found:
    found = [_object(reader.json())]
    reader.skip()
    reader.need("</tool_call>")
    return found


def _json(reader: Reader, _tools: Mapping[str, Tool]) -> Found:
    return [_object(reader.json())]


def _json_list(reader: Reader, _tools: Mapping[str, Tool]) -> Found:
    found = reader.json()
    items = found if isinstance(found, list) else [found]
    return [_object(item) for item in items]


def _phi(reader: Reader, tools: Mapping[str, Tool]) -> Found:
    found = _json_list(reader, tools)
    reader.skip()
    reader.take("<|/tool_call|>")
    return found


def _mistral(reader: Reader, tools: Mapping[str, Tool]) -> Found:
    reader.skip()
    if reader.take("["):
        reader.at -= 1
        return _json_list(reader, tools)
    name = reader.name()
    reader.skip()
    if reader.take("[CALL_ID]"):
        reader.letters()
    reader.need("[ARGS]")
    return [(name, reader.json())]


def _pycalls(reader: Reader, _tools: Mapping[str, Tool]) -> Found:
    found: Found = []
    reader.skip()
    reader.need("[")
    reader.skip()
    while not reader.take("]"):
        if found:
            reader.need(",")
            reader.skip()
        name = reader.name()
        reader.need("(")
        found.append((name, reader.pairs(")", "=")))
        reader.skip()
    reader.skip()
    reader.need("<|tool_call_end|>")
    return found


def _gemma(reader: Reader, _tools: Mapping[str, Tool]) -> Found:
    reader.skip()
    reader.need("call:")
    name = reader.name()
    reader.need("{")
    found: Found = [(name, reader.pairs("}", ":"))]
    reader.skip()
    reader.need("<tool_call|>")
    return found


_PARAM = "<param"
_QWEN_PAIR = re.compile(r"\s*<parameter=([^>\n]{1,128})>\n?(.*?)\n?</parameter>", re.DOTALL)
_MINI_PAIR = re.compile(
    r'\s*<param name="([^"\n]{1,128})">(?:<!\[CDATA\[(.*?)\]\]>|(.*?))</param>', re.DOTALL
)


def _qwen(reader: Reader, tools: Mapping[str, Tool]) -> Found:
    reader.skip()
    if reader.text[reader.at : reader.at + 1] == "{":
        return _hermes(reader, tools)
    reader.need("<function=")
    return _tagged(reader, tools, ">", _QWEN_PAIR, "</function>", "</tool_call>")


def _minicpm(reader: Reader, tools: Mapping[str, Tool]) -> Found:
    return _tagged(reader, tools, '">', _MINI_PAIR, "</function>", "")


def _tagged(
    reader: Reader,
    tools: Mapping[str, Tool],
    after_name: str,
    pair: re.Pattern[str],
    *ends: str,
) -> Found:
    """Arguments between tags; what they are is for the function's schema to say."""
    name = reader.name()
    reader.need(after_name)
    arguments: dict[str, object] = {}
    while match := pair.match(reader.text, reader.at):
        written = next(part for part in match.groups()[1:] if part is not None)
        arguments[match[1]] = _typed(tools.get(name), match[1], written)
        reader.at = match.end()
    for end in filter(None, ends):
        reader.skip()
        if not reader.take(end):
            # A tag that is open may be closed yet; anything else is none.
            rest = reader.text[reader.at : reader.at + len(_PARAM)]
            raise CutError if rest and _PARAM.startswith(rest) else BrokenError
    return [(name, arguments)]


def _typed(tool: Tool | None, name: str, written: str) -> object:
    """The value that a text stands for."""
    schema = (tool.parameters or {}) if tool is not None else {}
    named = schema.get("properties")
    one = named.get(name) if isinstance(named, Mapping) else None
    kind = one.get("type") if isinstance(one, Mapping) else None
    if kind == "string":
        return written
    try:
        reader = Reader(written + " ")
        value = reader.value()
        return value if not reader.text[reader.at :].strip() else written
    except (BrokenError, CutError):
        return written


# form: its openers, what a whole call ends with, and how it is read
_FORMS: Mapping[str, tuple[tuple[str, ...], str, Payload]] = {
    "plain": (("<tool_call>",), "</tool_call>", _hermes),
    "hermes": (("<tool_call>",), "</tool_call>", _hermes),
    "qwen": (("<tool_call>",), "</tool_call>", _qwen),
    "minicpm": (('<function name="',), "</function>", _minicpm),
    "phi": (("<|tool_call|>", "functools"), "]", _phi),
    "lfm": (("<|tool_call_start|>",), "<|tool_call_end|>", _pycalls),
    "gemma": (("<|tool_call>",), "<tool_call|>", _gemma),
    "gigachat": (("<|function_call|>",), "}", _json),
    "mistral": (("[TOOL_CALLS]",), "}", _mistral),
    "mistral-id": (("[TOOL_CALLS]",), "}", _mistral),
    "mistral-list": (("[TOOL_CALLS]",), "]", _mistral),
    "llama": (("<|python_tag|>", '{"name"', '{ "name"'), "}", _json),
}
