"""What clients may ask in the words of llama.cpp's own server. Pure.

Source: tools/server/README.md of llama.cpp. As everywhere a request is closed: what only
says how the model is run, or asks for what every answer here holds anyway, is ignored by a
written list; what galosh cannot do is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from galosh.base.texts import say
from galosh.server import fields
from galosh.server.fields import Json
from galosh.server.requests import MAX_LOGPROBS, Question, parse_completion
from galosh.server.sampling import SAMPLING_FIELDS, read_form

_MAX_TEXT = 16 * 1024 * 1024
_MAX_TOKENS = 1 << 20
_IGNORED = frozenset(
    {
        "id_slot", "timings_per_token", "return_progress", "n_keep",
        "post_sampling_probs", "n_indent", "t_max_predict_ms", "t_max_prompt_ms", "api_key",
        "speculative.n_max", "speculative.n_min", "speculative.p_min", "min_keep",
    }
)  # fmt: skip
_PASSED = frozenset({"cache_prompt", "model", "stop", "stream"}) | SAMPLING_FIELDS
_REFUSED: Mapping[str, tuple[str, tuple[object, ...]]] = {
    "grammar": ("server.cannot.grammar", ("",)),
    "samplers": ("server.cannot.samplers", ([],)),
    "image_data": ("server.cannot.media", ([],)),
    "lora": ("server.cannot.samplers", ([],)),
    "return_tokens": ("server.cannot.tokens", (False,)),
    "response_fields": ("server.cannot.tokens", ([],)),
    "ignore_eos": ("server.cannot.samplers", (False,)),
    "input_extra": ("server.cannot.extra", ([],)),
    "n_cmpl": ("server.cannot.many", (1,)),
}
_COMPLETION = _PASSED | _IGNORED | frozenset(_REFUSED) | {
    "prompt", "n_predict", "max_tokens", "n_probs", "json_schema", "truncate",
}  # fmt: skip
_INFILL = _COMPLETION | {"input_prefix", "input_suffix"}


@dataclass(frozen=True)
class TextToRead:
    """`POST /tokenize`. pieces: the text of every token is wanted too."""

    text: str
    model_id: str | None


def parse_llamacpp_completion(data: Json) -> Question:
    """`POST /completion`. Raises GaloshError `server-bad-request`, `server-unsupported`."""
    _refuse(data, _COMPLETION)
    prompt = data.get("prompt")
    if isinstance(prompt, list):
        fields.refuse(data, "prompt", "server.cannot.context")
    return _question(data, fields.needed_text(data, "prompt", 1, _MAX_TEXT), None)


def parse_infill(data: Json) -> Question:
    """`POST /infill`: what belongs between two texts."""
    _refuse(data, _INFILL)
    before = fields.needed_text(data, "input_prefix", 0, _MAX_TEXT)
    after = fields.needed_text(data, "input_suffix", 0, _MAX_TEXT)
    begun = fields.text(data, "prompt", 0, _MAX_TEXT) or ""
    # The model's marks stand around it, so an empty beginning is one too.
    return _question(data, before + begun, after)


def parse_llamacpp_tokenize(data: Json) -> TextToRead:
    """`POST /tokenize`."""
    fields.only(
        data, frozenset({"content", "add_special", "parse_special", "with_pieces", "model"})
    )
    fields.refuse(data, "with_pieces", "server.cannot.tokens", (False,))
    fields.refuse(data, "add_special", "server.cannot.tokens", (False,))
    fields.refuse(data, "parse_special", "server.cannot.tokens", (False,))
    text = fields.needed_text(data, "content", 0, _MAX_TEXT)
    return TextToRead(text, fields.text(data, "model", 1, 256))


def parse_detokenize(data: Json) -> tuple[list[int], str | None]:
    """`POST /detokenize`: the tokens, and whose they are."""
    fields.only(data, frozenset({"tokens", "model"}))
    tokens = data.get("tokens")
    expected = say("server.want.tokens", high=_MAX_TOKENS)
    if not isinstance(tokens, list) or len(tokens) > _MAX_TOKENS:
        raise fields.wrong("tokens", tokens, expected)
    for token in tokens:
        if type(token) is not int or not 0 <= token < 2**31:
            raise fields.wrong("tokens", token, expected)
    return list(tokens), fields.text(data, "model", 1, 256)


def _refuse(data: Json, known: frozenset[str]) -> None:
    for name, (reason, harmless) in _REFUSED.items():
        fields.refuse(data, name, reason, harmless)
    fields.only(data, known)


def _question(data: Json, prompt: str, suffix: str | None) -> Question:
    asked: dict[str, object] = {
        name: value for name, value in data.items() if name in _PASSED and value is not None
    }
    longest = fields.integer(data, "n_predict", -2, 1_048_576)
    if longest is None:
        longest = fields.integer(data, "max_tokens", -1, 1_048_576)
    if longest is not None and longest > 0:
        asked["max_tokens"] = longest
    elif longest == 0:
        raise fields.wrong("n_predict", 0, say("server.want.integer", low=1, high=1_048_576))
    if probabilities := fields.integer(data, "n_probs", 0, MAX_LOGPROBS):
        asked["logprobs"] = probabilities
    asked["truncate"] = fields.flag(data, "truncate")
    question = parse_completion(asked | {"prompt": prompt or " "})
    options = dict(question.options)
    if data.get("json_schema") is not None:
        schema = {"type": "json_schema", "json_schema": {"schema": data["json_schema"]}}
        options |= read_form({"response_format": schema})
    if suffix is not None:
        options["suffix"] = suffix
    return replace(question, prompt=prompt, options=options)
