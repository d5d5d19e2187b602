"""Functions offered to the model, and calls of them in a talk, as checked values. Pure.

OpenAI's shapes; the other dialects are turned into these first. Only GaloshError comes out.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.server import fields
from galosh.server.fields import Json

MAX_TOOLS = 128
MAX_NAME = 128
CHOICES = ("none", "auto", "required")
_MAX_TEXT = 16 * 1024 * 1024
_MAX_DEPTH = 64
_NAME = frozenset(string.ascii_letters + string.digits + "_.-")
# Only functions run in the client; OpenAI's own tools (web_search, …) run on its servers.
_TOOL = frozenset({"type", "function"})
_FUNCTION = frozenset({"name", "description", "parameters", "strict"})


@dataclass(frozen=True)
class Call:
    """A function called by the model: in an earlier turn, or in the answer."""

    id: str
    name: str
    arguments: Mapping[str, object]

    @property
    def text(self) -> str:
        """The arguments as JSON, as OpenAI has them."""
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True)
class Tool:
    """A function that may be called. strict: its schema must be held."""

    name: str
    description: str
    parameters: Mapping[str, object] | None
    strict: bool


@dataclass(frozen=True)
class Tools:
    """What may be called. must: it has to be, only: this one, parallel: several in a row."""

    offered: tuple[Tool, ...]
    must: bool = False
    only: str | None = None
    parallel: bool = True

    @property
    def choice(self) -> object:
        """`tool_choice` as the Responses API tells it back."""
        if self.only is not None:
            return {"type": "function", "name": self.only}
        return "required" if self.must else "auto"

    def options(self) -> dict[str, object]:
        """The worker's fields."""
        told = [
            {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": tool.strict,
            }
            for tool in self.offered
        ]
        return {
            "tools": told,
            "must_call": self.must,
            "call_name": self.only,
            "parallel_calls": self.parallel,
        }


def read_tools(data: Json) -> Tools | None:
    """`tools`, `tool_choice` and `parallel_tool_calls`; None: nothing may be called."""
    found = data.get("tools")
    offered: tuple[Tool, ...] = ()
    if found is not None:
        if not isinstance(found, list) or len(found) > MAX_TOOLS:
            raise fields.wrong("tools", found, say("server.want.tools", high=MAX_TOOLS))
        offered = tuple(_tool(f"tools[{index}]", item) for index, item in enumerate(found))
    names = [tool.name for tool in offered]
    twice = next((index for index, name in enumerate(names) if name in names[:index]), None)
    if twice is not None:
        raise fields.wrong(f"tools[{twice}].function.name", names[twice], say("server.want.once"))
    must, only = _choice(data, names)
    # Small models that have to call would call on and on until their words are spent.
    given = data.get("parallel_tool_calls")
    parallel = not must if given is None else fields.flag(data, "parallel_tool_calls")
    if not offered or data.get("tool_choice") == "none":
        return None
    return Tools(offered, must, only, parallel)


def _choice(data: Json, names: Sequence[str]) -> tuple[bool, str | None]:
    """Whether something must be called, and which function alone."""
    choice = data.get("tool_choice")
    if isinstance(choice, Mapping):
        fields.only(choice, _TOOL, "tool_choice.")
        function = fields.table(choice, "function")
        fields.only(function, frozenset({"name"}), "tool_choice.function.")
        name = function.get("name")
        if choice.get("type") != "function" or not isinstance(name, str) or name not in names:
            expected = say("server.want.known", names=", ".join(names[:8]) or "–")
            raise fields.wrong("tool_choice.function.name", name, expected)
        return True, name
    word = fields.one_of(data, "tool_choice", CHOICES)
    if word == "required" and not names:
        raise fields.wrong("tools", data.get("tools"), say("server.want.tools", high=MAX_TOOLS))
    return word == "required", None


def _tool(place: str, item: object) -> Tool:
    data = fields.checked_table(place, item)
    kind = data.get("type", "function")
    if isinstance(kind, str) and kind != "function":
        reason = say("server.cannot.own_tools")
        raise GaloshError("server-unsupported", field=f"{place}.type", reason=reason)
    fields.only(data, _TOOL, f"{place}.")
    function = fields.checked_table(f"{place}.function", data.get("function"))
    fields.only(function, _FUNCTION, f"{place}.function.")
    parameters = function.get("parameters")
    if parameters is not None:
        parameters = fields.checked_table(f"{place}.function.parameters", parameters)
        check_json(f"{place}.function.parameters", parameters)
    return Tool(
        checked_name(f"{place}.function.name", function.get("name")),
        fields.text(function, "description", 0, _MAX_TEXT) or "",
        parameters,
        fields.flag(function, "strict"),
    )


def checked_name(place: str, value: object) -> str:
    """A function's name: safe in every form that a model writes calls in."""
    good = isinstance(value, str) and 1 <= len(value) <= MAX_NAME and set(value) <= _NAME
    if not good or not isinstance(value, str):
        raise fields.wrong(place, value, say("server.want.name", high=MAX_NAME))
    return value


def read_calls(place: str, found: object) -> tuple[Call, ...]:
    """An assistant's `tool_calls`."""
    if found is None:
        return ()
    if not isinstance(found, list) or len(found) > MAX_TOOLS:
        raise fields.wrong(place, found, say("server.want.tools", high=MAX_TOOLS))
    return tuple(_call(f"{place}[{index}]", item) for index, item in enumerate(found))


def _call(place: str, item: object) -> Call:
    data = fields.checked_table(place, item)
    fields.only(data, frozenset({"id", "type", "function", "index"}), f"{place}.")
    function = fields.checked_table(f"{place}.function", data.get("function"))
    fields.only(function, frozenset({"name", "arguments"}), f"{place}.function.")
    spot = f"{place}.function.arguments"
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        arguments = _parsed(spot, fields.checked_text(spot, arguments, 0, _MAX_TEXT))
    arguments = fields.checked_table(spot, {} if arguments is None else arguments)
    check_json(spot, arguments)
    name = checked_name(f"{place}.function.name", function.get("name"))
    return Call(fields.text(data, "id", 0, MAX_NAME) or "", name, arguments)


def _parsed(place: str, text: str) -> object:
    try:
        return json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise fields.wrong(place, text, say("server.want.arguments")) from None


def check_json(place: str, value: object, depth: int = 0) -> None:
    """Not deeper than templates can walk, and of valid Unicode."""
    if depth > _MAX_DEPTH:
        raise fields.wrong(place, None, say("server.want.shallow", high=_MAX_DEPTH))
    if isinstance(value, str):
        fields.checked_text(place, value, 0, _MAX_TEXT)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            fields.checked_text(place, name, 0, _MAX_TEXT)
            check_json(place, item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            check_json(place, item, depth + 1)
