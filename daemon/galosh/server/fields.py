"""Reads single fields of a JSON object, each within its bounds. Pure.

Rules: null means absent; a bool is no number; numbers are finite and bounded; texts are
valid Unicode. Whatever else is found raises GaloshError `server-bad-request` with the name
of the field, the *kind* of value found (never the value: it may be a prompt) and what it
must be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from galosh.base.errors import GaloshError
from galosh.base.texts import say

Json: TypeAlias = Mapping[str, object]


def kind_of(value: object) -> str:
    """What a value is, in the user's words; numbers are short enough to be shown."""
    if value is None:
        return say("server.kind.absent")
    if isinstance(value, bool):
        return say("server.kind.boolean")
    if isinstance(value, (int, float)):
        shown = repr(value) if abs(value) < 1e15 or isinstance(value, float) else ""
        return shown or say("server.kind.integer")
    if isinstance(value, str):
        return say("server.kind.text" if value else "server.kind.empty")
    if isinstance(value, list):
        return say("server.kind.list", count=len(value))
    return say("server.kind.object" if isinstance(value, Mapping) else "server.kind.other")


def wrong(field: str, value: object, expected: str) -> GaloshError:
    """The error for a field that holds the wrong thing."""
    return GaloshError(
        "server-bad-request", field=show_name(field), value=kind_of(value), expected=expected
    )


def show_name(name: str) -> str:
    """A field name from outside, safe and short enough to print."""
    clean = "".join(c if c.isprintable() else "?" for c in name[:64])
    return clean + "…" if len(name) > 64 else clean


def integer(data: Json, name: str, low: int, high: int) -> int | None:
    """A whole number within [low, high]; `3.0` counts as one."""
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise wrong(name, data[name], say("server.want.integer", low=low, high=high))
    return value


def number(data: Json, name: str, low: float, high: float) -> float | None:
    """A finite number within [low, high]."""
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise wrong(name, value, say("server.want.number", low=low, high=high))
    return float(value)


def one_of(data: Json, name: str, known: Sequence[str]) -> str | None:
    """One of the known words."""
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or value not in known:
        raise wrong(name, value, say("server.want.known", names=", ".join(known)))
    return value


def flag(data: Json, name: str) -> bool:
    """True or false; absent is false."""
    value = data.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise wrong(name, value, say("server.want.boolean"))
    return value


def text(data: Json, name: str, low: int, high: int) -> str | None:
    """A text of `low` to `high` characters."""
    value = data.get(name)
    if value is None:
        return None
    return checked_text(name, value, low, high)


def needed_text(data: Json, name: str, low: int, high: int) -> str:
    """A text that must be there."""
    return checked_text(name, data.get(name), low, high)


def checked_text(field: str, value: object, low: int, high: int) -> str:
    """`value` itself when it is a text of valid Unicode within the bounds."""
    if not isinstance(value, str) or not low <= len(value) <= high or not is_unicode(value):
        raise wrong(field, value, say("server.want.text", low=low, high=high))
    return value


def is_unicode(value: str) -> bool:
    """Whether a text can be written as UTF-8 (JSON escapes can smuggle lone surrogates)."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def table(data: Json, name: str) -> Json:
    """An object; absent is an empty one."""
    value = data.get(name)
    if value is None:
        return {}
    return checked_table(name, value)


def checked_table(field: str, value: object) -> Json:
    """`value` itself when it is an object."""
    if not isinstance(value, Mapping):
        raise wrong(field, value, say("server.want.object"))
    return value


def only(data: Json, known: frozenset[str], prefix: str = "") -> None:
    """Refuse the first field that nobody reads, so that nothing is ignored in silence."""
    for name, value in data.items():
        if name not in known and value is not None:
            raise wrong(f"{prefix}{name}", value, say("server.want.nothing"))


def refuse(data: Json, name: str, reason: str, harmless: tuple[object, ...] = ()) -> None:
    """Raise `server-unsupported` when `name` asks for something galosh does not do."""
    value = data.get(name)
    if value is None or any(value == fine and type(value) is type(fine) for fine in harmless):
        return
    raise GaloshError("server-unsupported", field=show_name(name), reason=say(reason))


def bias(data: Json, name: str, high: int) -> dict[str, float]:
    """Token number -> bias within [-100, 100]; at most `high` of them."""
    found = table(data, name)
    expected = say("server.want.bias", high=high)
    if len(found) > high:
        raise wrong(name, found, expected)
    result: dict[str, float] = {}
    for key, value in found.items():
        good_key = key.isascii() and key.isdigit() and len(key) <= 9
        good_value = (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and math.isfinite(value)
            and -100 <= value <= 100
        )
        if not good_key or not good_value or not isinstance(value, (int, float)):
            raise wrong(f"{name}.{key}", value, expected)
        result[str(int(key))] = float(value)
    return result
