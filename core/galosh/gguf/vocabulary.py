"""Whether a model's vocabulary is one the engine survives. Pure.

Duplicate, undecodable or absurdly long tokens abort the engine, and so does a tokenizer
of another family than the model's.
"""

from __future__ import annotations

from galosh.base.errors import GaloshError
from galosh.gguf.cursor import damaged
from galosh.gguf.header import STRING, ArrayRef, Header
from galosh.gguf.source import ByteSource

MAX_TOKEN_BYTES = 64 * 1024
_TOKENS = "tokenizer.ggml.tokens"
# Tokenizers tied to one family: on any other model the engine aborts or hangs.
_FAMILIES = {"bert": "bert", "rwkv": "rwkv", "plamo2": "plamo"}


def check_vocabulary(header: Header, source: ByteSource) -> None:
    """Check tokenizer family, token texts and the arrays beside them.

    Raises GaloshError `gguf-damaged`.
    """
    label = source.label
    model = header.text("tokenizer.ggml.model")
    if model is None:
        raise damaged(label, "missing", key="tokenizer.ggml.model")
    architecture = header.architecture or ""
    if _FAMILIES.get(model, "") not in architecture:
        raise damaged(label, "tokenizer", tokenizer=model, architecture=architecture)
    if model in ("none", "no_vocab"):
        return
    count = header.count(_TOKENS)
    if not count or header.array_types.get(_TOKENS) != STRING:
        raise damaged(label, "missing", key=_TOKENS)
    for name in ("scores", "token_type"):
        beside = header.count(f"tokenizer.ggml.{name}")
        if beside is not None and beside != count:
            key = f"tokenizer.ggml.{name}"
            raise damaged(label, "array-length", key=key, count=beside, want=count)
    _check_texts(_texts(header, source), label)


def _texts(header: Header, source: ByteSource) -> list[bytes]:
    value = header.metadata[_TOKENS]
    if not isinstance(value, ArrayRef):
        raise damaged(source.label, "missing", key=_TOKENS)
    try:
        return value.read_texts(source)
    except ValueError as error:
        raise GaloshError(
            "gguf-truncated", path=source.label, size_bytes=source.size_bytes, missing_bytes=1
        ) from error


def _check_texts(texts: list[bytes], label: str) -> None:
    longest = max(texts, key=len)
    if len(longest) > MAX_TOKEN_BYTES:
        raise damaged(label, "token-long", size_bytes=len(longest), limit_bytes=MAX_TOKEN_BYTES)
    if not longest:
        raise damaged(label, "tokens-empty", count=len(texts))
    if len(set(texts)) != len(texts):
        seen: set[bytes] = set()
        twice = next(text for text in texts if text in seen or seen.add(text))  # type: ignore[func-returns-value]
        raise damaged(label, "token-twice", token=twice.decode("utf-8", "replace")[:50])
    try:
        b"\n".join(texts).decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged(label, "token-bytes", position=error.start) from error
