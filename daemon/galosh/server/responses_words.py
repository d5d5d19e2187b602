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
from galosh.supervisor.request import Done, Started

_IGNORED = frozenset(
    {
        "store", "metadata", "user", "parallel_tool_calls", "service_tier", "include",
        "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "truncation",
        "stream_options", "reasoning", "background", "max_tool_calls", "top_logprobs",
    }
)  # fmt: skip
_PASSED = ("model", "temperature", "top_p", "top_k", "min_p", "seed", "stream")
_KNOWN = _IGNORED | frozenset(_PASSED) | {
    "input", "instructions", "max_output_tokens", "text", "tools", "tool_choice",
    "previous_response_id", "conversation", "prompt",
}  # fmt: skip
_TEXTS = ("input_text", "output_text", "text")


def parse_response(data: Json) -> Question:
    """`POST /v1/responses`. Raises GaloshError `server-bad-request`, `server-unsupported`."""
    fields.only(data, _KNOWN)
    fields.refuse(data, "tools", "server.cannot.tools", ([],))
    fields.refuse(data, "tool_choice", "server.cannot.tools", ("none", "auto"))
    fields.refuse(data, "background", "server.cannot.background", (False,))
    fields.refuse(data, "top_logprobs", "server.cannot.logprobs", (0,))
    for name in ("previous_response_id", "conversation", "prompt"):
        fields.refuse(data, name, "server.cannot.remember")
    asked: dict[str, object] = {name: data[name] for name in _PASSED if data.get(name) is not None}
    asked["max_tokens"] = data.get("max_output_tokens")
    asked["messages"] = _talk(data)
    form = fields.table(fields.table(data, "text"), "format")
    if form.get("type") == "json_schema":
        schema = {name: value for name, value in form.items() if name != "type"}
        asked["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif form:
        asked["response_format"] = dict(form)
    return parse_chat(asked)


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
        if kind != "message":
            raise GaloshError(
                "server-unsupported", field=f"{place}.type", reason=say("server.cannot.tools")
            )
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
        self._parts: list[str] = []

    def begin(self, started: Started) -> bytes:
        """See Dialect."""
        self._model_id = started.model_id
        response = self._response("in_progress", [], None)
        item = self._item("in_progress", None)
        return (
            self._event("response.created", {"response": response})
            + self._event("response.in_progress", {"response": response})
            + self._event("response.output_item.added", {"output_index": 0, "item": item})
            + self._event("response.content_part.added", self._place() | {"part": _part("")})
        )

    def piece(self, text: str) -> bytes:
        """See Dialect."""
        self._parts.append(text)
        facts = self._place() | {"delta": text, "logprobs": []}
        return self._event("response.output_text.delta", facts)

    def end(self, done: Done) -> bytes:
        """See Dialect."""
        text = "".join(self._parts)
        item = self._item(_status(done), text)
        final = "response.completed" if _status(done) == "completed" else "response.incomplete"
        texts = self._place() | {"text": text, "logprobs": []}
        return (
            self._event("response.output_text.done", texts)
            + self._event("response.content_part.done", self._place() | {"part": _part(text)})
            + self._event("response.output_item.done", {"output_index": 0, "item": item})
            + self._event(final, {"response": self.whole(text, done)})
        )

    def failure(self, error: GaloshError) -> bytes:
        """See Dialect."""
        response = self._response("failed", [], None)
        response["error"] = {"code": "server_error", "message": str(error)}
        return self._event("response.failed", {"response": response})

    def whole(self, text: str, done: Done) -> dict[str, object]:
        """See Dialect."""
        self._model_id = done.model_id
        response = self._response(_status(done), [self._item(_status(done), text)], done)
        if done.finish_reason == "length":
            response["incomplete_details"] = {"reason": "max_output_tokens"}
        return response

    def _event(self, name: str, facts: Mapping[str, object]) -> bytes:
        self._number += 1
        value = {"type": name, "sequence_number": self._number, **facts}
        return b"event: " + name.encode() + b"\n" + replies.sse(value)

    def _place(self) -> dict[str, object]:
        return {"item_id": f"msg_{self._mark}", "output_index": 0, "content_index": 0}

    def _item(self, status: str, text: str | None) -> dict[str, object]:
        return {
            "type": "message",
            "id": f"msg_{self._mark}",
            "role": "assistant",
            "status": status,
            "content": [] if text is None else [_part(text)],
        }

    def _response(
        self, status: str, output: list[dict[str, object]], done: Done | None
    ) -> dict[str, object]:
        sampling = self._question.sampling
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
            "parallel_tool_calls": False,
            "previous_response_id": None,
            "store": False,
            "temperature": sampling.get("temperature"),
            "top_p": sampling.get("top_p"),
            "text": {"format": {"type": "text"}},
            "tool_choice": "none",
            "tools": [],
            "truncation": "disabled",
            "metadata": {},
            "usage": None if done is None else _usage(done),
        }


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


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
