"""`/api/copy` and `/api/create` as checked values. Pure; closed as in `requests`."""

from __future__ import annotations

from dataclasses import dataclass

from galosh.base.texts import say
from galosh.server import fields
from galosh.server.aliases import Alias
from galosh.server.fields import Json
from galosh.server.ollama_requests import RUNNING, plain_name
from galosh.server.sampling import SAMPLING_FIELDS, read_sampling

_MAX_TEXT = 1024 * 1024
_MAX_NAME = 200
_CREATE = frozenset(
    {
        "model", "name", "from", "system", "parameters", "stream", "files", "adapters", "template",
        "license", "messages", "quantize", "modelfile", "path",
    }
)  # fmt: skip


@dataclass(frozen=True)
class NewAlias:
    """What `/api/create` asks for; the alias may point to a file."""

    alias: Alias
    stream: bool


def parse_copy(data: Json) -> tuple[str, str]:
    """The model meant and its new name. Raises GaloshError `server-bad-request`."""
    fields.only(data, frozenset({"source", "destination"}))
    source = plain_name(fields.needed_text(data, "source", 1, 4096))
    return source, _new_name(data, "destination")


def parse_create(data: Json) -> NewAlias:
    """The alias wanted. Raises GaloshError `server-bad-request`, `server-unsupported`."""
    fields.only(data, _CREATE)
    for name in ("files", "adapters"):
        fields.refuse(data, name, "server.cannot.files", ({},))
    fields.refuse(data, "template", "server.cannot.template", ("",))
    fields.refuse(data, "messages", "server.cannot.files", ([],))
    for name in ("quantize", "modelfile", "path"):
        fields.refuse(data, name, "server.cannot.files", ("",))
    given = dict(fields.table(data, "parameters"))
    for name in RUNNING:
        given.pop(name, None)  # how a model is run is galosh's own decision
    fields.only(given, SAMPLING_FIELDS, "parameters.")
    stream = True if data.get("stream") is None else fields.flag(data, "stream")
    name = _new_name(data, "model" if data.get("model") else "name")
    source = plain_name(fields.needed_text(data, "from", 1, 4096))
    system = fields.text(data, "system", 0, _MAX_TEXT)
    return NewAlias(Alias(name, source, system or None, read_sampling(given)), stream)


def _new_name(data: Json, field: str) -> str:
    name = plain_name(fields.needed_text(data, field, 1, _MAX_NAME))
    if not name.isprintable() or not name or "/" in name or "\\" in name:
        raise fields.wrong(field, name, say("server.want.text", low=1, high=_MAX_NAME))
    return name
