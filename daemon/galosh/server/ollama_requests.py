"""What clients may ask in Ollama's words, turned into the checked values of `requests`. Pure.

Rules: as in `requests`, nothing is dropped in silence. The options by which Ollama lets a
client say *how* a model is run (`RUNNING`) are galosh's own decision and change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.server import fields
from galosh.server.fields import Json
from galosh.server.ollama_context import decode
from galosh.server.requests import Question, parse_chat, parse_completion
from galosh.server.sampling import read_form
from galosh.server.tools import MAX_TOOLS

_MAX_TEXT = 16 * 1024 * 1024
_MAX_NAME = 4096
_COMMON = {"model", "stream", "options", "format", "keep_alive", "think", "logprobs", "truncate",
           "top_logprobs", "shift"}  # fmt: skip
_CHAT = frozenset(_COMMON | {"messages", "tools"})
_GENERATE = frozenset(
    _COMMON | {"prompt", "system", "suffix", "raw", "images", "template", "context"}
)
_MESSAGE = frozenset(
    {"role", "content", "images", "tool_calls", "tool_name", "thinking", "tool_call_id"}
)
_SAMPLING = frozenset(
    {
        "seed", "temperature", "top_k", "top_p", "min_p", "typical_p", "repeat_penalty",
        "repeat_last_n", "presence_penalty", "frequency_penalty", "mirostat", "mirostat_tau",
        "mirostat_eta", "stop",
    }
)  # fmt: skip
RUNNING = frozenset(
    {
        "num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep", "numa",
        "low_vram", "vocab_only", "use_mmap", "use_mlock", "f16_kv", "logits_all", "num_gqa",
        "penalize_newline", "tfs_z", "rope_frequency_base", "rope_frequency_scale",
    }
)  # fmt: skip
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class OllamaQuestion:
    """question None: only load the model, or unload it. keep_seconds: how long the model
    shall stay (0: unload it when done, negative: for ever); None leaves that to galosh."""

    model_id: str
    question: Question | None
    stream: bool
    keep_seconds: float | None


def parse_ollama_chat(data: Json) -> OllamaQuestion:
    """`POST /api/chat`. Raises GaloshError `server-bad-request` or `server-unsupported`."""
    fields.only(data, _CHAT)
    found = data.get("messages")
    messages = [] if found is None else found
    if not isinstance(messages, list):
        raise fields.wrong("messages", found, say("server.want.messages", low=0, high=4096))
    talk = [_message(f"messages[{index}]", item) for index, item in enumerate(messages)]
    asked = _common(data) | {"messages": talk, "tools": data.get("tools")}
    question = parse_chat(asked) if talk else None
    return _asked(data, question)


def parse_ollama_generate(data: Json) -> OllamaQuestion:
    """`POST /api/generate`: with a template the prompt is what a user says, `raw` is text."""
    fields.only(data, _GENERATE)
    fields.refuse(data, "images", "server.cannot.media", ([],))
    fields.refuse(data, "template", "server.cannot.template", ("",))
    earlier = decode(data.get("context"))
    prompt = fields.text(data, "prompt", 0, _MAX_TEXT)
    if not prompt:
        return _asked(data, None)
    suffix = fields.text(data, "suffix", 0, _MAX_TEXT)
    if earlier and (fields.flag(data, "raw") or suffix):
        reason = say("server.cannot.context_raw")
        raise GaloshError("server-unsupported", field="context", reason=reason)
    if fields.flag(data, "raw") or suffix:
        common = _common(data) | {"suffix": suffix}
        common.pop("think", None)
        common["logprobs"] = common.pop("top_logprobs", None)  # as completions ask for them
        form = common.pop("response_format", None)
        question = parse_completion(common | {"prompt": prompt})
        options = {**question.options, **read_form({"response_format": form})}
        return _asked(data, replace(question, options=options))
    talk: list[object] = []
    if system := fields.text(data, "system", 0, _MAX_TEXT):
        talk.append({"role": "system", "content": system})
        earlier = [turn for turn in earlier if not _is_system(turn)]
    talk += [*earlier, {"role": "user", "content": prompt}]
    return _asked(data, parse_chat(_common(data) | {"messages": talk}))


def _is_system(turn: object) -> bool:
    return isinstance(turn, Mapping) and turn.get("role") == "system"


def parse_ollama_name(data: Json, *also: str) -> str:
    """The model a request names, `:latest` taken off."""
    fields.only(data, frozenset({"model", "name", *also}))
    named = "model" if data.get("model") else "name"
    return plain_name(fields.needed_text(data, named, 1, _MAX_NAME))


def plain_name(name: str) -> str:
    """Ollama's tag for "the usual one" says nothing here."""
    return name.strip().removesuffix(":latest")


