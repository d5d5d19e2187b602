"""One turn of a talk, and one function offered to the model, read from a request. Pure.

Every field is named, typed and bounded: what stands here is handed to a template that a
stranger wrote and to a grammar that native code reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from galosh.worker.fault import WorkerFault

MAX_TOOLS = 128
MAX_NAME_CHARACTERS = 128
_MESSAGE = {"role", "content", "calls", "call_id", "name"}
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


class Call(NamedTuple):
    """A function that the model called in an earlier turn."""

    id: str
    name: str
    arguments: Mapping[str, Any]


class Turn(NamedTuple):
    """call_id, name: whose result a turn of the role `tool` is."""

    role: str
    content: str
    calls: tuple[Call, ...] = ()
    call_id: str = ""
    name: str = ""


class Tool(NamedTuple):
    """A function the model may call. strict: its schema is a promise, or the request fails."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    strict: bool = False

    def told(self) -> dict[str, Any]:
        """As templates expect it: OpenAI's shape."""
        schema = self.parameters or {"type": "object", "properties": {}}
        function = {"name": self.name, "description": self.description, "parameters": schema}
        return {"type": "function", "function": function}


def texts_of(turns: Sequence[Turn], tools: Sequence[Tool] = ()) -> list[str]:
    """Every text in a talk, where only the characters count."""
    found = [turn.content for turn in turns]
    found += [as_json([list(call) for call in turn.calls]) for turn in turns if turn.calls]
    found += [turn.call_id + turn.name for turn in turns if turn.call_id or turn.name]
    return found + [as_json(tool.told()) for tool in tools]


def as_json(value: object) -> str:
    """Short JSON with its characters as they are."""
    return json.dumps(value, ensure_ascii=False)


def changed(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with every text in it changed, names of members too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(name): changed(item, change) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [changed(item, change) for item in value]
    return value


def read_turns(data: object) -> tuple[Turn, ...] | None:
    """The messages of a request; raises WorkerFault worker-option-wrong."""
    if data is None:
        return None
    if not isinstance(data, list) or not data:
        raise wrong("messages", None, "[{role, content}, …]")
    return tuple(_turn(entry) for entry in data)


def read_tools(data: object) -> tuple[Tool, ...]:
    """The functions offered; raises WorkerFault worker-option-wrong."""
    if data is None:
        return ()
    if not isinstance(data, list) or not 1 <= len(data) <= MAX_TOOLS:
        raise wrong("tools", None, f"[1…{MAX_TOOLS}]")
    tools = tuple(_tool(entry) for entry in data)
    if len({tool.name for tool in tools}) != len(tools):
        raise wrong("tools", None, "name ≠ name")
    return tools


def _turn(entry: object) -> Turn:
    if not isinstance(entry, dict) or not {"role", "content"} <= set(entry) <= _MESSAGE:
        raise wrong("messages", None, "[{role, content}, …]")
    role, content = _text(entry, "role"), _text(entry, "content")
    if not 1 <= len(role) <= 64:
        raise wrong("role", role, "1…64")
    calls = entry.get("calls", [])
    if not isinstance(calls, list) or len(calls) > MAX_TOOLS:
        raise wrong("calls", None, f"[0…{MAX_TOOLS}]")
    name = _text(entry, "name") if "name" in entry else ""
    call_id = _text(entry, "call_id") if "call_id" in entry else ""
    return Turn(role, content, tuple(_call(one) for one in calls), call_id, name)


def _call(entry: object) -> Call:
    if not isinstance(entry, dict) or set(entry) != {"id", "name", "arguments"}:
        raise wrong("calls", None, "[{id, name, arguments}, …]")
    if not isinstance(entry["arguments"], dict):
        raise wrong("arguments", None, "{…}")
    return Call(_text(entry, "id"), function_name(entry), entry["arguments"])


def _tool(entry: object) -> Tool:
    known = {"name", "description", "parameters", "strict"}
    if not isinstance(entry, dict) or not set(entry) <= known:
        raise wrong("tools", None, "[{name, description, parameters, strict}, …]")
    parameters, strict = entry.get("parameters"), entry.get("strict", False)
    if parameters is not None and not isinstance(parameters, dict):
        raise wrong("parameters", None, "{…}")
    if not isinstance(strict, bool):
        raise wrong("strict", strict, "true | false")
    described = _text(entry, "description") if "description" in entry else ""
    return Tool(function_name(entry), described, parameters, strict)


def function_name(entry: Mapping[str, Any], field: str = "name") -> str:
    """A name that is safe in every form a call is written in."""
    name = _text(entry, field)
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not set(name) <= _NAME:
        raise wrong(field, len(name), f"[A-Za-z0-9_.-]{{1,{MAX_NAME_CHARACTERS}}}")
    return name


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str):
        raise wrong(name, None, '"…"')
    return value


def wrong(name: str, value: object, expected: str) -> WorkerFault:
    """The fault of a field; `value` is nothing of the user's words."""
    return WorkerFault("worker-option-wrong", name=name, value=value, expected=expected)


def split_calls(turns: Iterable[Turn]) -> list[Turn]:
    """The same talk for a template that knows one call a turn: each before its result."""
    found: list[Turn] = []
    waiting: list[Turn] = []
    for turn in turns:
        if turn.role == "tool" and waiting:
            own = next((one for one in waiting if one.calls[0].id == turn.call_id), waiting[0])
            waiting.remove(own)
            found.append(own)
        else:
            found += waiting
            waiting = []
        if len(turn.calls) > 1:
            one_each = [turn._replace(content="", calls=(call,)) for call in turn.calls]
            waiting = [one_each[0]._replace(content=turn.content), *one_each[1:]]
        else:
            found.append(turn)
    return found + waiting
