"""What the notebook page asks for, as checked values. Pure."""

from __future__ import annotations

from galosh.server import fields
from galosh.server.fields import Json

_MAX_CODE = 256
_MAX_ID = 256


def parse_code(data: Json) -> str:
    """`POST session`: the code of a link."""
    fields.only(data, frozenset({"code"}))
    return fields.needed_text(data, "code", 1, _MAX_CODE)


def parse_fit(query: Json) -> str | None:
    """`GET fit`: the model, or all of them."""
    fields.only(query, frozenset({"model"}))
    return fields.text(query, "model", 1, _MAX_ID)


def parse_language(query: Json) -> str | None:
    """`GET recommend`: the two letters of a language."""
    fields.only(query, frozenset({"language"}))
    given = fields.text(query, "language", 2, 2)
    if given is not None and not (given.isascii() and given.isalpha()):
        raise fields.wrong("language", given, "en | ru | …")
    return None if given is None else given.lower()
