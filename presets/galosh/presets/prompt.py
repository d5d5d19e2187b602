"""Prompts that ship with galosh and those a user adds. Pure.

Two kinds. A *starter* is a sheet for the notebook: its text is what the model goes on from.
An *action* is put around something: `{selection}` is what the user marked, `{input}` what
they typed. Only these two names are filled in; every other brace stays as it is, and what
is filled in is never looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from galosh.base.errors import GaloshError

KINDS = ("starter", "action")
_PLACES = re.compile(r"\{(selection|input)\}")


@dataclass(frozen=True)
class Prompt:
    """titles, texts: by language, at least `en`. sampler: the preset it is best run with.

    defaults: what `{input}` stands for where nothing was typed. rewrites: the answer stands
    for the selection, so a difference can be shown. think: whether a model that thinks aloud
    shall do so first (None: as it likes); an action's answer is waited for, so it does not.
    """

    name: str
    kind: str
    texts: Mapping[str, str]
    titles: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    system: str | None = None
    sampler: str | None = None
    rewrites: bool = False
    think: bool | None = None
    own: bool = False

    def title(self, tongue: str) -> str:
        """Its name for a reader, in `ru` or English."""
        return self.titles.get(tongue) or self.titles.get("en") or self.name

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {
            "name": self.name,
            "kind": self.kind,
            "titles": dict(self.titles),
            "texts": dict(self.texts),
            "defaults": dict(self.defaults),
            "system": self.system,
            "sampler": self.sampler,
            "rewrites": self.rewrites,
            "think": self.think,
            "own": self.own,
        }

    def text(self, tongue: str) -> str:
        """The text, in `ru` or English."""
        return self.texts.get(tongue) or self.texts["en"]

    def beginning(self, tongue: str) -> str:
        """The text up to its first place: the same whatever is filled in."""
        text = self.text(tongue)
        place = _PLACES.search(text)
        return text[: place.start()].rstrip() if place else ""

    def fill(self, tongue: str, *, selection: str = "", typed: str = "") -> str:
        """The text with both places filled in; what has no place is put at the end."""
        text = self.text(tongue)
        values = {"selection": selection, "input": typed or self.defaults.get(tongue, "")}
        named = set(_PLACES.findall(text))
        filled = _PLACES.sub(lambda place: values[place[1]], text)
        rest = [values[name] for name in ("input", "selection") if name not in named]
        return "\n\n".join(part for part in (filled.strip("\n"), *rest) if part)


def read_prompt(name: str, data: object, origin: str, *, own: bool = False) -> Prompt:
    """The prompt in a parsed YAML file, or in a plain text (an action with places, else a
    starter). Raises GaloshError `presets-file-wrong`."""
    if isinstance(data, str):
        action = _PLACES.search(data) is not None
        texts = {"en": data.rstrip("\n")}
        kind = "action" if action else "starter"
        return Prompt(name, kind, texts, think=False if action else None, own=own)
    if not isinstance(data, Mapping) or not isinstance(data.get("text"), str):
        raise GaloshError("presets-file-wrong", path=origin, reason="text: …")
    if data.get("kind", "action") not in KINDS:
        raise GaloshError("presets-file-wrong", path=origin, reason=f"kind: {' | '.join(KINDS)}")
    kind, think = str(data.get("kind", "action")), data.get("think")
    if not isinstance(think, bool):
        if think is not None:
            raise GaloshError("presets-file-wrong", path=origin, reason="think: true | false")
        think = False if kind == "action" else None
    return Prompt(
        name=name,
        kind=kind,
        texts=_by_language(data, "text"),
        titles=_by_language(data, "title"),
        defaults=_by_language(data, "default"),
        system=str(data["system"]) if data.get("system") else None,
        sampler=str(data["sampler"]) if data.get("sampler") else None,
        rewrites=data.get("rewrites") is True,
        think=think,
        own=own,
    )


def _by_language(data: Mapping[object, object], key: str) -> dict[str, str]:
    found = {"en": data.get(key), "ru": data.get(f"{key}_ru")}
    return {tongue: str(text).rstrip("\n") for tongue, text in found.items() if text}
