"""What the worker says, checked and typed. Pure.

The worker is not trusted: a field that is missing, of the wrong type, negative or not finite
makes the frame a `LieError`, and the owner ends such a worker. Frames of an unknown type are None
(a newer worker may say more), and text is passed on as it is.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from galosh.base.errors import GaloshError
from galosh.base.texts import error_text

Frame = Mapping[str, object]

_COUNT_LIMIT = 1 << 40
FINISH_REASONS = frozenset({"stop", "length", "cancelled"})


class LieError(Exception):
    """A frame that breaks the protocol; the text names the field, never its contents."""


@dataclass(frozen=True)
class Hello:
    """The worker is up."""

    protocol: int
    binding: str
    system: str
    pid: int


@dataclass(frozen=True)
class LoadProgress:
    """`fraction` of the model is read, 0 to 1."""

    fraction: float


@dataclass(frozen=True)
class Loaded:
    """The model stands ready. Unknown is None. sequences: answers at a time; parts of its
    memory as the engine itself tells them. draft_model: a small model guesses for it;
    draft_refused: why the one it was given does not. confined: what keeps it from the rest of
    the PC."""

    context_tokens: int
    context_train: int | None
    memory_bytes: int | None
    load_seconds: float | None
    template: bool | None
    sequences: int | None = None
    weights_bytes: int | None = None
    cache_bytes: int | None = None
    compute_bytes: int | None = None
    output_bytes: int | None = None
    draft_model: bool = False
    draft_refused: GaloshError | None = None
    confined: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadFailed:
    """The worker could not load the model, and says why."""

    code: str
    why: str
    facts: Mapping[str, object]


@dataclass(frozen=True)
class Begun:
    """The request with this id is being read."""

    id: str
    prompt_tokens: int
    cached_tokens: int
    thinking: bool = False
    form: str = ""


@dataclass(frozen=True)
class Text:
    """A piece of the answer with this id; `logprobs` as the worker gave them."""

    id: str
    text: str
    logprobs: object | None = None


@dataclass(frozen=True)
class Finished:
    """The answer with this id is complete."""

    id: str
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


@dataclass(frozen=True)
class Failed:
    """The request with this id ended in an error the worker states."""

    id: str
    code: str
    facts: Mapping[str, object]


@dataclass(frozen=True)
class Tokens:
    """Answer to tokenize or count; `tokens` None when only the number was asked for."""

    id: str
    count: int
    tokens: tuple[int, ...] | None


@dataclass(frozen=True)
class Detokenized:
    """Answer to detokenize."""

    id: str
    text: str


@dataclass(frozen=True)
class Embedded:
    """Answer to embed: a vector of float32 for each text."""

    id: str
    vectors: tuple[bytes, ...]
    tokens: int
    dropped_tokens: int = 0


@dataclass(frozen=True)
class Fatal:
    """The worker cannot work at all, and is about to end."""

    code: str
    facts: Mapping[str, object]


@dataclass(frozen=True)
class Alive:
    """A sign of life for the request with this id, and nothing else."""

    id: str


@dataclass(frozen=True)
class Rested:
    """It gave memory back; memory_bytes: what it still holds. saved_bytes: of prefixes."""

    id: str
    stage: str
    memory_bytes: int | None
    saved_bytes: int
    seconds: float


@dataclass(frozen=True)
class Waking:
    """The request with this id has to wait until what was given back is there again."""

    id: str


@dataclass(frozen=True)
class Woken:
    """It is there again."""

    id: str
    seconds: float


Load = Hello | LoadProgress | Loaded | LoadFailed | Fatal
Ending = Finished | Failed | Tokens | Detokenized | Embedded
Reply = Load | Begun | Text | Ending | Rested | Waking | Woken
AnyReply = Reply | Alive


def parse(frame: Frame) -> AnyReply | None:
    """The typed reply; None for a type this version does not know. Raises LieError."""
    kind = frame.get("type")
    if not isinstance(kind, str):
        raise LieError("type")
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(frame)
    name = frame.get("id")
    return Alive(name) if isinstance(name, str) else None


def stated_error(code: str, facts: Mapping[str, object]) -> GaloshError:
    """The error a worker stated; a code nobody knows keeps its name as a fact."""
    known = {name: value for name, value in facts.items() if name != "code"}
    try:
        error_text(code)
    except KeyError:
        reason = str(facts.get("why") or facts.get("reason") or code)[:200]
        return GaloshError("supervisor-worker-refused", worker_code=code, reason=reason)
    return GaloshError(code, **known)


def _hello(frame: Frame) -> Hello:
    return Hello(
        _count(frame, "protocol"), _word(frame, "binding"), _word(frame, "system"),
        _count(frame, "pid"),
    )  # fmt: skip


def _progress(frame: Frame) -> LoadProgress | Alive:
    name = frame.get("id")
    if isinstance(name, str):  # a model coming back for a request that waits
        return Alive(name)
    return LoadProgress(min(1.0, _amount(frame, "fraction")))


def _loaded(frame: Frame) -> Loaded:
    template = frame.get("template")
    return Loaded(
        context_tokens=_count(frame, "context_tokens"),
        context_train=_maybe_count(frame, "context_train"),
        memory_bytes=_maybe_count(frame, "memory_bytes"),
        load_seconds=None if frame.get("load_seconds") is None else _amount(frame, "load_seconds"),
        template=template if isinstance(template, bool) else None,
        sequences=_maybe_count(frame, "sequences"),
        weights_bytes=_maybe_count(frame, "weights_bytes"),
        cache_bytes=_maybe_count(frame, "cache_bytes"),
        compute_bytes=_maybe_count(frame, "compute_bytes"),
        output_bytes=_maybe_count(frame, "output_bytes"),
        draft_model=frame.get("draft_model") is True,
        draft_refused=_stated(frame, "draft_refused"),
        confined=_names(frame.get("confined")),
    )


def _rested(frame: Frame) -> Rested:
    return Rested(
        id=_word(frame, "id"),
        stage=_word(frame, "stage"),
        memory_bytes=_maybe_count(frame, "memory_bytes"),
        saved_bytes=_maybe_count(frame, "saved_bytes") or 0,
        seconds=_amount(frame, "seconds"),
    )


def _waking(frame: Frame) -> Waking:
    return Waking(_word(frame, "id"))


def _woken(frame: Frame) -> Woken:
    return Woken(_word(frame, "id"), _amount(frame, "seconds"))


def _load_failed(frame: Frame) -> LoadFailed:
    return LoadFailed(_word(frame, "code"), str(frame.get("why") or "")[:200], _facts(frame))


def _fatal(frame: Frame) -> Fatal:
    return Fatal(_word(frame, "code"), _facts(frame))


def _begun(frame: Frame) -> Begun:
    return Begun(
        _word(frame, "id"),
        _count(frame, "prompt_tokens"),
        _maybe_count(frame, "cached_tokens") or 0,
        frame.get("thinking") is True,
        _word(frame, "form") if "form" in frame else "",
    )


def _text(frame: Frame) -> Text:
    return Text(_word(frame, "id"), _word(frame, "text"), frame.get("logprobs"))


def _finished(frame: Frame) -> Finished:
    reason = _word(frame, "finish_reason")
    if reason not in FINISH_REASONS:
        raise LieError("finish_reason")
    return Finished(
        id=_word(frame, "id"),
        finish_reason=reason,
        prompt_tokens=_count(frame, "prompt_tokens"),
        completion_tokens=_count(frame, "completion_tokens"),
        cached_tokens=_maybe_count(frame, "cached_tokens") or 0,
        prefill_seconds=_amount(frame, "prefill_seconds"),
        decode_seconds=_amount(frame, "decode_seconds"),
        draft_tokens=_maybe_count(frame, "draft_tokens") or 0,
        draft_accepted=_maybe_count(frame, "draft_accepted") or 0,
        restored_tokens=_maybe_count(frame, "restored_tokens") or 0,
        stop_string=None if frame.get("stop_string") is None else _word(frame, "stop_string"),
        dropped_messages=_maybe_count(frame, "dropped_messages") or 0,
        dropped_tokens=_maybe_count(frame, "dropped_tokens") or 0,
    )


def _failed(frame: Frame) -> Failed:
    return Failed(_word(frame, "id"), _word(frame, "code"), _facts(frame))


def _tokens(frame: Frame) -> Tokens:
    tokens = frame.get("tokens")
    if tokens is None:
        return Tokens(_word(frame, "id"), _count(frame, "count"), None)
    if not isinstance(tokens, list) or not all(type(token) is int for token in tokens):
        raise LieError("tokens")
    return Tokens(_word(frame, "id"), len(tokens), tuple(tokens))


def _stated(frame: Frame, name: str) -> GaloshError | None:
    value = frame.get(name)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise LieError(name)
    return stated_error(_word(value, "code"), _facts(value))


def _count_reply(frame: Frame) -> Tokens:
    name = "tokens" if isinstance(frame.get("tokens"), int) else "count"
    return Tokens(_word(frame, "id"), _count(frame, name), None)


def _detokenized(frame: Frame) -> Detokenized:
    return Detokenized(_word(frame, "id"), _word(frame, "text"))


def _embedded(frame: Frame) -> Embedded:
    found = frame.get("vectors")
    if not isinstance(found, list):
        raise LieError("vectors")
    try:
        vectors = [base64.b64decode(text, validate=True) for text in found]
    except (TypeError, ValueError):
        raise LieError("vectors") from None
    if any(not vector or len(vector) % 4 for vector in vectors):
        raise LieError("vectors")
    dropped = _maybe_count(frame, "dropped_tokens") or 0
    return Embedded(_word(frame, "id"), tuple(vectors), _count(frame, "tokens"), dropped)


_READERS: Mapping[str, Callable[[Frame], AnyReply]] = {
    "hello": _hello,
    "load_progress": _progress,
    "loaded": _loaded,
    "load_failed": _load_failed,
    "fatal": _fatal,
    "started": _begun,
    "text": _text,
    "done": _finished,
    "error": _failed,
    "tokens": _tokens,
    "count": _count_reply,
    "counted": _count_reply,
    "detokenized": _detokenized,
    "embedded": _embedded,
    "rested": _rested,
    "waking": _waking,
    "woken": _woken,
}


def _word(frame: Frame, name: str) -> str:
    value = frame.get(name)
    if not isinstance(value, str):
        raise LieError(name)
    return value


def _count(frame: Frame, name: str) -> int:
    value = frame.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _COUNT_LIMIT:
        raise LieError(name)
    return value


def _maybe_count(frame: Frame, name: str) -> int | None:
    return None if frame.get(name) is None else _count(frame, name)


def _names(value: object) -> tuple[str, ...]:
    """Words for the log, as far as that is what they are."""
    given = value if isinstance(value, list) else []
    return tuple(text for text in given[:16] if isinstance(text, str) and text.isprintable())


def _amount(frame: Frame, name: str) -> float:
    value = frame.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise LieError(name)
    if not math.isfinite(value) or value < 0:
        raise LieError(name)
    return float(value)


def _facts(frame: Frame) -> dict[str, object]:
    facts = frame.get("facts", {})
    if not isinstance(facts, Mapping):
        raise LieError("facts")
    return {str(name): value for name, value in facts.items()}
