"""The turns of a talk as checked values. Pure; OpenAI's shapes, see `requests`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.server import fields
from galosh.server.fields import Json
from galosh.server.tools import MAX_NAME, Call, read_calls

_MAX_TEXT = 16 * 1024 * 1024
_MAX_MESSAGES = 4096
_ROLES = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
    "tool": "tool",
}  # fmt: skip
# What a model thought in earlier turns is not told to it again.
_MESSAGE = frozenset(
    {
        "role", "content", "name", "refusal", "annotations", "reasoning_content", "audio",
        "tool_calls", "tool_call_id", "function_call",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Message:
    """One turn of a talk; role is system, user, assistant or tool. call_id, name: whose
    result a turn of the role `tool` is."""

    role: str
    content: str
    calls: tuple[Call, ...] = ()
    call_id: str = ""
    name: str = ""

    def to_json(self) -> dict[str, object]:
        """As the worker reads it."""
        told: dict[str, object] = {"role": self.role, "content": self.content}
        if self.calls:
            told["calls"] = [
                {"id": call.id, "name": call.name, "arguments": call.arguments}
                for call in self.calls
            ]
        if self.role == "tool":
            told |= {"call_id": self.call_id, "name": self.name}
        return told


def read_messages(data: Json) -> tuple[Message, ...]:
    """The talk of a request. Raises GaloshError `server-bad-request`, `server-unsupported`."""
    found = data.get("messages")
    if not isinstance(found, list) or not 1 <= len(found) <= _MAX_MESSAGES:
        expected = say("server.want.messages", low=1, high=_MAX_MESSAGES)
        raise fields.wrong("messages", found, expected)
    return _with_names([_message(f"messages[{index}]", item) for index, item in enumerate(found)])


def _message(place: str, item: object) -> Message:
    data = fields.checked_table(place, item)
    fields.refuse(data, "function_call", "server.cannot.functions")
    fields.refuse(data, "audio", "server.cannot.media")
    fields.only(data, _MESSAGE, f"{place}.")
    role = data.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        expected = say("server.want.known", names=", ".join(_ROLES))
        raise fields.wrong(f"{place}.role", role, expected)
    calls = read_calls(f"{place}.tool_calls", data.get("tool_calls"))
    if calls and role != "assistant":
        raise fields.wrong(f"{place}.tool_calls", data["tool_calls"], say("server.want.nothing"))
    named = {"call_id": fields.text(data, "tool_call_id", 0, MAX_NAME) or "",
             "name": fields.text(data, "name", 0, MAX_NAME) or ""}  # fmt: skip
    content = _content(f"{place}.content", role, data.get("content"))
    return Message(_ROLES[role], content, calls, **(named if role == "tool" else {}))


def _with_names(talk: list[Message]) -> tuple[Message, ...]:
    """The talk with every result told whose it is: by its id, or by its place."""
    found: list[Message] = []
    waiting: list[Call] = []
    for turn in talk:
        if turn.calls:
            waiting = list(turn.calls)
        if turn.role == "tool" and waiting:
            same = [call for call in waiting if call.id == turn.call_id and call.id]
            own = (same or [call for call in waiting if call.name == turn.name] or waiting)[0]
            waiting.remove(own)
            turn = replace(turn, call_id=turn.call_id or own.id, name=turn.name or own.name)
        found.append(turn)
    return tuple(found)


def _content(place: str, role: str, value: object) -> str:
    if value is None and role == "assistant":
        return ""
    if isinstance(value, str):
        return fields.checked_text(place, value, 0, _MAX_TEXT)
    if not isinstance(value, list):
        raise fields.wrong(place, value, say("server.want.content"))
    parts: list[str] = []
    for index, part in enumerate(value):
        spot = f"{place}[{index}]"
        found = fields.checked_table(spot, part)
        kind = found.get("type")
        if isinstance(kind, str) and kind != "text":
            raise GaloshError(
                "server-unsupported", field=f"{spot}.type", reason=say("server.cannot.media")
            )
        if kind != "text":
            raise fields.wrong(f"{spot}.type", kind, say("server.want.known", names="text"))
        parts.append(fields.checked_text(f"{spot}.text", found.get("text"), 0, _MAX_TEXT))
    return "".join(parts)
