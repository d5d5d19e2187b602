"""A talk with functions in it, in the shape that a chat template expects. Pure.

Owns what a template gets to see: messages and `tools` as OpenAI has them, arguments as
objects; or, for a template that does not know functions, a paragraph and plain turns. The
texts it is given are already free of markers; only the marks of the form are added here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from galosh.worker.tool_form import Form, response
from galosh.worker.turn import Tool, Turn, as_json, split_calls

_PARAGRAPH = """You may call functions. Each is described by its name and a JSON schema:

<tools>
{tools}
</tools>

To call one, write only this, several times for several calls, and nothing after it:

<tool_call>
{{"name": "NAME", "arguments": {{…}}}}
</tool_call>

The results will be given to you between <tool_response> and </tool_response>. If no function \
is needed, answer as usual."""
_NINE = re.compile(r"[A-Za-z0-9]{9}")


class Told(NamedTuple):
    """What a template is rendered with."""

    messages: list[dict[str, Any]]
    more: Mapping[str, Any]


def told(form: Form, template: str, turns: Sequence[Turn], tools: Sequence[Tool]) -> Told:
    """The talk for a template of this form."""
    if not form.teaches:
        return Told(_plain(form, turns), {"tools": None})
    known = split_calls(turns) if form.single else list(turns)
    messages = [_message(form, template, turn) for turn in known]
    if "tool_responses" in template and "!= 'tool'" not in template:
        messages = _folded(messages)
    more: dict[str, Any] = {"tools": [tool.told() for tool in tools] or None}
    if "xml_tools" in template:
        more["xml_tools"] = more["tools"]
    if form.name == "phi" and tools:
        messages = _with_system_tools(messages, tools)
    return Told(messages, more)


def taught(turns: Sequence[Turn], tools: Sequence[Tool]) -> list[Turn]:
    """For templates that know no functions: the talk with a paragraph about them at the end of
    its system text."""
    listed = "\n".join(as_json(tool.told()["function"]) for tool in tools)
    paragraph = _PARAGRAPH.format(tools=listed)
    if turns and turns[0].role == "system":
        led = turns[0]._replace(content=f"{turns[0].content}\n\n{paragraph}")
        return [led, *turns[1:]]
    return [Turn("system", paragraph), *turns]


def _message(form: Form, template: str, turn: Turn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.calls and form.write is not None and "tool_calls" not in template:
        message["content"] = "\n".join(filter(None, (turn.content, form.write(turn.calls))))
    elif turn.calls:
        message["tool_calls"] = [
            {
                "id": _id(form, call.id),
                "type": "function",
                "function": {"name": call.name, "arguments": dict(call.arguments)},
            }
            for call in turn.calls
        ]
    if turn.role == "tool":
        message["name"] = turn.name
        message["tool_call_id"] = _id(form, turn.call_id)
        if form.name == "phi":
            message["role"] = "tool_response"  # `tool` marks what may be called there
    return message


def _id(form: Form, given: str) -> str:
    """Mistral's templates take nothing but nine letters and digits."""
    if not form.name.startswith("mistral") or _NINE.fullmatch(given):
        return given
    return hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:9]


def _plain(form: Form, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Calls as text, results as words of the user; a turn beside a result is one with it,
    since many templates refuse two turns of one role."""
    found: list[dict[str, Any]] = []
    after_result = False
    for turn in turns:
        content, role = turn.content, turn.role
        if turn.calls and form.write is not None:
            content = "\n".join(filter(None, (content, form.write(turn.calls))))
        if turn.role == "tool":
            content, role = response(content), "user"
        if after_result and role == "user":
            found[-1]["content"] += "\n" + content
        else:
            found.append({"role": role, "content": content})
        after_result = turn.role == "tool"
    return found


def _with_system_tools(
    messages: list[dict[str, Any]], tools: Sequence[Tool]
) -> list[dict[str, Any]]:
    """Phi's template reads the functions from the system message."""
    listed = as_json([tool.told()["function"] for tool in tools])
    if messages and messages[0]["role"] == "system":
        return [{**messages[0], "tools": listed}, *messages[1:]]
    return [{"role": "system", "content": "", "tools": listed}, *messages]


def _folded(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Gemma's template reads results from the message that asked for them."""
    found: list[dict[str, Any]] = []
    for message in messages:
        asked = found[-1] if found else {}
        if message["role"] == "tool" and asked.get("tool_calls"):
            one = {"name": message["name"], "response": message["content"]}
            asked.setdefault("tool_responses", []).append(one)
        else:
            found.append(message)
    return found
