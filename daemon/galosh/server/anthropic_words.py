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
from galosh.server.words import Words
from galosh.supervisor.request import Done, Started

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
_REASONS = {"length": "max_tokens"}


def parse_message(data: Json) -> Question:
    """`POST /v1/messages`. Raises GaloshError `server-bad-request`, `server-unsupported`."""
    fields.only(data, _KNOWN)
    fields.refuse(data, "tools", "server.cannot.tools", ([],))
    fields.refuse(data, "tool_choice", "server.cannot.tools", ({"type": "none"},))
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
    return parse_chat(asked)


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
        content = _content(f"{place}.content", turn.get("content"))
        talk.append({"role": turn["role"], "content": content})
    return talk


def _content(place: str, value: object) -> object:
    """A text as it is; blocks without the marks that say only how to cache or cite them."""
    if not isinstance(value, list):
        return value
    parts: list[object] = []
    for index, block in enumerate(value):
        found = fields.checked_table(f"{place}[{index}]", block)
        if found.get("type") in ("tool_use", "tool_result"):
            reason = say("server.cannot.tools")
            raise GaloshError("server-unsupported", field=f"{place}[{index}]", reason=reason)
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
        return told

    def end(self, done: Done) -> bytes:
        """See Dialect."""
        reason, stop = _reason(done)
        delta = {"stop_reason": reason, "stop_sequence": stop}
        usage = {"output_tokens": done.completion_tokens}
        return (
            (b"" if self._block else self._open("text"))
            + _event("content_block_stop", {"index": self._index})
            + _event("message_delta", {"delta": delta, "usage": usage} | _cut(done))
            + _event("message_stop", {})
        )

    def failure(self, error: GaloshError) -> bytes:
        """See Dialect."""
        return _event("error", error_body(error))

    def whole(self, words: Words, done: Done) -> Mapping[str, object]:
        """See Dialect."""
        blocks = [{"type": "text", "text": words.text}]
        if words.thought:
            blocks.insert(0, {"type": "thinking", "thinking": words.thought, "signature": ""})
        reason, stop = _reason(done)
        return self._message(blocks, reason, done.completion_tokens, stop) | _cut(done)

    def _open(self, kind: str) -> bytes:
        """A block of this kind, unless it is the one that is being written."""
        if self._block == kind:
            return b""
        ended = _event("content_block_stop", {"index": self._index}) if self._block else b""
        self._block, self._index = kind, self._index + 1
        block = {"type": kind, kind: ""}
        return ended + _event("content_block_start", {"index": self._index, "content_block": block})

    def _delta(self, delta: Mapping[str, str]) -> bytes:
        return _event("content_block_delta", {"index": self._index, "delta": delta})

    def _message(
        self,
        content: list[dict[str, str]],
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


def _cut(done: Done) -> dict[str, object]:
    """What was left out of the question, where that was asked for."""
    cut = replies.truncated(done.dropped_messages, done.dropped_tokens)
    return {"galosh": {"truncated": cut}} if cut else {}
