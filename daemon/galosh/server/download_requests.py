"""What clients may ask of downloads, as checked values. Pure; raises only GaloshError.

Rules as in `requests`: closed schemas, every field checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.server import fields
from galosh.server.fields import Json

_SOURCE_LENGTH = 4096
_RATE_LIMIT = 10**12
# The caller's own settings of hub and index; the daemon may have been started without them.
ENVIRONMENT = ("HF_ENDPOINT", "HF_TOKEN", "PIP_INDEX_URL")
_NEW = frozenset(
    {"source", "sha256", "connections", "max_rate_bytes", "environ", "recommended", "replaces"}
)
_OLLAMA_HOSTS = ("hf.co/", "huggingface.co/", "www.huggingface.co/")


@dataclass(frozen=True)
class NewDownload:
    """A wish for a download."""

    source: str
    sha256: str | None = None
    connections: int | None = None
    max_rate_bytes: int | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    recommended: bool = False
    replaces: str | None = None


@dataclass(frozen=True)
class OllamaPull:
    """What `/api/pull` asks for."""

    source: str
    stream: bool


def parse_new_download(data: Json) -> NewDownload:
    """`POST downloads`."""
    fields.only(data, _NEW)
    given = fields.table(data, "environ")
    fields.only(given, frozenset(ENVIRONMENT), "environ.")
    return NewDownload(
        source=fields.needed_text(data, "source", 1, _SOURCE_LENGTH).strip(),
        sha256=fields.text(data, "sha256", 1, 200),
        connections=fields.integer(data, "connections", 1, 8),
        max_rate_bytes=fields.integer(data, "max_rate_bytes", 0, _RATE_LIMIT),
        environ={
            name: fields.checked_text(f"environ.{name}", value, 1, _SOURCE_LENGTH)
            for name, value in given.items()
            if value is not None
        },
        recommended=fields.flag(data, "recommended"),
        replaces=fields.text(data, "replaces", 1, 256),
    )


def parse_wanted(data: Json) -> bool:
    """`PUT downloads/{id}` {"state"}: whether it should run."""
    fields.only(data, frozenset({"state"}))
    value = data.get("state")
    if value not in ("running", "paused"):
        raise fields.wrong("state", value, say("server.want.known", names="running, paused"))
    return value == "running"


def parse_keep(query: Mapping[str, str]) -> bool:
    """`DELETE downloads/{id}?keep=partial|remove`: whether what was fetched stays."""
    fields.only(query, frozenset({"keep"}))
    value = query.get("keep", "remove")
    if value not in ("partial", "remove"):
        raise fields.wrong("keep", value, say("server.want.known", names="partial, remove"))
    return value == "partial"


def parse_ollama_pull(data: Json) -> OllamaPull:
    """`POST /api/pull` as Ollama documents it; `insecure` changes nothing here."""
    fields.only(data, frozenset({"model", "name", "stream", "insecure"}))
    name = fields.text(data, "model", 0, _SOURCE_LENGTH) or fields.needed_text(
        data, "name", 1, _SOURCE_LENGTH
    )
    stream = True if data.get("stream") is None else fields.flag(data, "stream")
    return OllamaPull(ollama_source(name), stream)


def ollama_source(name: str) -> str:
    """The SOURCE that a name in Ollama's form means."""
    name = name.strip()
    plain = name.removeprefix("https://").removeprefix("http://")
    for host in _OLLAMA_HOSTS:
        if plain.lower().startswith(host):
            rest = plain[len(host) :].removesuffix(":latest")
            return name if rest.count("/") != 1 else f"hf:{rest}"
    if ":" in name or "/" in name:
        return name.removesuffix(":latest")
    return name


def bad_name(data: Json) -> GaloshError:
    """For a pull that names nothing."""
    return fields.wrong("model", data.get("model"), say("server.want.text", low=1, high=256))
