"""The shapes that the OpenAPI document is put together from, as JSON Schema. Pure data.

Request shapes are closed, as `requests` and its neighbours check them; bounds come from the
same tables where there are any. Answers may always hold more than is written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from galosh.presets.sampler import NUMBER_BOUNDS, WHOLE_BOUNDS
from galosh.server.notebook_requests import MAX_EDITS, MAX_MESSAGE
from galosh.server.requests import MAX_LOGPROBS, PRIORITIES
from galosh.server.tools import MAX_NAME, MAX_TOOLS
from galosh.store.sheet import MAX_MARKS, MAX_UNITS
from galosh.store.talk import ROLES

Schema: TypeAlias = dict[str, object]


def text(low: int = 0, high: int | None = None) -> Schema:
    """A text; its length in characters."""
    return {"type": "string", "minLength": low} | ({} if high is None else {"maxLength": high})


def whole(low: int, high: int) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": low, "maximum": high}


def number(low: float, high: float) -> Schema:
    """Any number."""
    return {"type": "number", "minimum": low, "maximum": high}


def one_of(*values: object) -> Schema:
    """One of these values."""
    return {"enum": list(values)}


def many(items: Schema, low: int = 0, high: int | None = None) -> Schema:
    """A list."""
    return {"type": "array", "items": items, "minItems": low} | (
        {} if high is None else {"maxItems": high}
    )


def either(*schemas: Schema) -> Schema:
    """Any of these."""
    return {"anyOf": list(schemas)}


def closed(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """An object that may hold nothing else; what is not required may be null."""
    known = {
        name: schema if name in required else either(schema, {"type": "null"})
        for name, schema in properties.items()
    }
    return {
        "type": "object", "properties": known, "required": list(required),
        "additionalProperties": False,
    }  # fmt: skip


def said(words: str, schema: Schema) -> Schema:
    """The same, with words for a reader."""
    return {**schema, "description": words}


def holding(**properties: Schema) -> Schema:
    """An answer that holds at least this."""
    return {"type": "object", "properties": properties, "required": list(properties)}


FLAG: Schema = {"type": "boolean"}
ANY: Schema = {}
OBJECT: Schema = {"type": "object"}
MODEL = text(0, 256)
STOP = either(text(1, 512), many(text(1, 512), 0, 8))
SAMPLING: Mapping[str, Schema] = {
    **{name: number(*bounds) for name, bounds in NUMBER_BOUNDS.items()},
    **{name: whole(*bounds) for name, bounds in WHOLE_BOUNDS.items()},
    "seed": whole(-1, 2**63 - 1),
    "logit_bias": {
        "type": "object", "maxProperties": 1024, "additionalProperties": number(-100, 100),
        "propertyNames": {"pattern": "^[0-9]{1,9}$"},
    },
}  # fmt: skip
FORM = either(
    closed(("type",), type=one_of("text", "json_object")),
    closed(("type", "json_schema"), type=one_of("json_schema"),
           json_schema=closed(("schema",), name=text(0, 64), schema=OBJECT, strict=FLAG,
                              description=text())),
)  # fmt: skip
_PART = closed(("type", "text"), type=one_of("text"), text=text())
NAME: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,128}$"}
_OFFERED = closed(("name",), name=NAME, description=text(), parameters=OBJECT, strict=FLAG)
_FUNCTION = one_of("function")
TOOLS = many(closed(("function",), type=_FUNCTION, function=_OFFERED), 0, MAX_TOOLS)
CHOICE = either(
    one_of("none", "auto"),
    closed(("type", "function"), type=_FUNCTION, function=closed(("name",), name=NAME)),
)
_ID = text(0, MAX_NAME)
_CALL = closed(
    ("function",), id=_ID, type=_FUNCTION,
    function=closed(("name",), name=NAME, arguments=either(OBJECT, one_of("{}", ""))),
)  # fmt: skip
MESSAGE = either(
    closed(("role", "content"), role=one_of("system", "developer", "user", "assistant"),
           content=either(text(), many(_PART)), name=text(0, MAX_NAME)),
    closed(("role", "content", "tool_calls"), role=one_of("assistant"),
           content=either(text(), {"type": "null"}), tool_calls=many(_CALL, 0, MAX_TOOLS)),
    closed(("role", "content"), role=one_of("tool"), content=text(), tool_call_id=_ID),
)  # fmt: skip
_REMEMBERED = said("false: nothing read before helps, and nothing of this one is kept.", FLAG)
_SHARED: Mapping[str, Schema] = {
    **SAMPLING,
    "model": MODEL,
    "stream": FLAG,
    "stream_options": closed(include_usage=FLAG, include_obfuscation=FLAG),
    "stop": STOP,
    "max_tokens": either(whole(0, 1_048_576), one_of(-1)),
    "n": one_of(1),
    "preset": text(1, 128),
    "cache_prompt": _REMEMBERED,
    "draft": FLAG,
    "truncate": FLAG,
    "notices": said("A stream may hold what the asker should know meanwhile.", FLAG),
    "priority": said("Who goes first in line.", one_of(*PRIORITIES)),
    "override_memory": said("Load the model even where it does not fit into free memory.", FLAG),
    "user": text(),
    "metadata": OBJECT,
    "store": FLAG,
}
CHAT = closed(
    ("messages",),
    **_SHARED,
    messages=many(MESSAGE, 1, 4096),
    max_completion_tokens=either(whole(0, 1_048_576), one_of(-1)),
    response_format=FORM,
    logprobs=FLAG,
    top_logprobs=whole(0, MAX_LOGPROBS),
    think=FLAG,
    tools=TOOLS,
    tool_choice=CHOICE,
    parallel_tool_calls=FLAG,
)
COMPLETION = closed(
    ("prompt",),
    **_SHARED,
    prompt=either(text(1), many(text(1), 1, 1)),
    logprobs=whole(0, MAX_LOGPROBS),
    echo=FLAG,
    suffix=text(),
)
EMBEDDINGS = closed(
    ("input",),
    model=MODEL,
    input=either(text(1), many(text(1), 1, 2048)),
    encoding_format=one_of("float", "base64"),
    user=text(),
    truncate=FLAG,
)
_ITEM = either(
    closed(("role", "content"), type=one_of("message"),
           role=one_of("system", "developer", "user", "assistant"),
           content=either(text(), many(closed(("type", "text"), text=text(),
                                              type=one_of("input_text", "output_text"))))),
    closed(("type", "call_id", "name", "arguments"), type=one_of("function_call"), call_id=_ID,
           name=NAME, arguments=one_of("{}"), id=text(), status=text()),
    closed(("type", "call_id", "output"), type=one_of("function_call_output"), call_id=_ID,
           output=text(), id=text(), status=text()),
)  # fmt: skip
RESPONSE = closed(
    ("input",),
    model=MODEL,
    input=either(text(), many(_ITEM, 1)),
    tools=many(closed(("type", "name"), type=_FUNCTION, name=NAME, description=text(),
                      parameters=OBJECT, strict=FLAG), 0, MAX_TOOLS),
    tool_choice=either(one_of("none", "auto"),
                       closed(("type", "name"), type=_FUNCTION, name=NAME)),
    parallel_tool_calls=FLAG,
    instructions=text(),
    max_output_tokens=whole(1, 1_048_576),
    temperature=SAMPLING["temperature"],
    top_p=SAMPLING["top_p"],
    stream=FLAG,
    truncation=one_of("auto", "disabled"),
    store=FLAG,
    metadata=OBJECT,
)  # fmt: skip
_BLOCK = closed(("type", "text"), type=one_of("text"), text=text())
_BLOCKS = many(either(
    _BLOCK,
    closed(("type", "id", "name", "input"), type=one_of("tool_use"), id=_ID, name=NAME,
           input=OBJECT),
    closed(("type", "tool_use_id"), type=one_of("tool_result"), tool_use_id=_ID,
           content=either(text(), many(_BLOCK)), is_error=FLAG),
))  # fmt: skip
ANTHROPIC = closed(
    ("messages", "max_tokens"),
    model=MODEL,
    messages=many(either(
        closed(("role", "content"), role=one_of("user", "assistant"),
               content=either(text(), many(_BLOCK))),
        closed(("role", "content"), role=one_of("assistant"), content=_BLOCKS),
    ), 1, 4000),
    tools=many(closed(("name", "input_schema"), name=NAME, description=text(),
                      input_schema=OBJECT, type=one_of("custom"), strict=FLAG), 0, MAX_TOOLS),
    tool_choice=closed(("type",), type=one_of("auto", "none"), disable_parallel_tool_use=FLAG),
    max_tokens=whole(1, 1_048_576),
    system=either(text(), many(_BLOCK)),
    stop_sequences=many(text(1, 512), 0, 8),
    stream=FLAG,
    temperature=SAMPLING["temperature"],
    top_k=SAMPLING["top_k"],
    top_p=SAMPLING["top_p"],
    thinking=closed(("type",), type=one_of("enabled", "disabled", "adaptive"),
                    budget_tokens=whole(0, 1_048_576)),
    metadata=OBJECT,
    truncate=FLAG,
)  # fmt: skip
_OLLAMA: Mapping[str, Schema] = {
    "model": text(1, 256),
    "stream": FLAG,
    "keep_alive": either(whole(-1, 86400), one_of("5m", "1h30m", "0", "-1")),
    "think": either(FLAG, one_of("low", "medium", "high")),
    "truncate": FLAG,
    "format": either(one_of("json", ""), OBJECT),
    "options": closed(
        num_predict=whole(-2, 1_048_576), stop=STOP, num_ctx=ANY,
        **{name: SAMPLING[name] for name in ("seed", "temperature", "top_k", "top_p", "min_p",
                                             "repeat_penalty", "repeat_last_n")},
    ),
}  # fmt: skip
OLLAMA_CHAT = closed(
    ("model",),
    **_OLLAMA,
    messages=many(either(
        closed(("role", "content"), role=one_of("system", "user", "assistant", "tool"),
               content=text(), thinking=text(), tool_name=text(0, MAX_NAME)),
        closed(("role", "tool_calls"), role=one_of("assistant"), content=text(),
               tool_calls=many(closed(("function",), id=_ID,
                                      function=closed(("name",), name=NAME, arguments=OBJECT)),
                               0, MAX_TOOLS)),
    ), 0, 4096),
    tools=TOOLS,
)  # fmt: skip
OLLAMA_GENERATE = closed(
    ("model",),
    **_OLLAMA,
    prompt=text(),
    system=text(),
    suffix=text(),
    raw=FLAG,
    context=many(whole(0, 2**24 - 1), 0, 0),
)
OLLAMA_EMBED = closed(
    ("model", "input"),
    model=text(1, 256),
    input=either(text(1), many(text(1), 1, 2048)),
    truncate=FLAG,
    options=OBJECT,
    keep_alive=ANY,
)
OLLAMA_EMBED_ONE = closed(
    ("model", "prompt"), model=text(1, 256), prompt=text(1), options=OBJECT, keep_alive=ANY
)
LLAMACPP = closed(
    ("prompt",),
    **SAMPLING,
    model=MODEL,
    prompt=text(1),
    n_predict=either(whole(1, 1_048_576), one_of(-1, -2)),
    stop=STOP,
    stream=FLAG,
    n_probs=whole(0, MAX_LOGPROBS),
    json_schema=OBJECT,
    cache_prompt=_REMEMBERED,
    truncate=FLAG,
)
INFILL = closed(
    ("input_prefix", "input_suffix"),
    **SAMPLING,
    input_prefix=text(),
    input_suffix=text(),
    prompt=text(),
    n_predict=either(whole(1, 1_048_576), one_of(-1, -2)),
    stop=STOP,
    stream=FLAG,
)
_UNITS = whole(0, MAX_UNITS)
EDITS = closed(
    ("base_version", "edits"),
    base_version=whole(0, 2**53),
    edits=many(closed(("at", "remove", "insert"), at=_UNITS, remove=_UNITS,
                      insert=text(0, MAX_UNITS)), 1, MAX_EDITS),
    marks=many(many(_UNITS, 2, 2), 0, MAX_MARKS),
)  # fmt: skip
_TOLD: Mapping[str, Schema] = {
    "thoughts": text(0, MAX_MESSAGE),
    "model": text(0, 256),
    "speed": number(0, 1e9),
}
NODE = closed(
    ("role", "text"), parent=text(1, 64), role=one_of(*ROLES), text=text(0, MAX_MESSAGE), **_TOLD
)
NODE_CHANGE = closed(text=text(0, MAX_MESSAGE), **_TOLD)
TOKENS = many(whole(0, 2**31 - 1), 0, 1 << 20)
USAGE = holding(
    prompt_tokens=whole(0, 2**40), completion_tokens=whole(0, 2**40), total_tokens=whole(0, 2**40)
)
OPENAI_ERROR = holding(
    error=holding(message=text(1), type=text(1), param=ANY, code=text(1),
                  galosh=holding(code=text(1), what=text(1), why=ANY, next_step=text(1))),
)  # fmt: skip
ANTHROPIC_ERROR = holding(error=holding(message=text(1), type=text(1)))
OLLAMA_ERROR = holding(error=either(text(1), OBJECT))
