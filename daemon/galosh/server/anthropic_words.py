"""Anthropic's Messages API: requests into our checked values, answers into its words. Pure.

Source: Anthropic's API reference, version 2023-06-01 (`/v1/messages`, its stream events and
its errors). What galosh cannot do is refused by name, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.server import fields, replies
from galosh.server.fields import Json
from galosh.server.requests import Question, parse_chat
from galosh.server.tools import MAX_TOOLS, Call
from galosh.server.words import Words
from galosh.supervisor.request import Done, Notice, Started

_KNOWN = frozenset(
    {
        "model", "messages", "max_tokens", "system", "stop_sequences", "stream", "temperature",
        "top_k", "top_p", "metadata", "tools", "tool_choice", "thinking", "service_tier",
        "container", "context_management", "betas", "truncate",
    }
)  # fmt: skip
_PASSED = ("model", "max_tokens", "temperature", "top_k", "top_p", "stream", "truncate")
_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error",
    503: "overloaded_error",
}  # fmt: skip
_REASONS = {"length": "max_tokens", "tool_calls": "tool_use"}
# What Anthropic lets a client say of a tool beside its shape: caching, how it is shown.
_TOOL = frozenset({"name", "description", "input_schema", "type", "strict", "cache_control",
                   "input_examples", "defer_loading", "allowed_callers",
                   "eager_input_streaming"})  # fmt: skip
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def parse_message(data: Json) -> Question:
    """`POST /v1/messages`. Raises GaloshError `server-bad-request`, `server-unsupported`."""
    fields.only(data, _KNOWN)
    thinking = fields.table(data, "thinking")
    if thinking.get("type") not in (None, "enabled", "disabled", "adaptive"):
        expected = say("server.want.known", names="enabled, disabled, adaptive")
        raise fields.wrong("thinking.type", thinking.get("type"), expected)
    if fields.integer(data, "max_tokens", 1, 1_048_576) is None:
        raise fields.wrong("max_tokens", None, say("server.want.integer", low=1, high=1_048_576))
    asked: dict[str, object] = {name: data[name] for name in _PASSED if data.get(name) is not None}
    asked["stop"] = data.get("stop_sequences")
    asked["messages"] = _talk(data)
    if thinking.get("type") is not None:
        asked["think"] = thinking["type"] != "disabled"
    return parse_chat(asked | _tools(data))


def _tools(data: Json) -> dict[str, object]:
    """`tools` and `tool_choice` in OpenAI's words."""
    found = data.get("tools")
    if found is None and data.get("tool_choice") is None:
        return {}
    if found is not None and not isinstance(found, list):
        raise fields.wrong("tools", found, say("server.want.tools", high=MAX_TOOLS))
    asked: dict[str, object] = {
        "tools": [_tool(f"tools[{index}]", item) for index, item in enumerate(found or [])]
    }
    choice = fields.table(data, "tool_choice")
    known = frozenset({"type", "name", "disable_parallel_tool_use"})
    fields.only(choice, known, "tool_choice.")
    if choice.get("type") == "tool":
        asked["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
    elif choice:
        word = fields.one_of(choice, "type", tuple(_CHOICES))
        asked["tool_choice"] = _CHOICES[word or "auto"]
    if choice.get("disable_parallel_tool_use") is not None:
        asked["parallel_tool_calls"] = not fields.flag(choice, "disable_parallel_tool_use")
    return asked


def _tool(place: str, item: object) -> dict[str, object]:
    data = fields.checked_table(place, item)
    if data.get("type") not in (None, "custom"):
        reason = say("server.cannot.own_tools")
        raise GaloshError("server-unsupported", field=f"{place}.type", reason=reason)
    fields.only(data, _TOOL, f"{place}.")
    function = {"name": data.get("name"), "description": data.get("description"),
                "parameters": data.get("input_schema"), "strict": data.get("strict")}  # fmt: skip
    return {"type": "function", "function": function}


def _talk(data: Json) -> list[object]:
    found = data.get("messages")
    if not isinstance(found, list) or not found:
        raise fields.wrong("messages", found, say("server.want.messages", low=1, high=4096))
    talk: list[object] = []
    if data.get("system"):
        talk.append({"role": "system", "content": _content("system", data["system"])})
    for index, item in enumerate(found):
        place = f"messages[{index}]"
        turn = fields.checked_table(place, item)
        fields.only(turn, frozenset({"role", "content"}), f"{place}.")
        if turn.get("role") not in ("user", "assistant"):
            expected = say("server.want.known", names="user, assistant")
            raise fields.wrong(f"{place}.role", turn.get("role"), expected)
        talk += _turns(f"{place}.content", str(turn["role"]), turn.get("content"))
    return talk


def _turns(place: str, role: str, value: object) -> list[object]:
    """One message in OpenAI's words: results become turns of their own, before what is said."""
    blocks = value if isinstance(value, list) else []
    results: list[object] = []
    calls: list[object] = []
    said: list[object] = []
    for index, block in enumerate(blocks):
        found, spot = fields.checked_table(f"{place}[{index}]", block), f"{place}[{index}]"
        if found.get("type") == "tool_result":
            results.append(_result(spot, found))
        elif found.get("type") == "tool_use":
            arguments = fields.checked_table(f"{spot}.input", found.get("input"))
            function = {"name": found.get("name"), "arguments": arguments}
            calls.append({"id": found.get("id"), "type": "function", "function": function})
        else:
            said.append(block)
    turn: dict[str, object] = {"role": role, "content": _content(place, said if blocks else value)}
    if calls:
        turn["tool_calls"] = calls
    return results if results and not said else [*results, turn]


def _result(place: str, found: Json) -> dict[str, object]:
    content = found.get("content")
    content = "" if content is None else _content(f"{place}.content", content)
    if fields.flag(found, "is_error"):
        # The other dialects have no field for it, and the templates no word.
        text = content if isinstance(content, str) else _joined(content)
        content = f"Error: {text}"
    return {"role": "tool", "tool_call_id": found.get("tool_use_id"), "content": content}


def _joined(parts: object) -> str:
    found = parts if isinstance(parts, list) else []
    return "".join(str(part.get("text")) for part in found if isinstance(part, dict))


def _content(place: str, value: object) -> object:
    """A text as it is; blocks without the marks that say only how to cache or cite them."""
    if not isinstance(value, list):
        return value
    parts: list[object] = []
    for index, block in enumerate(value):
        found = fields.checked_table(f"{place}[{index}]", block)
        if found.get("type") not in ("thinking", "redacted_thinking"):
            parts.append({"type": found.get("type"), "text": found.get("text")})
    return parts


class MessageDialect:
    """See answering.Dialect. `answer_id` is told back in every event that names the answer."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, answer_id: str) -> None:
        self._id = answer_id
        self._model_id = ""
        self._prompt_tokens = self._cached_tokens = 0
        self._block, self._index = "", -1
        self._told: list[Mapping[str, object]] = []

    def begin(self, started: Started) -> bytes:
        """See Dialect."""
        self._model_id = started.model_id
        self._prompt_tokens, self._cached_tokens = started.prompt_tokens, started.cached_tokens
        return _event("message_start", {"message": self._message([], None, 0, None)})

    def piece(self, words: Words) -> bytes:
        """See Dialect."""
        told = b""
        if words.thought:
            told += self._open("thinking")
            told += self._delta({"type": "thinking_delta", "thinking": words.thought})
        if words.text:
            told += self._open("text")
            told += self._delta({"type": "text_delta", "text": words.text})
        for call in words.calls:
            told += self._open("tool_use", _use(call) | {"input": {}})
            told += self._delta({"type": "input_json_delta", "partial_json": call.text})
        return told

    def notice(self, notice: Notice) -> bytes:
        """See Telling; told at the end, beside what was cut."""
        self._told.append(notice.to_json())
        return b""

    def end(self, done: Done) -> bytes:
        """See Dialect."""
        reason, stop = _reason(done)
        delta = {"stop_reason": reason, "stop_sequence": stop}
        usage = {"output_tokens": done.completion_tokens}
        return (
            (b"" if self._block else self._open("text"))
            + _event("content_block_stop", {"index": self._index})
            + _event("message_delta", {"delta": delta, "usage": usage} | self._beside(done))
            + _event("message_stop", {})
        )

    def failure(self, error: GaloshError) -> bytes:
        """See Dialect."""
        return _event("error", error_body(error))

    def whole(self, words: Words, done: Done) -> Mapping[str, object]:
        """See Dialect."""
        blocks: list[dict[str, object]] = [{"type": "text", "text": words.text}]
        if words.calls and not words.text:
            blocks.clear()
        blocks += [_use(call) | {"input": dict(call.arguments)} for call in words.calls]
        if words.thought:
            blocks.insert(0, {"type": "thinking", "thinking": words.thought, "signature": ""})
        reason, stop = _reason(done)
        return self._message(blocks, reason, done.completion_tokens, stop) | self._beside(done)

    def _beside(self, done: Done) -> dict[str, object]:
        return replies.beside(done.dropped_messages, done.dropped_tokens, self._told)

    def _open(self, kind: str, block: Mapping[str, object] | None = None) -> bytes:
        """A block of this kind, unless it is the one that is being written; every call has a
        block of its own."""
        if self._block == kind and block is None:
            return b""
        ended = _event("content_block_stop", {"index": self._index}) if self._block else b""
        self._block, self._index = kind, self._index + 1
        block = {"type": kind, kind: ""} if block is None else block
        return ended + _event("content_block_start", {"index": self._index, "content_block": block})

    def _delta(self, delta: Mapping[str, str]) -> bytes:
        return _event("content_block_delta", {"index": self._index, "delta": delta})

    def _message(
        self,
        content: list[dict[str, object]],
        reason: str | None,
        completion_tokens: int,
        stop: str | None,
    ) -> dict[str, object]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model_id,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": stop,
            "usage": {
                "input_tokens": self._prompt_tokens - self._cached_tokens,
                "cache_read_input_tokens": self._cached_tokens,
                "cache_creation_input_tokens": 0,
                "output_tokens": completion_tokens,
            },
        }


def error_body(error: GaloshError) -> dict[str, object]:
    """An error in Anthropic's shape, ours whole beside it."""
    status = error.http_status
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    told = {"type": kind, "message": str(error), "galosh": error.to_json()}
    return {"type": "error", "error": told}


def _event(name: str, value: Mapping[str, object]) -> bytes:
    return b"event: " + name.encode() + b"\n" + replies.sse({"type": name, **value})


def _reason(done: Done) -> tuple[str, str | None]:
    """Why it ended, and which stop sequence ended it."""
    if done.stop_string is not None:
        return "stop_sequence", done.stop_string
    return _REASONS.get(done.finish_reason, "end_turn"), None


def _use(call: Call) -> dict[str, object]:
    """A call as Anthropic has it, without its input."""
    return {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name}
