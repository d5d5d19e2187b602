"""Embeddings as OpenAI and Ollama ask for them and get them. Pure."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.server import fields
from galosh.server.fields import Json
from galosh.server.replies import beside

MAX_TEXTS = 2048
_MAX_TEXT = 16 * 1024 * 1024
_OPENAI = frozenset({"model", "input", "encoding_format", "dimensions", "user", "truncate"})
_OLLAMA = frozenset({"model", "input", "truncate", "options", "keep_alive", "dimensions"})
_OLLAMA_ONE = frozenset({"model", "prompt", "options", "keep_alive"})


@dataclass(frozen=True)
class TextsToEmbed:
    """Texts whose vectors are wanted. packed: in base64, not as numbers."""

    texts: tuple[str, ...]
    model_id: str | None
    truncate: bool = False
    packed: bool = False


def parse_embeddings(data: Json) -> TextsToEmbed:
    """`POST /v1/embeddings`. Raises GaloshError `server-bad-request`, `server-unsupported`."""
    fields.only(data, _OPENAI)
    fields.refuse(data, "dimensions", "server.cannot.dimensions")
    form = data.get("encoding_format")
    if form not in (None, "float", "base64"):
        raise fields.wrong("encoding_format", form, say("server.want.known", names="float, base64"))
    name = fields.text(data, "model", 0, 256)
    return TextsToEmbed(
        _texts(data, "input"),
        None if name in (None, "", "default") else name,
        fields.flag(data, "truncate"),
        form == "base64",
    )


def parse_ollama_embed(data: Json) -> TextsToEmbed:
    """`POST /api/embed`: as Ollama documents it, what is too long is cut unless `truncate` is
    false; the answer says so."""
    fields.only(data, _OLLAMA)
    fields.refuse(data, "dimensions", "server.cannot.dimensions")
    fields.table(data, "options")
    cut = data.get("truncate") is None or fields.flag(data, "truncate")
    return TextsToEmbed(_texts(data, "input"), _named(data), cut)


def parse_ollama_embeddings(data: Json) -> TextsToEmbed:
    """`POST /api/embeddings`, the older form: one text."""
    fields.only(data, _OLLAMA_ONE)
    fields.table(data, "options")
    return TextsToEmbed((fields.needed_text(data, "prompt", 1, _MAX_TEXT),), _named(data))


def numbers(vector: bytes) -> list[float]:
    """A vector of float32 as numbers."""
    return list(struct.unpack(f"<{len(vector) // 4}f", vector))


def openai_embeddings(
    vectors: Sequence[bytes], model_id: str, tokens: int, *, packed: bool, dropped_tokens: int = 0
) -> dict[str, object]:
    """The answer of `/v1/embeddings`."""
    return {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": base64.b64encode(vector).decode() if packed else numbers(vector),
            }
            for index, vector in enumerate(vectors)
        ],
        "model": model_id,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        **beside(0, dropped_tokens, ()),
    }


def _texts(data: Json, name: str) -> tuple[str, ...]:
    value = data.get(name)
    found = [value] if isinstance(value, str) else value
    expected = say("server.want.texts", high=MAX_TEXTS)
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_TEXTS:
        raise fields.wrong(name, value, expected)
    if found and isinstance(found[0], (int, list)):
        raise GaloshError("server-unsupported", field=name, reason=say("server.cannot.tokens"))
    for text in found:
        if not isinstance(text, str) or not text or not fields.is_unicode(text):
            raise fields.wrong(name, text, expected)
    return tuple(found)


def _named(data: Json) -> str:
    return fields.needed_text(data, "model", 1, 4096).strip().removesuffix(":latest")