def _asked(data: Json, question: Question | None) -> OllamaQuestion:
    stream = True if data.get("stream") is None else fields.flag(data, "stream")
    name = plain_name(fields.needed_text(data, "model", 1, _MAX_NAME))
    if question is not None:
        question = replace(question, model_id=name, stream=stream)
    return OllamaQuestion(name, question, stream, _keep_seconds(data.get("keep_alive")))


def _common(data: Json) -> dict[str, object]:
    """The part of a request that says how to answer, in OpenAI's words."""
    options = fields.table(data, "options")
    fields.only(options, _SAMPLING | RUNNING | {"num_predict"}, "options.")
    asked: dict[str, object] = {
        name: value for name, value in options.items() if name in _SAMPLING and value is not None
    }
    think = data.get("think")
    if think is not None:
        # Some models take a strength; what matters here is whether they think.
        if think not in (True, False, "low", "medium", "high"):
            raise fields.wrong("think", think, say("server.want.known", names="true, false"))
        asked["think"] = think is not False
    if fields.flag(data, "truncate"):
        asked["truncate"] = True
    if fields.flag(data, "logprobs"):
        asked |= {"logprobs": True, "top_logprobs": data.get("top_logprobs") or 0}
    longest = fields.integer(options, "num_predict", -2, 1_048_576)
    if longest is not None and longest > 0:
        asked["max_tokens"] = longest
    form = data.get("format")
    if form == "json":
        asked["response_format"] = {"type": "json_object"}
    elif isinstance(form, Mapping):
        schema = {"name": "answer", "schema": form}
        asked["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif form not in (None, ""):
        raise fields.wrong("format", form, say("server.want.known", names='"json", {…}'))
    return asked


def _message(place: str, item: object) -> dict[str, object]:
    data = fields.checked_table(place, item)
    fields.only(data, _MESSAGE, f"{place}.")
    if data.get("images"):
        raise GaloshError(
            "server-unsupported", field=f"{place}.images", reason=say("server.cannot.media")
        )
    kept = {name: data[name] for name in ("role", "content", "tool_call_id") if data.get(name)}
    if data.get("tool_name") is not None:
        kept["name"] = data["tool_name"]
    if data.get("tool_calls"):
        kept["tool_calls"] = _calls(f"{place}.tool_calls", data["tool_calls"])
    return {"content": "", **kept}


def _calls(place: str, found: object) -> list[object]:
    """Calls as OpenAI has them: Ollama numbers them inside of the function."""
    if not isinstance(found, list):
        raise fields.wrong(place, found, say("server.want.tools", high=MAX_TOOLS))
    calls: list[object] = []
    for index, item in enumerate(found):
        call = dict(fields.checked_table(f"{place}[{index}]", item))
        function = dict(fields.checked_table(f"{place}[{index}].function", call.get("function")))
        function.pop("index", None)
        calls.append({**call, "function": function})
    return calls


def _keep_seconds(value: object) -> float | None:
    """Go's durations (`10m`, `1h30m`), or seconds."""
    expected = say("server.want.known", names='"10m", "24h", 0, -1')
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12:
        return float(value)
    if not isinstance(value, str):
        raise fields.wrong("keep_alive", value, expected)
    rest, total, sign = value.strip(), 0.0, 1.0
    if rest.startswith("-"):
        rest, sign = rest[1:], -1.0
    if rest.isascii() and rest.isdigit() and len(rest) < 12:
        return sign * int(rest)
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789."))
        unit = next((u for u in _UNITS if rest[digits:].startswith(u)), None)
        if unit is None or not 0 < digits < 12 or rest[:digits].count(".") > 1:
            raise fields.wrong("keep_alive", value, expected)
        number = rest[:digits].strip(".")
        total += float(number or 0) * _UNITS[unit]
        rest = rest[digits + len(unit) :]
    return sign * total
