"""Reads requests: every field named, typed and bounded before native code sees it. Pure.

Native code ends the process on numbers it does not expect, so nothing unknown and nothing
out of its range gets past here; NaN and infinity never do. A wrong field raises
WorkerFault worker-option-wrong with its name, its value and what it must be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from galosh.worker.fault import WorkerFault
from galosh.worker.grammar import json_grammar, schema_grammar
from galosh.worker.turn import Tool, Turn, function_name, read_tools, read_turns

MAX_THREADS = 512
MAX_CONTEXT_TOKENS = 4 * 1024 * 1024
MAX_STOPS = 16
MAX_STOP_CHARACTERS = 512
MAX_BIASES = 1024
MAX_LOGPROBS = 20
MAX_SEQUENCES = 16
MAX_OUTPUTS = 64
MAX_BUDGET_BYTES = 1 << 44
KEY_BYTES = 32
MAX_IDENTITY_CHARACTERS = 512
MAX_BREAKERS = 16
# Native code cuts a longer one, in the middle of a character if need be.
MAX_BREAKER_BYTES = 40
CACHE_TYPES = ("f16", "q8_0", "f32")
REST_STAGES = ("buffers", "model")
# Who goes first where answers compete; the daemon's quick prompt is interactive.
BACKGROUND, NORMAL, INTERACTIVE = 0, 1, 2
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class LoadOptions:
    """What to load and how; None lets the engine choose.

    sequences: answers at a time. outputs: rows of logits a batch may ask for. prefix_…: where
    what was read is kept (None: not on disk), the key its files are signed with, what makes
    them fit this model and engine, and how much may be kept. confine: this model is the only one
    of this process's life; nothing else needs to be within reach. awaited: somebody's question
    waits for it. template: in place of the one in the file.
    """

    path: str
    context_tokens: int | None
    threads: int
    threads_batch: int
    adaptive_threads: bool
    batch_tokens: int
    use_mmap: bool
    flash_attention: bool | None
    cache_type: str
    gpu_layers: int
    check_tensors: bool
    sequences: int
    outputs: int
    prefix_folder: str | None
    prefix_key: bytes
    prefix_identity: str
    prefix_memory_bytes: int
    prefix_disk_bytes: int
    draft: bool
    draft_path: str | None
    confine: bool
    awaited: bool
    template: str | None
    template_name: str
    template_stops: tuple[str, ...]


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; names and defaults are llama.cpp's own."""

    temperature: float = 0.8
    dynatemp_range: float = 0.0
    dynatemp_exponent: float = 1.0
    top_n_sigma: float = -1.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_penalty_last_n: int = -1
    dry_sequence_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    # Whether penalties look back on a conversation too, or only on the answer itself; a raw
    # text that is gone on with is always looked back on.
    penalize_prompt: bool = True
    seed: int | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)

    @property
    def penalises(self) -> bool:
        """Whether any penalty is in force."""
        wanted = (self.repeat_penalty != 1.0, self.frequency_penalty, self.presence_penalty)
        return self.repeat_last_n != 0 and any(wanted)

    @property
    def dries(self) -> bool:
        """Whether repeated sequences are penalised."""
        return self.dry_multiplier > 0 and self.dry_penalty_last_n != 0


@dataclass(frozen=True)
class GenerateOptions:
    """One question: either messages or a raw prompt."""

    messages: tuple[Turn, ...] | None
    prompt: str | None
    max_tokens: int | None
    stop: tuple[str, ...]
    sampling: Sampling
    logprobs: int | None
    reuse: bool
    parse_special: bool
    priority: int
    draft: bool | None
    # Made here from `json`, `json_schema` or `tools`; never a caller's own.
    grammar: str | None = None
    # The grammar begins after this text; empty: with the answer.
    opener: str = ""
    # What comes after the text that is wanted, for models that can fill in.
    suffix: str | None = None
    # Oldest turns may be left out where the conversation is too long.
    truncate: bool = False
    # What the template is told where it knows thinking; None: nothing.
    think: bool | None = None
    # What the model may call; must_call: it has to, call_name: this one, parallel_calls: several.
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    call_name: str | None = None
    parallel_calls: bool = True


_LOAD_FIELDS = frozenset(LoadOptions.__dataclass_fields__) | {"type", "id"}
_GENERATE_FIELDS = (frozenset(GenerateOptions.__dataclass_fields__) - {"grammar", "opener"}) | {
    "type",
    "id",
    "json",
    "json_schema",
}


