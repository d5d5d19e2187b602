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
from galosh.server.words import Words, joined
from galosh.supervisor.request import Done, Started

_IGNORED = frozenset(
    {
        "store", "metadata", "user", "parallel_tool_calls", "service_tier", "include",
        "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
        "stream_options", "reasoning", "background", "max_tool_calls", "top_logprobs",
    }
)  # fmt: skip
_PASSED = ("model", "temperature", "top_p", "top_k", "min_p", "seed", "stream")
_KNOWN = _IGNORED | frozenset(_PASSED) | {
    "input", "instructions", "max_output_tokens", "text", "tools", "tool_choice",
    "previous_response_id", "conversation", "prompt", "truncation",
}  # fmt: skip
_MARKS = {"message": "msg", "reasoning": "rs"}
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
    if data.get("truncation") not in (None, "auto", "disabled"):
        expected = say("server.want.known", names="auto, disabled")
        raise fields.wrong("truncation", data["truncation"], expected)
    asked["truncate"] = data.get("truncation") == "auto"
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
        self._parts: list[Words] = []
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
        return told

    def end(self, done: Done) -> bytes:
        """See Dialect."""
        told = self._open("message") if self._kind != "message" else b""
        final = "response.completed" if _status(done) == "completed" else "response.incomplete"
        whole = self.whole(joined(self._parts), done)
        return told + self._close(_status(done)) + self._event(final, {"response": whole})

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
        if words.thought:
            output.insert(0, self._item("reasoning", "completed", words.thought))
        response = self._response(_status(done), output, done)
        if cut := replies.truncated(done.dropped_messages, done.dropped_tokens):
            response["galosh"] = {"truncated": cut}
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
            "truncation": "auto" if self._question.options.get("truncate") else "disabled",
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


def _part(kind: str, text: str) -> dict[str, object]:
    if kind == "reasoning":
        return {"type": "reasoning_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
