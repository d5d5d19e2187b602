"""Named instruction templates for models that carry none, and which one a model wants. Pure.

A template is Jinja with the same variables as a model's own (`messages`, `bos_token` …). Its
first line may be a comment `{# match: …; stops: …; title: … #}`: `match` lists words (lower
case, `|` between) looked for in the model's own metadata, `stops` JSON strings that end an
answer where the model has no token for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_HEAD = re.compile(r"\A\{#-?(.*?)-?#\}\s*", re.DOTALL)
_FIELD = re.compile(r"(\w+):\s*([^;]*)")
# Where a GGUF tells what the model is, most telling first.
_TELLING = (
    "general.finetune", "general.name", "general.basename", "general.description", "general.tags",
)  # fmt: skip


@dataclass(frozen=True)
class InstructionTemplate:
    """source: Jinja, without its head comment."""

    name: str
    source: str
    match: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    own: bool = False


def read_template(name: str, text: str, *, own: bool = False) -> InstructionTemplate:
    """The template in a file. A head that cannot be understood counts as a plain comment."""
    head = _HEAD.match(text)
    fields = {k: v.strip() for k, v in _FIELD.findall(head[1])} if head else {}
    source = text[head.end() :] if head else text
    try:
        stops = json.loads(fields.get("stops", "[]"))
    except ValueError:
        stops = []
    return InstructionTemplate(
        name=name,
        source=source.rstrip("\n"),
        match=tuple(word.strip() for word in fields.get("match", "").split("|") if word.strip()),
        stops=tuple(stop for stop in stops if isinstance(stop, str) and stop),
        own=own,
    )


def find_template(
    templates: Sequence[InstructionTemplate], name: str
) -> InstructionTemplate | None:
    """By name, as text-generation-webui's settings write it too (`Instruct-WizardLM`)."""
    wanted = _plain(name.removeprefix("Instruct-"))
    return next((one for one in templates if _plain(one.name) == wanted), None)


def choose_template(
    templates: Sequence[InstructionTemplate], metadata: Mapping[str, object]
) -> InstructionTemplate | None:
    """The template that the model's own metadata asks for; None when nothing tells.

    The user's own come first, then the longest word that was found in the most telling place.
    """
    for key in _TELLING:
        value = metadata.get(key)
        words = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value or "")
        found = [
            (one.own, len(word), one)
            for one in templates
            for word in one.match
            if re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", words.lower())
        ]
        if found:
            return max(found, key=lambda item: item[:2])[2]
    return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
