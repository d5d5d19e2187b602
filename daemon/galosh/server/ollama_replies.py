"""The shapes of answers as Ollama documents them. Pure: clock and facts are given in.

Durations are whole nanoseconds, times RFC 3339 in UTC.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.server.messages import Message
from galosh.server.ollama_context import encode
from galosh.server.replies import beside, to_bytes
from galosh.server.words import Chance, Words
from galosh.supervisor.request import Done, Notice, Started

# The version of Ollama's API that these shapes follow; clients compare it.
API_VERSION = "0.12.0"


class Known(Protocol):
    """What is told of a model on disk."""

    @property
    def id(self) -> str: ...
    def to_json(self) -> dict[str, object]: ...


class OllamaDialect:
    """See answering.Dialect."""

    content_type = "application/x-ndjson"

    def __init__(
        self, model_id: str, clock: Clock, *, chat: bool, talk: Sequence[Message] = ()
    ) -> None:
        """talk: what a `context` is to hold beside the answer; empty: none is given."""
        self._talk = () if chat else tuple(talk)
        self._said: list[str] = []
        self._model_id = model_id
        self._clock = clock
        self._chat = chat
        self._calls = 0
        self._told: list[Mapping[str, object]] = []
        self._asked_seconds = self._begun_seconds = clock.monotonic_seconds()

    def begin(self, started: Started) -> bytes:
        """See Dialect."""
        self._model_id, self._begun_seconds = started.model_id, self._clock.monotonic_seconds()
        return b""

    def piece(self, words: Words) -> bytes:
        """See Dialect."""
        if self._talk:
            self._said.append(words.text)
        return _line(self._head(words) | {"done": False})

    def end(self, done: Done) -> bytes:
        """See Dialect."""
        return _line(self.whole(Words(), done))

    def failure(self, error: GaloshError) -> bytes:
        """See Dialect."""
        return _line({"error": str(error)})

    def notice(self, notice: Notice) -> bytes:
        """See Telling; the last line tells all of them, beside what was cut."""
        self._told.append(notice.to_json())
        return b""

    def whole(self, words: Words, done: Done) -> dict[str, object]:
        """See Dialect."""
        loading = self._begun_seconds - self._asked_seconds
        # Ollama knows no reason of its own for an answer that calls.
        said = "".join((*self._said, words.text))
        reason = "stop" if done.finish_reason == "tool_calls" else done.finish_reason
        return (
            self._head(words)
            | beside(done.dropped_messages, done.dropped_tokens, self._told)
            | ({"context": encode(self._talk, said)} if self._talk else {})
            | {
                "done": True,
                "done_reason": reason,
                "total_duration": _nanoseconds(
                    self._clock.monotonic_seconds() - self._asked_seconds
                ),
                "load_duration": _nanoseconds(loading),
                "prompt_eval_count": done.prompt_tokens,
                "prompt_eval_duration": _nanoseconds(done.prefill_seconds),
                "eval_count": done.completion_tokens,
                "eval_duration": _nanoseconds(done.decode_seconds),
            }
        )

    def moved(self, reason: str) -> dict[str, object]:
        """The answer to a request that only loads or unloads."""
        return self._head(Words()) | {"done": True, "done_reason": reason}

    def _head(self, words: Words) -> dict[str, object]:
        thought = {"thinking": words.thought} if words.thought else {}
        told: dict[str, object] = {
            "model": self._model_id,
            "created_at": moment(self._clock.wall_seconds()),
        }
        if self._chat:
            calls = [
                {"function": {"index": at, "name": call.name, "arguments": dict(call.arguments)},
                 "id": call.id}
                for at, call in enumerate(words.calls, self._calls)
            ]  # fmt: skip
            self._calls += len(calls)
            told["message"] = {
                "role": "assistant", "content": words.text, **thought,
                **({"tool_calls": calls} if calls else {}),
            }  # fmt: skip
        else:
            told |= {"response": words.text, **thought}
        if words.entries:
            told["logprobs"] = [
                {**_chance(entry.taken), "top_logprobs": [_chance(one) for one in entry.top]}
                for entry in words.entries
            ]
        return told


def _chance(chance: Chance) -> dict[str, object]:
    return {"token": chance.text, "logprob": chance.logprob, "bytes": chance.utf8}


def tags(models: Sequence[Known], times: Mapping[str, float]) -> dict[str, object]:
    """`/api/tags`. times: when each model's file was last changed, by id."""
    return {
        "models": [
            _named(model) | {"modified_at": moment(times.get(model.id, 0.0)),
                             "size": model.to_json().get("size_bytes", 0)}
            for model in models
        ]
    }  # fmt: skip


def running(
    model: Known | None, memory_bytes: int | None, context_tokens: int | None, until_seconds: float
) -> dict[str, object]:
    """`/api/ps`: the model in memory, if there is one."""
    if model is None:
        return {"models": []}
    facts = {
        "size": memory_bytes or 0,
        "size_vram": 0,
        "context_length": context_tokens or 0,
        "expires_at": moment(until_seconds),
    }
    return {"models": [_named(model) | facts]}


def shown(
    model: Known, modified_seconds: float, template: str, info: Mapping[str, object]
) -> dict[str, object]:
    """`/api/show`. info: the file's own metadata, long lists left out."""
    sampler = model.to_json().get("sampler") or {}
    assert isinstance(sampler, Mapping)
    return {
        "license": "",
        "modelfile": f"FROM {model.id}\n",
        "parameters": "\n".join(f"{name} {value}" for name, value in sampler.items()),
        "template": template,
        "details": _details(model),
        "model_info": dict(info),
        "capabilities": ["completion", "tools"],
        "modified_at": moment(modified_seconds),
    }


def moment(seconds: float) -> str:
    """RFC 3339."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


def _named(model: Known) -> dict[str, object]:
    # Not the digest of the file, which may take a minute to find: a name that clients can
    # tell models apart by and that changes when the file does.
    facts = model.to_json()
    mark = f"{model.id}|{facts.get('size_bytes')}|{facts.get('path')}"
    return {
        "name": model.id,
        "model": model.id,
        "digest": hashlib.sha256(mark.encode("utf-8", "replace")).hexdigest(),
        "details": _details(model),
    }


def _details(model: Known) -> dict[str, object]:
    facts = model.to_json()
    family = str(facts.get("architecture") or "")
    parameters = facts.get("parameters")
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family] if family else [],
        "parameter_size": _rounded(parameters) if isinstance(parameters, int) else "",
        "quantization_level": str(facts.get("file_type") or ""),
    }


def _rounded(parameters: int) -> str:
    return f"{parameters / 1e9:.1f}B" if parameters >= 10**9 else f"{parameters / 1e6:.2f}M"


def _line(value: Mapping[str, object]) -> bytes:
    return to_bytes(value) + b"\n"


def _nanoseconds(seconds: float) -> int:
    return max(0, int(seconds * 1e9))
