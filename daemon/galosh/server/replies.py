"""The shapes of answers as OpenAI documents them, plus our own facts. Pure.

Times and ids are given in; texts pass through unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from galosh.base.errors import GaloshError
from galosh.server.tools import Call
from galosh.server.words import Chance, Words

_OPENAI_CODES = {
    "store-model-unknown": "model_not_found",
    "worker-prompt-too-long": "context_length_exceeded",
    "supervisor-prompt-too-long": "context_length_exceeded",
    "server-unauthorized": "invalid_api_key",
}
_FIELDS = {"store-model-unknown": "model"}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

# The page runs its own files and nothing else: no inline script or style, no other address.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Heading:
    """What every chunk of one answer repeats."""

    answer_id: str
    created: int
    model_id: str
    chat: bool


@dataclass(frozen=True)
class Ending:
    """How an answer ended, with the counts as the model saw them, and what was told beside."""

    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    prefill_seconds: float | None = None
    decode_seconds: float | None = None
    stop_string: str | None = None
    dropped_messages: int = 0
    dropped_tokens: int = 0
    notices: tuple[Mapping[str, object], ...] = ()


def chunk(
    heading: Heading, words: Words | None, finish_reason: str | None = None, *, first: bool = False
) -> dict[str, object]:
    """One piece of a streamed answer; calls have chunks of their own."""
    if heading.chat:
        delta: dict[str, object] = {"role": "assistant"} if first else {}
        if words is not None and words.thought:
            delta["reasoning_content"] = words.thought
        if words is not None and (words.text or not words.thought):
            delta["content"] = words.text
        choice: dict[str, object] = {"index": 0, "delta": delta}
    else:
        choice = {"index": 0, "text": "" if words is None else words.text}
    choice |= {"logprobs": _chances(heading, words), "finish_reason": finish_reason}
    kind = "chat.completion.chunk" if heading.chat else "text_completion"
    return _head(heading, kind) | {"choices": [choice]}


def call_chunks(heading: Heading, call: Call, index: int) -> list[dict[str, object]]:
    """A call as a stream has it: its id and name first, then its arguments."""
    named = {"index": index, "id": call.id, "type": "function",
             "function": {"name": call.name, "arguments": ""}}  # fmt: skip
    filled = {"index": index, "function": {"arguments": call.text}}
    head = _head(heading, "chat.completion.chunk")
    choice = {"index": 0, "logprobs": None, "finish_reason": None}
    return [
        head | {"choices": [choice | {"delta": {"tool_calls": [one]}}]} for one in (named, filled)
    ]


def told_calls(calls: Sequence[Call]) -> list[dict[str, object]]:
    """`tool_calls` of a whole message."""
    return [
        {"id": call.id, "type": "function",
         "function": {"name": call.name, "arguments": call.text}}
        for call in calls
    ]  # fmt: skip


class TextEvents:
    """The events of one answer's pieces: everything but the text is put together once."""

    def __init__(self, heading: Heading) -> None:
        event = sse(chunk(heading, Words(_MARK)))
        self._before, _, self._after = event.rpartition(_to_text(_MARK).encode())

    def event(self, text: str) -> bytes:
        """The same bytes as `sse(chunk(heading, Words(text)))`."""
        return self._before + _to_text(text).encode("utf-8", "replace") + self._after


def usage_chunk(heading: Heading, ending: Ending) -> dict[str, object]:
    """The last piece of a streamed answer whose client asked for counts."""
    kind = "chat.completion.chunk" if heading.chat else "text_completion"
    return _head(heading, kind) | {"choices": []} | facts_of(ending)


def notice_chunk(heading: Heading, notice: Mapping[str, object]) -> dict[str, object]:
    """A piece without words, for clients that asked for notices."""
    kind = "chat.completion.chunk" if heading.chat else "text_completion"
    return _head(heading, kind) | {"choices": [], "galosh": {"notice": dict(notice)}}