def read_load(request: Mapping[str, object]) -> LoadOptions:
    """The load request, checked; raises WorkerFault worker-option-wrong."""
    _closed(request, _LOAD_FIELDS)
    threads = _whole(request, "threads", 1, MAX_THREADS, 1)
    sequences = _whole(request, "sequences", 1, MAX_SEQUENCES, 1)
    cache_type = request.get("cache_type", "f16")
    if cache_type not in CACHE_TYPES:
        raise _wrong("cache_type", cache_type, " | ".join(CACHE_TYPES))
    flash = request.get("flash_attention")
    if flash is not None and not isinstance(flash, bool):
        raise _wrong("flash_attention", flash, "true | false | null")
    context_tokens = request.get("context_tokens")
    if context_tokens is not None:
        context_tokens = _whole(request, "context_tokens", 8, MAX_CONTEXT_TOKENS, 0)
    return LoadOptions(
        path=_text(request, "path"),
        context_tokens=context_tokens,
        threads=threads,
        threads_batch=_whole(request, "threads_batch", 1, MAX_THREADS, threads),
        adaptive_threads=_flag(request, "adaptive_threads", True),
        batch_tokens=_whole(request, "batch_tokens", 1, 8192, 256),
        use_mmap=_flag(request, "use_mmap", True),
        flash_attention=flash,
        cache_type=str(cache_type),
        gpu_layers=_whole(request, "gpu_layers", -1, 10_000, 0),
        check_tensors=_flag(request, "check_tensors", False),
        sequences=sequences,
        outputs=_whole(request, "outputs", sequences, MAX_OUTPUTS, max(sequences, 8)),
        prefix_folder=_maybe_text(request, "prefix_folder"),
        prefix_key=_key(request),
        prefix_identity=_identity(request),
        prefix_memory_bytes=_whole(request, "prefix_memory_bytes", 0, MAX_BUDGET_BYTES, 0),
        prefix_disk_bytes=_whole(request, "prefix_disk_bytes", 0, MAX_BUDGET_BYTES, 0),
        draft=_flag(request, "draft", True),
        draft_path=_maybe_text(request, "draft_path"),
        confine=_flag(request, "confine", False),
        awaited=_flag(request, "awaited", False),
        template=_maybe_text(request, "template"),
        template_name=_maybe_text(request, "template_name") or "",
        template_stops=_stops(request.get("template_stops")),
    )


def _key(request: Mapping[str, object]) -> bytes:
    """The key of saved prefixes; without a folder none is needed."""
    text = _maybe_text(request, "prefix_key")
    if text is None and request.get("prefix_folder") is None:
        return b""
    try:
        key = bytes.fromhex(text or "")
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        # The key is a secret: not even its length is told.
        raise _wrong("prefix_key", None, f"{2 * KEY_BYTES} × 0…f")
    return key


def _identity(request: Mapping[str, object]) -> str:
    identity = _maybe_text(request, "prefix_identity") or ""
    missing = not identity and request.get("prefix_folder") is not None
    if missing or len(identity) > MAX_IDENTITY_CHARACTERS:
        raise _wrong("prefix_identity", len(identity), f"1…{MAX_IDENTITY_CHARACTERS}")
    return identity


def read_threads(request: Mapping[str, object]) -> int:
    """The thread count of a threads request; raises WorkerFault worker-option-wrong."""
    return _whole(request, "count", 1, MAX_THREADS, None)


def read_stage(request: Mapping[str, object]) -> str:
    """How far a rest request goes; raises WorkerFault worker-option-wrong."""
    stage = _text(request, "stage")
    if stage not in REST_STAGES:
        raise _wrong("stage", stage, " | ".join(REST_STAGES))
    return stage


