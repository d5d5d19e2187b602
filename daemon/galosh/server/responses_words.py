"""OpenAI's Responses API: requests into our checked values, answers into its words. Pure.

Source: OpenAI's API reference (`/v1/responses` and its stream events). galosh keeps no
answers for later requests, so `store` changes nothing and `previous_response_id` is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.server import fields, replies
from galosh.server.fields import Json
from galosh.server.requests import Question, parse_chat
from galosh.server.tools import Call, Tool
from galosh.server.words import Words, joined
from galosh.supervisor.request import Done, Notice, Started

_IGNORED = frozenset(
    {
        "store", "metadata", "user", "service_tier", "include",
        "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
        "stream_options", "reasoning", "background", "max_tool_calls", "top_logprobs",
    }
)  # fmt: skip
_PASSED = ("model", "temperature", "top_p", "top_k", "min_p", "seed", "stream")
_KNOWN = _IGNORED | frozenset(_PASSED) | {
    "input", "instructions", "max_output_tokens", "text", "tools", "tool_choice",
    "parallel_tool_calls",
    "previous_response_id", "conversation", "prompt", "truncation",
}  # fmt: skip
_MARKS = {"message": "msg", "reasoning": "rs"}
_CALLS = ("function_call", "function_call_output")
_TEXTS = ("input_text", "output_text", "text")


def parse_response(data: Json) -> Question:
    """`POST /v1/responses`. Raises GaloshError `server-bad-request`, `server-unsupported`."""
    fields.only(data, _KNOWN)
    fields.refuse(data, "background", "server.cannot.background", (False,))
    fields.refuse(data, "top_logprobs", "server.cannot.logprobs", (0,))
    for name in ("previous_response_id", "conversation", "prompt"):
        fields.refuse(data, name, "server.cannot.remember")
    asked: dict[str, object] = {name: data[name] for name in _PASSED if data.get(name) is not None}
    asked["max_tokens"] = data.get("max_output_tokens")
    asked["messages"] = _talk(data)
    if data.get("truncation") not in (None, "auto", "disabled"):
        expected = say("server.want.known", names="auto, disabled")
        raise fields.wrong("truncation", data["truncation"], expected)
    asked["truncate"] = data.get("truncation") == "auto"
    asked |= _tools(data)
    form = fields.table(fields.table(data, "text"), "format")
    if form.get("type") == "json_schema":
        schema = {name: value for name, value in form.items() if name != "type"}
        asked["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif form:
        asked["response_format"] = dict(form)
    return parse_chat(asked)


def _tools(data: Json) -> dict[str, object]:
    """The Responses API tells a function without the box around it."""
    found, choice = data.get("tools"), data.get("tool_choice")
    asked: dict[str, object] = {"parallel_tool_calls": data.get("parallel_tool_calls")}
    if isinstance(found, list):
        asked["tools"] = [_boxed(f"tools[{index}]", item) for index, item in enumerate(found)]
    elif found is not None:
        asked["tools"] = found
    if isinstance(choice, Mapping):
        fields.only(choice, frozenset({"type", "name"}), "tool_choice.")
        choice = {"type": choice.get("type"), "function": {"name": choice.get("name")}}
    return asked | ({} if choice is None else {"tool_choice": choice})


def _boxed(place: str, item: object) -> dict[str, object]:
    data = fields.checked_table(place, item)
    function = {name: value for name, value in data.items() if name != "type"}
    return {"type": data.get("type"), "function": function}


def _call(place: str, found: Json) -> dict[str, object]:
    """An item that calls, or the result of one, as a turn."""
    if found.get("type") == "function_call_output":
        content = _content(f"{place}.output", found.get("output"))
        return {"role": "tool", "tool_call_id": found.get("call_id"), "content": content}
    function = {"name": found.get("name"), "arguments": found.get("arguments")}
    call = {"id": found.get("call_id"), "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _talk(data: Json) -> list[object]:
    talk: list[object] = []
    instructions = fields.text(data, "instructions", 0, 16 * 1024 * 1024)
    if instructions:
        talk.append({"role": "system", "content": instructions})
    given = data.get("input")
    if isinstance(given, str):
        return [*talk, {"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise fields.wrong("input", given, say("server.want.content"))
    for index, item in enumerate(given):
        place = f"input[{index}]"
        found = fields.checked_table(place, item)
        kind = found.get("type", "message")
        if kind == "reasoning":
            continue
        if kind in _CALLS:
            turn = _call(place, found)
            before = talk[-1] if talk else None
            if kind == "function_call" and isinstance(before, dict) and before.get("tool_calls"):
                before["tool_calls"] += turn["tool_calls"]  # several calls are one turn
            else:
                talk.append(turn)
            continue
        if kind != "message":
            reason = say("server.cannot.own_tools")
            raise GaloshError("server-unsupported", field=f"{place}.type", reason=reason)
        content = _content(f"{place}.content", found.get("content"))
        talk.append({"role": found.get("role"), "content": content})
    return talk


def _content(place: str, value: object) -> object:
    if not isinstance(value, list):
        return value
    parts = []
    for index, part in enumerate(value):
        found = fields.checked_table(f"{place}[{index}]", part)
        kind = found.get("type")
        parts.append({"type": "text" if kind in _TEXTS else kind, "text": found.get("text")})
    return parts


class ResponseDialect:
    """See answering.Dialect."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, mark: str, created: int, question: Question) -> None:
        """mark: what makes the ids of this answer its own."""
        self._mark = mark
        self._created = created
        self._question = question
        self._model_id = ""
        self._number = -1
        self._parts: list[Words] = []
        self._told: list[Mapping[str, object]] = []
        self._kind, self._index = "", -1

    def begin(self, started: Started) -> bytes:
        """See Dialect."""
        self._model_id = started.model_id
        response = self._response("in_progress", [], None)
        return self._event("response.created", {"response": response}) + self._event(
            "response.in_progress", {"response": response}
        )

    def piece(self, words: Words) -> bytes:
        """See Dialect."""
        self._parts.append(words)
        told = b""
        if words.thought:
            told += self._open("reasoning")
            facts = self._place() | {"delta": words.thought}
            told += self._event("response.reasoning_text.delta", facts)
        if words.text:
            told += self._open("message")
            facts = self._place() | {"delta": words.text, "logprobs": []}
            told += self._event("response.output_text.delta", facts)
        for call in words.calls:
            told += self._told_call(call)
        return told

    def notice(self, notice: Notice) -> bytes:
        """See Telling; told at the end, beside what was cut."""
        self._told.append(notice.to_json())
        return b""

    def _told_call(self, call: Call) -> bytes:
        """The events of one call."""
        closed = self._close("completed") if self._kind else b""
        self._kind, self._index = "", self._index + 1
        place = {"item_id": f"fc_{call.id}", "output_index": self._index}
        opened = {"output_index": self._index, "item": _call_item(call, "in_progress", "")}
        whole = {"output_index": self._index, "item": _call_item(call, "completed", call.text)}
        name = "response.function_call_arguments"
        return (
            closed
            + self._event("response.output_item.added", opened)
            + self._event(f"{name}.delta", place | {"delta": call.text})
            + self._event(f"{name}.done", place | {"arguments": call.text, "name": call.name})
            + self._event("response.output_item.done", whole)
        )

    def end(self, done: Done) -> bytes:
        """See Dialect."""
        whole = self.whole(joined(self._parts), done)
        silent = not any(words.text or words.calls for words in self._parts)
        told = self._open("message") if silent else b""
        told += self._close(_status(done)) if self._kind else b""
        final = "response.completed" if _status(done) == "completed" else "response.incomplete"
        return told + self._event(final, {"response": whole})

    def _open(self, kind: str) -> bytes:
        """The item that words of this kind belong to, unless it is being written."""
        if self._kind == kind:
            return b""
        closed = self._close("completed") if self._kind else b""
        self._kind, self._index = kind, self._index + 1
        item = {"output_index": self._index, "item": self._item(kind, "in_progress", None)}
        part = self._place() | {"part": _part(kind, "")}
        return (
            closed
            + self._event("response.output_item.added", item)
            + self._event("response.content_part.added", part)
        )

    def _close(self, status: str) -> bytes:
        """The item that is being written is whole."""
        kind, words = self._kind, joined(self._parts)
        text = words.thought if kind == "reasoning" else words.text
        name = (
            "response.reasoning_text.done" if kind == "reasoning" else "response.output_text.done"
        )
        logprobs: dict[str, object] = {} if kind == "reasoning" else {"logprobs": []}
        item = {"output_index": self._index, "item": self._item(kind, status, text)}
        return (
            self._event(f"response.{name}.done", self._place() | {"text": text} | logprobs)
            + self._event("response.content_part.done", self._place() | {"part": _part(kind, text)})
            + self._event("response.output_item.done", item)
        )

    def failure(self, error: GaloshError) -> bytes:
        """See Dialect."""
        response = self._response("failed", [], None)
        response["error"] = {"code": "server_error", "message": str(error)}
        return self._event("response.failed", {"response": response})

    def whole(self, words: Words, done: Done) -> dict[str, object]:
        """See Dialect."""
        self._model_id = done.model_id
        output = [self._item("message", _status(done), words.text)]
        if words.calls and not words.text:
            output.clear()
        output += [_call_item(call, "completed", call.text) for call in words.calls]
        if words.thought:
            output.insert(0, self._item("reasoning", "completed", words.thought))
        response = self._response(_status(done), output, done)
        response |= replies.beside(done.dropped_messages, done.dropped_tokens, self._told)
        if done.finish_reason == "length":
            response["incomplete_details"] = {"reason": "max_output_tokens"}
        return response

    def _event(self, name: str, facts: Mapping[str, object]) -> bytes:
        self._number += 1
        value = {"type": name, "sequence_number": self._number, **facts}
        return b"event: " + name.encode() + b"\n" + replies.sse(value)

    def _place(self) -> dict[str, object]:
        name = f"{_MARKS[self._kind]}_{self._mark}"
        return {"item_id": name, "output_index": self._index, "content_index": 0}

    def _item(self, kind: str, status: str, text: str | None) -> dict[str, object]:
        item: dict[str, object] = {
            "type": kind,
            "id": f"{_MARKS[kind]}_{self._mark}",
            "status": status,
            "content": [] if text is None else [_part(kind, text)],
        }
        item["summary" if kind == "reasoning" else "role"] = (
            [] if kind == "reasoning" else "assistant"
        )
        return item

    def _response(
        self, status: str, output: list[dict[str, object]], done: Done | None
    ) -> dict[str, object]:
        sampling, tools = self._question.sampling, self._question.tools
        return {
            "id": f"resp_{self._mark}",
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "max_output_tokens": self._question.max_tokens,
            "model": self._model_id,
            "output": output,
            "parallel_tool_calls": tools is None or tools.parallel,
            "previous_response_id": None,
            "store": False,
            "temperature": sampling.get("temperature"),
            "top_p": sampling.get("top_p"),
            "text": {"format": {"type": "text"}},
            "tool_choice": "none" if tools is None else tools.choice,
            "tools": [] if tools is None else [_told_tool(tool) for tool in tools.offered],
            "truncation": "auto" if self._question.options.get("truncate") else "disabled",
            "metadata": {},
            "usage": None if done is None else _usage(done),
        }


def _call_item(call: Call, status: str, arguments: str) -> dict[str, object]:
    return {"type": "function_call", "id": f"fc_{call.id}", "call_id": f"call_{call.id}",
            "name": call.name, "arguments": arguments, "status": status}  # fmt: skip


def _told_tool(tool: Tool) -> dict[str, object]:
    return {"type": "function", "name": tool.name, "description": tool.description,
            "parameters": tool.parameters, "strict": tool.strict}  # fmt: skip


def _usage(done: Done) -> dict[str, object]:
    return {
        "input_tokens": done.prompt_tokens,
        "input_tokens_details": {"cached_tokens": done.cached_tokens},
        "output_tokens": done.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": done.prompt_tokens + done.completion_tokens,
    }


def _status(done: Done) -> str:
    return "incomplete" if done.finish_reason in ("length", "cancelled") else "completed"


def _part(kind: str, text: str) -> dict[str, object]:
    if kind == "reasoning":
        return {"type": "reasoning_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
