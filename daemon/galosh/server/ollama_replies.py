"""The shapes of answers as Ollama documents them. Pure: times and facts are given in.

Durations are whole nanoseconds, times RFC 3339 in UTC.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from galosh.server.replies import Ending, to_bytes

# The version of Ollama's API that these shapes follow; clients compare it.
API_VERSION = "0.12.0"


class Known(Protocol):
    """What is told of a model on disk."""

    @property
    def id(self) -> str: ...
    def to_json(self) -> dict[str, object]: ...


def line(value: Mapping[str, object]) -> bytes:
    """One line of an NDJSON stream."""
    return to_bytes(value) + b"\n"


def piece(model_id: str, at_seconds: float, text: str, *, chat: bool) -> dict[str, object]:
    """A piece of an answer that goes on."""
    return {
        "model": model_id,
        "created_at": moment(at_seconds),
        **_words(text, chat),
        "done": False,
    }


def last(
    model_id: str, at_seconds: float, text: str, ending: Ending | None, times: Mapping[str, float],
    *, chat: bool, reason: str | None = None,
) -> dict[str, object]:  # fmt: skip
    """The end of an answer, or of a request that only loads or unloads (`ending` None).

    times: `total` and `load`, in seconds.
    """
    value: dict[str, object] = {
        "model": model_id,
        "created_at": moment(at_seconds),
        **_words(text, chat),
        "done": True,
        "done_reason": reason or (ending.finish_reason if ending else "stop"),
    }
    if ending is None:
        return value
    return value | {
        "total_duration": _nanoseconds(times["total"]),
        "load_duration": _nanoseconds(times["load"]),
        "prompt_eval_count": ending.prompt_tokens,
        "prompt_eval_duration": _nanoseconds(ending.prefill_seconds or 0.0),
        "eval_count": ending.completion_tokens,
        "eval_duration": _nanoseconds(ending.decode_seconds or 0.0),
    }


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
        "capabilities": ["completion"],
        "modified_at": moment(modified_seconds),
    }


def moment(seconds: float) -> str:
    """RFC 3339."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


def _words(text: str, chat: bool) -> dict[str, object]:
    return {"message": {"role": "assistant", "content": text}} if chat else {"response": text}


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


def _nanoseconds(seconds: float) -> int:
    return max(0, int(seconds * 1e9))