def read_generate(request: Mapping[str, object], vocabulary_tokens: int) -> GenerateOptions:
    """The generate request, checked; raises WorkerFault worker-option-wrong, -schema-…."""
    _closed(request, _GENERATE_FIELDS)
    messages = read_turns(request.get("messages"))
    prompt = None if request.get("prompt") is None else _text(request, "prompt")
    if (messages is None) == (prompt is None):
        raise _wrong("messages", None, "messages | prompt")
    tools, grammar = read_tools(request.get("tools")), _grammar(request)
    if tools and grammar is not None:
        raise _wrong("tools", None, "tools | json | json_schema")
    maximum = request.get("max_tokens")
    if maximum is not None:
        maximum = _whole(request, "max_tokens", 0, MAX_CONTEXT_TOKENS, 0)
    logprobs = request.get("logprobs")
    if logprobs is not None:
        logprobs = _whole(request, "logprobs", 0, MAX_LOGPROBS, 0)
    return GenerateOptions(
        messages=messages,
        prompt=prompt,
        max_tokens=maximum,
        stop=_stops(request.get("stop")),
        sampling=read_sampling(request.get("sampling"), vocabulary_tokens),
        logprobs=logprobs,
        reuse=_flag(request, "reuse", True),
        parse_special=_flag(request, "parse_special", True),
        priority=_whole(request, "priority", BACKGROUND, INTERACTIVE, NORMAL),
        draft=None if request.get("draft") is None else _flag(request, "draft", True),
        grammar=grammar,
        suffix=_maybe_text(request, "suffix"),
        truncate=_flag(request, "truncate", False),
        think=None if request.get("think") is None else _flag(request, "think", True),
        tools=tools,
        must_call=_flag(request, "must_call", False),
        call_name=_call_name(request, tools),
        parallel_calls=_flag(request, "parallel_calls", True),
    )


def _call_name(request: Mapping[str, object], tools: tuple[Tool, ...]) -> str | None:
    if request.get("call_name") is None:
        return None
    name = function_name(request, "call_name")
    if name not in {tool.name for tool in tools}:
        raise _wrong("call_name", None, "tools")
    return name


def read_sampling(data: object, vocabulary_tokens: int) -> Sampling:
    """The sampling table, checked; raises WorkerFault worker-option-wrong."""
    if data is None:
        return Sampling()
    if not isinstance(data, dict):
        raise _wrong("sampling", data, "{…}")
    _closed(data, frozenset(Sampling.__dataclass_fields__))
    seed = data.get("seed")
    if seed is not None:
        seed = _whole(data, "seed", -(2**63), 2**64 - 1, 0)
    base = Sampling()
    return Sampling(
        temperature=_number(data, "temperature", 0, 5, base.temperature),
        top_k=_whole(data, "top_k", -1, 2**31 - 1, base.top_k),
        top_p=_number(data, "top_p", 0, 1, base.top_p),
        min_p=_number(data, "min_p", 0, 1, base.min_p),
        typical_p=_number(data, "typical_p", 0, 1, base.typical_p),
        repeat_penalty=_number(data, "repeat_penalty", 0.01, 100, base.repeat_penalty),
        repeat_last_n=_whole(data, "repeat_last_n", -1, MAX_CONTEXT_TOKENS, base.repeat_last_n),
        frequency_penalty=_number(data, "frequency_penalty", -2, 2, base.frequency_penalty),
        presence_penalty=_number(data, "presence_penalty", -2, 2, base.presence_penalty),
        dynatemp_range=_number(data, "dynatemp_range", 0, 5, base.dynatemp_range),
        dynatemp_exponent=_number(data, "dynatemp_exponent", 0, 10, base.dynatemp_exponent),
        top_n_sigma=_number(data, "top_n_sigma", -1, 100, base.top_n_sigma),
        dry_multiplier=_number(data, "dry_multiplier", 0, 100, base.dry_multiplier),
        dry_base=_number(data, "dry_base", 1, 10, base.dry_base),
        dry_allowed_length=_whole(data, "dry_allowed_length", 1, 1024, base.dry_allowed_length),
        dry_penalty_last_n=_whole(
            data, "dry_penalty_last_n", -1, MAX_CONTEXT_TOKENS, base.dry_penalty_last_n
        ),
        dry_sequence_breakers=_breakers(data.get("dry_sequence_breakers")),
        xtc_probability=_number(data, "xtc_probability", 0, 1, base.xtc_probability),
        xtc_threshold=_number(data, "xtc_threshold", 0, 1, base.xtc_threshold),
        mirostat=_whole(data, "mirostat", 0, 2, base.mirostat),
        mirostat_tau=_number(data, "mirostat_tau", 0, 100, base.mirostat_tau),
        mirostat_eta=_number(data, "mirostat_eta", 0, 1, base.mirostat_eta),
        penalize_prompt=_flag(data, "penalize_prompt", base.penalize_prompt),
        seed=seed,
        logit_bias=_biases(data.get("logit_bias"), vocabulary_tokens),
    )


def _grammar(request: Mapping[str, object]) -> str | None:
    schema, free = request.get("json_schema"), _flag(request, "json", False)
    if schema is None:
        return json_grammar() if free else None
    if free:
        raise _wrong("json", free, "json | json_schema")
    return schema_grammar(schema)


