"""llama.cpp's own answers: the pieces of `/completion` and its times. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from galosh.base.errors import GaloshError
from galosh.server import replies
from galosh.server.words import Chance, Words
from galosh.supervisor.request import Done, Notice, Started


class LlamaCppDialect:
    """See answering.Dialect."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._model_id = ""
        self._told: list[Mapping[str, object]] = []

    def begin(self, started: Started) -> bytes:
        """See Dialect."""
        self._model_id = started.model_id
        return b""

    def piece(self, words: Words) -> bytes:
        """See Dialect."""
        told = {"index": 0, "content": words.text, "tokens": [], "stop": False, "id_slot": 0}
        return replies.sse(told | _chances(words))

    def end(self, done: Done) -> bytes:
        """See Dialect."""
        return replies.sse(self.whole(Words(), done))

    def failure(self, error: GaloshError) -> bytes:
        """See Dialect."""
        return replies.sse(replies.error_body(error))

    def notice(self, notice: Notice) -> bytes:
        """See Telling; told at the end, beside what was cut."""
        self._told.append(notice.to_json())
        return b""

    def whole(self, words: Words, done: Done) -> dict[str, object]:
        """See Dialect."""
        cut = replies.truncated(done.dropped_messages, done.dropped_tokens)
        told: dict[str, object] = {
            "index": 0,
            "content": words.text,
            "tokens": [],
            "id_slot": 0,
            "stop": True,
            "model": done.model_id,
            "tokens_predicted": done.completion_tokens,
            "tokens_evaluated": done.prompt_tokens,
            "tokens_cached": done.cached_tokens,
            "generation_settings": {},
            "prompt": self._prompt,
            "has_new_line": "\n" in words.text,
            "truncated": cut is not None,
            "stop_type": _stop_type(done),
            "stopping_word": done.stop_string or "",
            "timings": _timings(done),
        }
        beside = replies.beside(done.dropped_messages, done.dropped_tokens, self._told)
        return told | _chances(words) | beside


def _stop_type(done: Done) -> str:
    if done.stop_string is not None:
        return "word"
    return {"stop": "eos", "length": "limit"}.get(done.finish_reason, "none")


def _timings(done: Done) -> dict[str, object]:
    read = done.prompt_tokens - done.cached_tokens
    return {
        "prompt_n": read,
        "prompt_ms": done.prefill_seconds * 1000,
        "prompt_per_second": done.prompt_tokens_per_second,
        "predicted_n": done.completion_tokens,
        "predicted_ms": done.decode_seconds * 1000,
        "predicted_per_second": done.tokens_per_second,
        "cache_n": done.cached_tokens,
    }


def _chances(words: Words) -> dict[str, object]:
    if not words.entries:
        return {}
    return {
        "completion_probabilities": [
            {**_chance(entry.taken), "top_logprobs": [_chance(one) for one in entry.top]}
            for entry in words.entries
        ]
    }


def _chance(chance: Chance) -> dict[str, object]:
    return {"token": chance.text, "logprob": chance.logprob, "bytes": chance.utf8 or []}
