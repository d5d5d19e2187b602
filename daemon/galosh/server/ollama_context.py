"""Ollama's `context`: a talk as numbers that a client hands back with its next prompt. Pure.

Ollama calls it "an encoding of the conversation" and says no more of it, so here it is the
talk itself, three bytes a number, and nothing has to be kept or trusted: what comes back is
read as any other talk.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.server.messages import Message

_MARK = 0x67616C  # "gal": the first number, then the size in bytes
_BYTES = 3
_MOST = 4 * 1024 * 1024
_ROLES = ("system", "user", "assistant")


def encode(talk: Sequence[Message], answer: str) -> list[int]:
    """The numbers for a talk and what was answered."""
    turns = [[turn.role, turn.content] for turn in talk] + [["assistant", answer]]
    data = json.dumps(turns, ensure_ascii=False).encode("utf-8", "replace")
    padded = data + b"\0" * (-len(data) % _BYTES)
    found = [padded[at : at + _BYTES] for at in range(0, len(padded), _BYTES)]
    return [_MARK, len(data), *(int.from_bytes(part, "big") for part in found)]


def decode(value: object) -> list[object]:
    """The turns in a `context`, in OpenAI's shape. Raises GaloshError `server-unsupported`."""
    if value in (None, []):
        return []
    try:
        return _talk(value)
    except (AttributeError, IndexError, OverflowError, RecursionError, TypeError, ValueError):
        reason = say("server.cannot.context")
        raise GaloshError("server-unsupported", field="context", reason=reason) from None


def _talk(value: object) -> list[object]:
    if not isinstance(value, list) or len(value) > _MOST or value[0] != _MARK:
        raise ValueError
    data = b"".join(number.to_bytes(_BYTES, "big") for number in value[2:])
    if not 0 < value[1] <= len(data):
        raise ValueError
    turns = json.loads(data[: value[1]].decode("utf-8"))
    if any(role not in _ROLES for role, _ in turns):
        raise ValueError
    return [{"role": role, "content": content} for role, content in turns]
