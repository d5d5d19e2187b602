"""What a model file without a chat template tells about the one it wants.

Reads the names its makers gave it and the control tokens of its vocabulary, nothing else;
which template follows from them is for galosh.presets to say.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

from galosh.gguf import Header, open_file
from galosh.gguf.header import INT32, UINT32, ArrayRef
from galosh.gguf.source import read_fully
from galosh.presets.template import ARCHITECTURE, NAMES, TOKENS

_TEXTS, _KINDS = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"
_CONTROL, _USER_DEFINED = 3, 4
# Of the hundreds that some vocabularies hold in reserve none tells anything.
_TELLING = re.compile(r"[^\d\s]{3,32}")
_MOST = 64


def read_clues(path: Path, header: Header) -> dict[str, object] | None:
    """The clues of a sound file; None where it brings a template of its own."""
    if (header.chat_template or "").strip():
        return None
    clues: dict[str, object] = {}
    for key in (*NAMES, ARCHITECTURE):
        value = header.metadata.get(key)
        if isinstance(value, (str, tuple)) and value:
            clues[key] = list(value) if isinstance(value, tuple) else value[:500]
    return {**clues, "file": path.name, TOKENS: _control_tokens(path, header)}


def _control_tokens(path: Path, header: Header) -> list[str]:
    texts, kinds = header.metadata.get(_TEXTS), header.metadata.get(_KINDS)
    if not isinstance(texts, ArrayRef) or not isinstance(kinds, ArrayRef):
        return []
    if kinds.item_type not in (INT32, UINT32) or kinds.count != texts.count:
        return []
    with open_file(path) as source:
        words = texts.read_texts(source)
        data = read_fully(source, kinds.offset, kinds.size_bytes)
    numbers = struct.unpack(f"<{kinds.count}i", data)
    found = []
    for word, kind in zip(words, numbers, strict=True):
        if kind in (_CONTROL, _USER_DEFINED):
            text = word.decode("utf-8", "replace")
            if _TELLING.fullmatch(text):
                found.append(text)
    return found[:_MOST]