def fold_seed(seed: int) -> int:
    """A seed of any size as the 32 bits native code takes; its "random" value is avoided."""
    folded = (seed ^ (seed >> 32)) & 0xFFFFFFFF if seed >= 2**32 else seed & 0xFFFFFFFF
    return 0xFFFFFFFE if folded == 0xFFFFFFFF else folded


def read_text(request: Mapping[str, object]) -> str:
    """The text of a tokenize or count request; raises WorkerFault worker-option-wrong."""
    return _text(request, "text")


def read_tokens(request: Mapping[str, object], vocabulary_tokens: int) -> list[int]:
    """The tokens of a detokenize request; raises WorkerFault worker-option-wrong."""
    tokens = request.get("tokens")
    if not isinstance(tokens, list) or len(tokens) > MAX_CONTEXT_TOKENS:
        raise _wrong("tokens", None, f"0…{MAX_CONTEXT_TOKENS}")
    for token in tokens:
        if type(token) is not int or not 0 <= token < vocabulary_tokens:
            raise _wrong("tokens", token, f"0…{vocabulary_tokens - 1}")
    return tokens


def utf8(text: str, name: str) -> bytes:
    """UTF-8 of `text`; raises WorkerFault worker-text-broken for a lone surrogate."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise WorkerFault("worker-text-broken", name=name, position=error.start) from None


def _stops(data: object) -> tuple[str, ...]:
    if data is None:
        return ()
    if not isinstance(data, list) or len(data) > MAX_STOPS:
        raise _wrong("stop", None, f"[0…{MAX_STOPS}]")
    for stop in data:
        # Of a stop string only the length is told: it is the user's text.
        if not isinstance(stop, str) or not 1 <= len(stop) <= MAX_STOP_CHARACTERS:
            length = len(stop) if isinstance(stop, str) else None
            raise _wrong("stop", length, f"1…{MAX_STOP_CHARACTERS}")
    return tuple(data)


def _breakers(data: object) -> tuple[str, ...]:
    if data is None:
        return Sampling().dry_sequence_breakers
    if not isinstance(data, list) or len(data) > MAX_BREAKERS:
        raise _wrong("dry_sequence_breakers", None, f"[0…{MAX_BREAKERS}]")
    for text in data:
        size = len(utf8(text, "dry_sequence_breakers")) if isinstance(text, str) else 0
        # A NUL would end the native text early.
        if not 1 <= size <= MAX_BREAKER_BYTES or "\0" in text:
            raise _wrong("dry_sequence_breakers", size, f"1…{MAX_BREAKER_BYTES}")
    return tuple(data)


def _biases(data: object, vocabulary_tokens: int) -> dict[int, float]:
    if data is None:
        return {}
    if not isinstance(data, dict) or len(data) > MAX_BIASES:
        raise _wrong("logit_bias", None, f"0…{MAX_BIASES}")
    biases: dict[int, float] = {}
    for key in data:
        digits = isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 10
        if not digits or int(key) >= vocabulary_tokens:
            raise _wrong("logit_bias", key, f"0…{vocabulary_tokens - 1}")
        biases[int(key)] = _number(data, key, -100, 100, 0)
    return biases


def _closed(data: Mapping[str, object], known: frozenset[str]) -> None:
    for name in data:
        if name not in known:
            raise _wrong(name, data[name], " | ".join(sorted(known - {"type"})))


def _text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise _wrong(name, value, '"…"')
    return value


def _maybe_text(data: Mapping[str, object], name: str) -> str | None:
    return None if data.get(name) is None else _text(data, name)


def _flag(data: Mapping[str, object], name: str, default: bool) -> bool:
    value = data.get(name, default)
    if not isinstance(value, bool):
        raise _wrong(name, value, "true | false")
    return value


def _whole(data: Mapping[str, object], name: str, low: int, high: int, default: int | None) -> int:
    value = data.get(name, default)
    # A float that is whole is what JSON writers make of an integer.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not low <= value <= high:
        raise _wrong(name, value, f"{low}…{high}")
    return value


def _number(
    data: Mapping[str, object], name: str, low: float, high: float, default: float
) -> float:
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(name, value, f"{low}…{high}")
    # NaN fails both comparisons, so it is refused here too.
    if not low <= value <= high or not math.isfinite(value):
        raise _wrong(name, value, f"{low}…{high}")
    return float(value)


def _wrong(name: str, value: object, expected: str) -> WorkerFault:
    shown = ascii(value)[:_SHOWN_CHARACTERS]
    return WorkerFault("worker-option-wrong", name=name, value=shown, expected=expected)
