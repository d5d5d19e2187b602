"""What the notebook page asks for, as checked values. Pure."""

from __future__ import annotations

from galosh.server import fields
from galosh.server.fields import Json

_MAX_CODE = 256


def parse_code(data: Json) -> str:
    """`POST session`: the code of a link."""
    fields.only(data, frozenset({"code"}))
    return fields.needed_text(data, "code", 1, _MAX_CODE)
