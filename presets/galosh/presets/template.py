"""Named instruction templates for models that carry none, and which one a model wants. Pure.

A template is Jinja with the same variables as a model's own (`messages`, `bos_token` …). Its
first line may be a comment `{# match: …; stops: …; tokens: …; architecture: … #}`: `match`
lists words (lower case, `|` between) looked for in the model's own metadata, `tokens` JSON
strings that a vocabulary made for it has as control tokens, `architecture` names of the
engine's, `stops` JSON strings that end an answer where the model has no token for it. The
worker puts a beginning-of-text token before it where the vocabulary asks for one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from galosh.base.errors import GaloshError

_HEAD = re.compile(r"\A\{#-?(.*?)-?#\}\s*", re.DOTALL)
_FIELD = re.compile(r"(\w+):\s*([^;]*)")
# Where a model tells what it is, most telling first; the file's name is the last resort.
NAMES = (
    "general.finetune", "general.name", "general.basename", "general.description", "general.tags",
    "file",
)  # fmt: skip
ARCHITECTURE, TOKENS = "general.architecture", "tokens"
# A user's choice that takes their earlier one back.
AUTO = "auto"

Clues = Mapping[str, object]


@dataclass(frozen=True)
class InstructionTemplate:
    """source: Jinja, without its head comment."""

    name: str
    source: str
    match: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    own: bool = False


@dataclass(frozen=True)
class TemplateChoice:
    """Which template a model's conversations get, and what told it.

    because: `model` (it brings its own), `setting` (the user said so), `name`, `tokens` or
    `architecture` of the model, `nothing`. word: what was found there. template: None for the
    model's own, and where nothing tells. problem: the user named one that there is not.
    """

    because: str = "model"
    template: InstructionTemplate | None = None
    word: str = ""
    problem: GaloshError | None = None

    @property
    def guessed(self) -> bool:
        """Whether the user should be told, because it may be the wrong one."""
        return self.because not in ("model", "setting")

    def to_json(self) -> dict[str, object]:
        """JSON form; the name is None where the model's own is used or there is none."""
        name = None if self.template is None else self.template.name
        return {"name": name, "because": self.because, "word": self.word}


def read_template(name: str, text: str, *, own: bool = False) -> InstructionTemplate:
    """The template in a file. A head that cannot be understood counts as a plain comment."""
    head = _HEAD.match(text)
    fields = {k: v.strip() for k, v in _FIELD.findall(head[1])} if head else {}
    source = text[head.end() :] if head else text
    return InstructionTemplate(
        name=name,
        source=source.rstrip("\n"),
        match=_words(fields.get("match", "")),
        stops=_strings(fields.get("stops", "")),
        tokens=_strings(fields.get("tokens", "")),
        architectures=_words(fields.get("architecture", "")),
        own=own,
    )


def find_template(
    templates: Sequence[InstructionTemplate], name: str
) -> InstructionTemplate | None:
    """By name, as text-generation-webui's settings write it too (`Instruct-WizardLM`)."""
    wanted = _plain(name.removeprefix("Instruct-"))
    return next((one for one in templates if _plain(one.name) == wanted), None)


def choose_template(
    templates: Sequence[InstructionTemplate], clues: Clues | None, wanted: str | None = None
) -> TemplateChoice:
    """The template that the user wants, else the model's own, else what its metadata tells.

    clues: the model's metadata (the keys above, `tokens`: its control tokens); None when it
    brings a template. wanted: the name the user gave. The user's own templates come before
    shipped ones, then a vocabulary made for one, then names, the longest word first.
    """
    if wanted is not None and wanted != AUTO:
        template = find_template(templates, wanted)
        known = ", ".join(sorted(one.name for one in templates))
        unknown = GaloshError("presets-unknown", kind="template", name=wanted[:60], known=known)
        return TemplateChoice("setting", template, wanted, None if template else unknown)
    if clues is None:
        return TemplateChoice()
    own = [one for one in templates if one.own]
    for found in (_by_word(own, clues), _by_tokens(templates, clues), _by_word(templates, clues)):
        if found is not None:
            return found
    architecture = str(clues.get(ARCHITECTURE) or "")
    for one in templates:
        if architecture in one.architectures:
            return TemplateChoice("architecture", one, architecture)
    return TemplateChoice("nothing")


def _by_tokens(templates: Sequence[InstructionTemplate], clues: Clues) -> TemplateChoice | None:
    tokens = clues.get(TOKENS)
    there = set(map(str, tokens)) if isinstance(tokens, (list, tuple)) else set()
    found = [one for one in templates if one.tokens and there.issuperset(one.tokens)]
    if not found:
        return None
    best = max(found, key=lambda one: len(one.tokens))
    return TemplateChoice("tokens", best, " ".join(best.tokens))


def _by_word(templates: Sequence[InstructionTemplate], clues: Clues) -> TemplateChoice | None:
    for key in NAMES:
        value = clues.get(key)
        text = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value or "")
        found = list(_matches(templates, text.lower()))
        if found:
            return TemplateChoice("name", *max(found, key=lambda pair: len(pair[1])))
    return None


def _matches(
    templates: Sequence[InstructionTemplate], text: str
) -> Iterator[tuple[InstructionTemplate, str]]:
    for one in templates:
        for word in one.match:
            if re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", text):
                yield one, word


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("|") if word.strip())


def _strings(text: str) -> tuple[str, ...]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return ()
    return tuple(one for one in found if isinstance(one, str) and one)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