def whole(heading: Heading, words: Words, ending: Ending) -> dict[str, object]:
    """An answer in one piece."""
    if heading.chat:
        content = None if words.calls and not words.text else words.text
        message: dict[str, object] = {"role": "assistant", "content": content, "refusal": None}
        if words.calls:
            message["tool_calls"] = told_calls(words.calls)
        if words.thought:
            message["reasoning_content"] = words.thought
        choice: dict[str, object] = {"index": 0, "message": message}
    else:
        choice = {"index": 0, "text": words.text}
    choice |= {"logprobs": _chances(heading, words), "finish_reason": ending.finish_reason}
    kind = "chat.completion" if heading.chat else "text_completion"
    return _head(heading, kind) | {"choices": [choice]} | facts_of(ending)


def facts_of(ending: Ending) -> dict[str, object]:
    """Counts in OpenAI's words, speed in ours."""
    return {
        "usage": {
            "prompt_tokens": ending.prompt_tokens,
            "completion_tokens": ending.completion_tokens,
            "total_tokens": ending.prompt_tokens + ending.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": ending.cached_tokens},
        },
        "galosh": {
            "prefill_seconds": ending.prefill_seconds,
            "decode_seconds": ending.decode_seconds,
            "stop_string": ending.stop_string,
            "truncated": truncated(ending.dropped_messages, ending.dropped_tokens),
            **({"notices": list(ending.notices)} if ending.notices else {}),
        },
    }


def truncated(messages: int, tokens: int) -> dict[str, int] | None:
    """What was left out of the question because the caller asked for that; None: nothing."""
    if not messages and not tokens:
        return None
    return {"dropped_messages": messages, "dropped_tokens": tokens}


def beside(
    messages: int, tokens: int, notices: Sequence[Mapping[str, object]]
) -> dict[str, object]:
    """What galosh says beside an answer in a dialect that has no word for it: what was cut,
    and what the asker should know; nothing where there is nothing to say."""
    told: dict[str, object] = {}
    if cut := truncated(messages, tokens):
        told["truncated"] = cut
    if notices:
        told["notices"] = list(notices)
    return {"galosh": told} if told else {}


def _chances(heading: Heading, words: Words | None) -> dict[str, object] | None:
    """Log-probabilities, as chats and as completions have them."""
    if words is None or not words.entries:
        return None
    if heading.chat:
        content = [
            {**_chance(entry.taken), "top_logprobs": [_chance(one) for one in entry.top]}
            for entry in words.entries
        ]
        return {"content": content, "refusal": None}
    offsets, place = [], 0
    for entry in words.entries:
        offsets.append(place)
        place += len(entry.taken.text)
    return {
        "tokens": [entry.taken.text for entry in words.entries],
        "token_logprobs": [entry.taken.logprob for entry in words.entries],
        "top_logprobs": [{one.text: one.logprob for one in entry.top} for entry in words.entries],
        "text_offset": offsets,
    }


def _chance(chance: Chance) -> dict[str, object]:
    return {"token": chance.text, "logprob": chance.logprob, "bytes": chance.utf8}


def model_list(model_ids: Sequence[str], created: int) -> dict[str, object]:
    """`/v1/models`."""
    return {"object": "list", "data": [model_facts(name, created) for name in model_ids]}


def model_facts(model_id: str, created: int) -> dict[str, object]:
    """One entry of `/v1/models`."""
    return {"id": model_id, "object": "model", "created": created, "owned_by": "galosh"}


def error_body(error: GaloshError) -> dict[str, object]:
    """An error as OpenAI's clients read it, with ours whole beside it."""
    status = error.http_status
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    field = error.facts.get("field", _FIELDS.get(error.code))
    return {
        "error": {
            "message": str(error),
            "type": kind,
            "param": field,
            "code": _OPENAI_CODES.get(error.code, error.code),
            "galosh": error.to_json(),
        }
    }


def to_bytes(value: Mapping[str, object]) -> bytes:
    """JSON in UTF-8; facts that are no JSON become their text rather than a failure."""
    return _to_text(value).encode("utf-8", "replace")


def sse(value: Mapping[str, object]) -> bytes:
    """One OpenAI server-sent event."""
    return b"data: " + to_bytes(value) + b"\n\n"


_to_text = json.JSONEncoder(ensure_ascii=False, default=str).encode
_MARK = "\0"
SSE_DONE = b"data: [DONE]\n\n"


def _head(heading: Heading, kind: str) -> dict[str, object]:
    return {
        "id": heading.answer_id,
        "object": kind,
        "created": heading.created,
        "model": heading.model_id,
    }
