"""What clients may ask, as checked values. Pure: bytes and dicts in, dataclasses out.

Rules: a request schema is closed - every field is read, known and harmless (`_IGNORED`),
refused by name because galosh cannot do it, or refused as unknown; nothing is dropped in
silence and nothing unchecked reaches the worker. Only GaloshError comes out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from galosh.base.errors import GaloshError
from galosh.base.settings import Value
from galosh.base.texts import say
from galosh.server import fields
from galosh.server.fields import Json
from galosh.server.messages import Message, read_messages
from galosh.server.sampling import SAMPLING_FIELDS, Sampling, read_form, read_sampling
from galosh.server.tools import Tools, read_tools

_MAX_TEXT = 16 * 1024 * 1024
_MAX_TOKENS = 1_048_576
_MAX_STOPS = 8
MAX_LOGPROBS = 20
_MAX_ID = 256
_MAX_PATH = 4096
_MAX_LISTED = 64

PRIORITIES = ("background", "normal", "interactive")

# Fields that change nothing here whatever they hold: account, billing and caching hints.
_IGNORED = frozenset(
    {
        "user",
        "metadata",
        "store",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "verbosity",
    }
)
_SHARED = SAMPLING_FIELDS | frozenset(
    {"model", "stream", "stream_options", "stop", "max_tokens", "n", "preset", "logprobs"}
    # Our own, see Question.
    | {"cache_prompt", "draft", "truncate", "notices", "priority", "override_memory"}
)
_REFUSED_CHAT: dict[str, tuple[str, tuple[object, ...]]] = {
    "functions": ("server.cannot.functions", ([],)),
    "function_call": ("server.cannot.functions", ("none", "auto")),
    "modalities": ("server.cannot.media", (["text"],)),
    "audio": ("server.cannot.media", ()),
    "grammar": ("server.cannot.grammar", ("",)),
}
_REFUSED_COMPLETION: dict[str, tuple[str, tuple[object, ...]]] = {
    "best_of": ("server.cannot.many", (1,)),
    "grammar": ("server.cannot.grammar", ("",)),
}
_CHAT = (
    _SHARED
    | _IGNORED
    | {"messages", "max_completion_tokens", "response_format", "top_logprobs", "think"}
    | {"tools", "tool_choice", "parallel_tool_calls"}
    | frozenset(_REFUSED_CHAT)
)
_COMPLETION = _SHARED | _IGNORED | {"prompt", "echo", "suffix"} | frozenset(_REFUSED_COMPLETION)


@dataclass(frozen=True)
class Question:
    """One checked wish for an answer: either `messages` or `prompt`.

    model_id None: whatever model is current or default. max_tokens None: as many as fit; 0: the
    question is only read, so that one with the same beginning is answered sooner. sampling
    holds only what the client gave. preset: the sampler preset that fills in the rest.
    options: the worker's fields beside sampling (the form of the answer, what is told of it).
    tools: what the model may call.
    echo: the prompt is repeated before the answer.
    notices: a stream may hold what the asker should know meanwhile (the model is being woken,
    questions wait before this one), as chunks without words. priority: background, normal or
    interactive. override_memory: load the model even where it does not fit into free memory.
    """

    model_id: str | None
    messages: tuple[Message, ...] = ()
    prompt: str | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = field(default_factory=dict)
    preset: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    tools: Tools | None = None
    stream: bool = False
    include_usage: bool = False
    echo: bool = False
    notices: bool = False
    priority: str = "normal"
    override_memory: bool = False


@dataclass(frozen=True)
class NewModel:
    """A file to enter into the store: used in place (under `name`), or copied."""

    path: str
    copy: bool
    name: str | None = None


@dataclass(frozen=True)
class NewSetting:
    """One setting to change."""

    name: str
    value: Value


@dataclass(frozen=True)
class TextToCount:
    """A text whose tokens are wanted."""

    text: str
    model_id: str | None


def parse_json(body: bytes) -> dict[str, object]:
    """The JSON object in `body`; raises GaloshError `server-bad-json`."""
    try:
        value: object = json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_doubles
        )
    except RecursionError as error:
        raise GaloshError("server-bad-json", reason="nesting is too deep") from error
    except UnicodeDecodeError as error:
        raise GaloshError("server-bad-json", reason=f"byte {error.start}") from error
    except json.JSONDecodeError as error:
        reason = f"{error.msg}, line {error.lineno} column {error.colno}"
        raise GaloshError("server-bad-json", reason=reason) from error
    except ValueError as error:
        raise GaloshError("server-bad-json", reason=str(error)[:80]) from error
    if not isinstance(value, dict):
        raise GaloshError("server-bad-json", reason=fields.kind_of(value))
    return value


def parse_chat(data: Json) -> Question:
    """`/v1/chat/completions`."""
    for name, (reason, harmless) in _REFUSED_CHAT.items():
        fields.refuse(data, name, reason, harmless)
    fields.only(data, _CHAT)
    longest = _max_tokens(data, "max_completion_tokens")
    if longest is None:
        longest = _max_tokens(data, "max_tokens")
    options = _chat_logprobs(data)
    if data.get("think") is not None:
        options["think"] = fields.flag(data, "think")
    tools = read_tools(data)
    question = _question(data, longest, messages=read_messages(data), prompt=None, options=options)
    if tools is not None and {"json", "json_schema"} & set(question.options):
        reason = say("server.cannot.form")
        raise GaloshError("server-unsupported", field="response_format", reason=reason)
    return replace(question, tools=tools)


def parse_completion(data: Json) -> Question:
    """`/v1/completions`."""
    for name, (reason, harmless) in _REFUSED_COMPLETION.items():
        fields.refuse(data, name, reason, harmless)
    fields.only(data, _COMPLETION)
    prompt = data.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt or not fields.is_unicode(prompt):
        raise fields.wrong("prompt", data.get("prompt"), say("server.want.prompt"))
    options: dict[str, object] = {}
    if data.get("logprobs") not in (None, False):
        options["logprobs"] = fields.integer(data, "logprobs", 0, MAX_LOGPROBS)
    if suffix := fields.text(data, "suffix", 0, _MAX_TEXT):
        options["suffix"] = suffix
    question = _question(
        data, _max_tokens(data, "max_tokens"), messages=(), prompt=prompt, options=options
    )
    echo = fields.flag(data, "echo")
    if echo and "logprobs" in options:
        raise GaloshError("server-unsupported", field="echo", reason=say("server.cannot.echo"))
    return replace(question, echo=echo)


def parse_model_choice(data: Json) -> str | None:
    """`PUT /galosh/v1/model`: which model should run; None is the default one."""
    fields.only(data, frozenset({"id"}))
    return _model_id(data, "id")


def parse_new_model(data: Json) -> NewModel:
    """`POST /galosh/v1/models`."""
    fields.only(data, frozenset({"path", "copy", "name"}))
    path = fields.needed_text(data, "path", 1, _MAX_PATH)
    if "\0" in path:
        raise fields.wrong("path", path, say("server.want.text", low=1, high=_MAX_PATH))
    named = data.get("name") is not None
    name = fields.needed_text(data, "name", 1, _MAX_ID) if named else None
    return NewModel(path=path, copy=fields.flag(data, "copy"), name=name)


def parse_new_setting(data: Json) -> NewSetting:
    """`PUT /galosh/v1/settings`; whether the value fits is for the settings to say."""
    fields.only(data, frozenset({"name", "value"}))
    value = data.get("value")
    if isinstance(value, str):
        value = fields.checked_text("value", value, 0, _MAX_PATH)
    if isinstance(value, list) and len(value) <= _MAX_LISTED:
        value = [fields.checked_text("value", text, 0, _MAX_PATH) for text in value]
    elif not isinstance(value, (bool, int, float, str)):
        raise fields.wrong("value", value, 'true | false | 1 | 0.5 | "…" | ["…"]')
    return NewSetting(name=fields.needed_text(data, "name", 1, 128), value=value)


def parse_tokenize(data: Json) -> TextToCount:
    """`POST /galosh/v1/tokenize`."""
    fields.only(data, frozenset({"text", "model"}))
    return TextToCount(
        text=fields.needed_text(data, "text", 0, _MAX_TEXT), model_id=_model_id(data, "model")
    )


def _chat_logprobs(data: Json) -> dict[str, object]:
    """How many of the likeliest tokens to tell at each place, as the worker is asked for it."""
    top = fields.integer(data, "top_logprobs", 0, MAX_LOGPROBS)
    if not fields.flag(data, "logprobs"):
        if top:
            raise fields.wrong("logprobs", data.get("logprobs"), "true")
        return {}
    return {"logprobs": top or 0}


def _question(
    data: Json,
    longest: int | None,
    *,
    messages: tuple[Message, ...],
    prompt: str | None,
    options: Mapping[str, object],
) -> Question:
    fields.refuse(data, "n", "server.cannot.many", (1,))
    streaming = fields.table(data, "stream_options")
    fields.only(streaming, frozenset({"include_usage", "include_obfuscation"}), "stream_options.")
    return Question(
        model_id=_model_id(data, "model"),
        messages=messages,
        prompt=prompt,
        max_tokens=longest,
        stop=_stops(data),
        sampling=read_sampling(data),
        preset=fields.text(data, "preset", 1, 128),
        options={**_options(data), **options},
        stream=fields.flag(data, "stream"),
        include_usage=fields.flag(streaming, "include_usage"),
        notices=fields.flag(data, "notices"),
        priority=fields.one_of(data, "priority", PRIORITIES) or "normal",
        override_memory=fields.flag(data, "override_memory"),
    )


def _options(data: Json) -> dict[str, object]:
    """The form of the answer, whether tokens may be guessed ahead (`draft`), whether a talk
    that is too long may be cut (`truncate`), and whether what is read is remembered
    (`cache_prompt`, as llama.cpp calls it)."""
    given = {} if data.get("draft") is None else {"draft": fields.flag(data, "draft")}
    cut = {"truncate": True} if fields.flag(data, "truncate") else {}
    remembered = data.get("cache_prompt") is None or fields.flag(data, "cache_prompt")
    return read_form(data) | given | cut | ({} if remembered else {"reuse": False})


def _model_id(data: Json, name: str) -> str | None:
    value = fields.text(data, name, 0, _MAX_ID)
    return None if value in (None, "", "default") else value


def _max_tokens(data: Json, name: str) -> int | None:
    value = fields.integer(data, name, -1, _MAX_TOKENS)
    return None if value == -1 else value


def _stops(data: Json) -> tuple[str, ...]:
    value = data.get("stop")
    if value is None:
        return ()
    found = [value] if isinstance(value, str) else value
    expected = say("server.want.stop", high=_MAX_STOPS)
    if not isinstance(found, list) or len(found) > _MAX_STOPS:
        raise fields.wrong("stop", value, expected)
    for item in found:
        if not isinstance(item, str) or not 1 <= len(item) <= 512 or not fields.is_unicode(item):
            raise fields.wrong("stop", item, expected)
    return tuple(found)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object names one field twice")
    return result
