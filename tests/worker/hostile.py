"""Hostile files and questions, for the tests and for `bench.py engine --rows bad-input`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.worker.files import with_lie, with_number

F32, NOBODYS = 0, 99

LIES: dict[str, dict[str, Any]] = {
    "larger than any disk": {"tensor": "token_embd.weight", "dims": (1 << 40, 1 << 30)},
    "overflows": {"tensor": "token_embd.weight", "dims": (1 << 62, 1 << 62)},
    "turned round": {"tensor": "token_embd.weight", "dims": (49152, 576)},
    "no rows": {"tensor": "blk.0.attn_q.weight", "dims": (576, 0)},
    "other width": {"tensor": "blk.0.attn_q.weight", "dims": (288, 1152)},
    "wider type": {"tensor": "blk.0.attn_q.weight", "kind": F32},
    "unknown type": {"tensor": "blk.0.attn_q.weight", "kind": NOBODYS},
    "behind the end": {"tensor": "blk.0.attn_q.weight", "offset": 1 << 40},
    "on top of another": {"tensor": "blk.0.attn_q.weight", "offset": 0},
    "between two numbers": {"tensor": "blk.0.attn_q.weight", "offset": 13},
}
NUMBERS = {
    "llama.block_count": 31,
    "llama.attention.head_count": 0,
    "llama.embedding_length": 575,
    "llama.rope.dimension_count": 63,
}
# What a tensor should look like is the architecture's business.
ONLY_THE_ENGINE_KNOWS = ("turned round", "other width", "llama.block_count")


def lying(model: Path, folder: Path, name: str) -> Path:
    if name in NUMBERS:
        return with_number(model, folder / "lie.gguf", name, NUMBERS[name])
    return with_lie(model, folder / "lie.gguf", **LIES[name])


QUESTIONS: dict[str, dict[str, Any]] = {
    "empty": {"prompt": ""},
    "surrogate": {"prompt": "a\ud800"},
    "surrogate said": {"messages": [{"role": "user", "content": "\udfff"}]},
    "10 MB": {"prompt": "word " * 2_000_000},
    "one word of 10 MB": {"prompt": "x" * 10_000_000},
    "10 MB of lines": {"prompt": "\n" * 10_000_000},
}

TEMPLATES = (
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro f(x) %}{{ f(x) }}{{ f(x) }}{% endmacro %}{{ f(1) }}",
    "{{ 9 ** 9 ** 9 ** 9 }}",
    "{{ 'x' * 999999999999 }}",
    "{{ cycler.__init__.__globals__.os.system('touch /tmp/owned') }}",
    "{{ messages.__class__.__base__.__subclasses__() }}",
    "{{ '%999999999d' % 1 }}",
    "{{ ''.join(['a'] * 99999999) }}",
)

# It asks for itself within itself: what fits has no end.
ENDLESS_SCHEMA: dict[str, Any] = {
    "$ref": "#/$defs/a",
    "$defs": {"a": {"required": ["a"], "properties": {"a": {"$ref": "#/$defs/a"}}}},
}
