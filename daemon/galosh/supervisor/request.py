"""What goes into a generation and what comes out of it. Pure data.

A caller hands in a `GenerationRequest` and reads `Event`s: `Queued` (only if asked for),
then `Started`, any number of `TextPiece`, and one `Done`; a `Notice` may come any time. A
failure is a raised GaloshError, never an event.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from galosh.base.errors import GaloshError
from galosh.base.texts import say

_EMPTY: Mapping[str, object] = MappingProxyType({})


class Priority(enum.IntEnum):
    """Who goes first among those who wait; within one priority the oldest does."""

    BACKGROUND = 0
    NORMAL = 1
    INTERACTIVE = 2  # the quick prompt: somebody is looking at an empty window


@dataclass(frozen=True)
class GenerationRequest:
    """One question to the model. Exactly one of `messages` and `prompt` is given.

    model_id None means the wanted model. `sampling` and `options` are sent to the worker as
    they are (the server has checked them); `options` holds fields beside `sampling`.
    `announce_queue`: the caller wants `Queued` events while it waits. `override_memory`: load
    the model even where it does not fit into the memory that is free (see `admission`).
    """

    messages: tuple[Mapping[str, object], ...] | None = None
    prompt: str | None = None
    model_id: str | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Mapping[str, object] = field(default_factory=lambda: _EMPTY)
    options: Mapping[str, object] = field(default_factory=lambda: _EMPTY)
    priority: Priority = Priority.NORMAL
    announce_queue: bool = False
    override_memory: bool = False

    def __post_init__(self) -> None:
        if (self.messages is None) == (self.prompt is None):
            raise ValueError("give either messages or prompt")

    def with_defaults(
        self, sampling: Mapping[str, object], system: str | None
    ) -> GenerationRequest:
        """This request with what the model's authors advise where the asker said nothing."""
        messages = self.messages
        unled = messages and all(message.get("role") != "system" for message in messages)
        if messages and unled and system is not None:
            messages = ({"role": "system", "content": system}, *messages)
        return replace(self, messages=messages, sampling={**sampling, **self.sampling})

    def frame(self, request_id: str) -> dict[str, object]:
        """The frame that asks the worker for this answer."""
        words: dict[str, object]
        if self.messages is not None:
            words = {"messages": [dict(message) for message in self.messages]}
        else:
            words = {"prompt": self.prompt}
        return {
            **self.options,
            **words,
            "type": "generate",
            "id": request_id,
            "max_tokens": self.max_tokens,
            "stop": list(self.stop),
            "sampling": dict(self.sampling),
        }


@dataclass(frozen=True)
class Queued:
    """The request waits; `place` others in the line go before it (0: it is next).

    running: answers under way that it waits for, too; 0 while the model is being loaded.
    """

    place: int
    running: int = 0

    @property
    def before(self) -> int:
        """How many answers come first, those under way among them."""
        return self.place + self.running


@dataclass(frozen=True)
class Started:
    """The model has taken the request; reading the prompt begins."""

    model_id: str
    prompt_tokens: int
    cached_tokens: int
    thinking: bool = False  # the template has opened the model's thoughts
    form: str = ""  # in which form this model writes calls and thoughts, see worker.tool_form


@dataclass(frozen=True)
class TextPiece:
    """The next piece of the answer; `logprobs` as the worker gave them, if asked for."""

    text: str
    logprobs: object | None = None


@dataclass(frozen=True)
class Done:
    """The answer is complete. finish_reason: `stop`, `length` or `cancelled`.

    draft_tokens: guessed ahead, draft_accepted: of those, right. restored_tokens: of the
    cached ones, those that came from disk. stop_string: which of the asker's own ended it.
    dropped_…: what was left out of the question because the asker wanted it cut.
    """

    model_id: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    prefill_seconds: float
    decode_seconds: float
    draft_tokens: int = 0
    draft_accepted: int = 0
    restored_tokens: int = 0
    stop_string: str | None = None
    dropped_messages: int = 0
    dropped_tokens: int = 0

    @property
    def tokens_per_second(self) -> float | None:
        """Speed of writing; None when too little was written to tell."""
        if self.decode_seconds <= 0 or self.completion_tokens <= 0:
            return None
        return self.completion_tokens / self.decode_seconds

    @property
    def prompt_tokens_per_second(self) -> float | None:
        """Speed of reading the new part of the prompt; None when nothing was read."""
        read = self.prompt_tokens - self.cached_tokens
        if self.prefill_seconds <= 0 or read <= 0:
            return None
        return read / self.prefill_seconds


@dataclass(frozen=True)
class Notice:
    """Something the asker should know meanwhile: `key` of a text and the facts it names.

    `supervisor.notice-…`: the model is being woken, another one answers, fewer words fit …
    """

    key: str
    facts: Mapping[str, object] = field(default_factory=lambda: _EMPTY)

    def to_json(self) -> dict[str, object]:
        """JSON form: the sentence in the daemon's language, and what it is made of."""
        return {"key": self.key, "facts": dict(self.facts), "text": say(self.key, **self.facts)}


Event = Queued | Started | TextPiece | Done | Notice


@dataclass(frozen=True)
class LoadedModel:
    """A model that stands ready. Unknown is None."""

    model_id: str
    title: str
    context_tokens: int
    context_train: int | None
    memory_bytes: int | None
    load_seconds: float | None
    template: bool | None
    sequences: int = 1  # answers at a time
    draft_id: str | None = None  # the small model that guesses for it
    draft_error: GaloshError | None = None  # why the one that was meant does not


@dataclass(frozen=True)
class Vectors:
    """What texts mean, as normalised vectors in the model's own space."""

    vectors: tuple[bytes, ...]  # float32, little-endian
    tokens: int
    model_id: str = ""
    dropped_tokens: int = 0  # at least so many, cut off because the asker allowed it


@dataclass(frozen=True)
class TokenCount:
    """How many tokens a text has; `tokens` where they were asked for."""

    count: int
    tokens: tuple[int, ...] | None
