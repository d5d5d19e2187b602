"""Names the user gave to a model with settings of its own: Ollama's `copy` and `create`.

Owns `aliases.json`. An alias points to a model of the store and may hold a system text and
sampling; a request that names it is a request for that model with those filled in where the
client said nothing. Its calls touch the disk: run them beside the event loop.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.server.messages import Message
from galosh.server.ports import Model
from galosh.server.requests import Question
from galosh.server.sampling import Sampling, read_sampling


@dataclass(frozen=True)
class Alias:
    """One name. model_id: of the store, never another alias."""

    name: str
    model_id: str
    system: str | None = None
    sampling: Sampling = field(default_factory=dict)

    def filled_in(self, question: Question) -> Question:
        """The question to the model behind this name; what the client said goes first."""
        messages = question.messages
        if self.system and messages and all(turn.role != "system" for turn in messages):
            messages = (Message("system", self.system), *messages)
        sampling = {**self.sampling, **question.sampling}
        return replace(question, model_id=self.model_id, messages=messages, sampling=sampling)


@dataclass(frozen=True)
class AliasedModel:
    """A model as it is listed under an alias."""

    id: str
    problem: str | None
    facts: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        """See ports.Model."""
        return dict(self.facts)


class Aliases:
    """See the module."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def all(self) -> dict[str, Alias]:
        """Every alias by its name; what is damaged is left out."""
        data = durable.read_json(self._path)
        found = data.get("aliases") if isinstance(data, Mapping) else None
        items = found.items() if isinstance(found, Mapping) else ()
        aliases = [_alias(str(name), value) for name, value in items]
        return {alias.name: alias for alias in aliases if alias is not None}

    def get(self, name: str | None) -> Alias | None:
        """The alias of this name."""
        return None if name is None or not self._path.exists() else self.all().get(name)

    def listed(self, models: Sequence[Model]) -> tuple[Model, ...]:
        """The models, and after them every alias of one of them."""
        known = {model.id: model for model in models}
        found = []
        for alias in self.all().values():
            model = known.get(alias.model_id)
            if model is not None and alias.name not in known:
                told = model.to_json()
                own = dict(alias.sampling)
                sampler = told.get("sampler")
                told["sampler"] = {**(sampler if isinstance(sampler, Mapping) else {}), **own}
                facts = told | {"id": alias.name, "alias_of": alias.model_id}
                found.append(AliasedModel(alias.name, model.problem, facts))
        return (*models, *found)

    def put(self, alias: Alias) -> None:
        """Keep this one, in place of one of the same name. Raises a write error."""
        with self._lock:
            self._write({**self.all(), alias.name: alias})

    def remove(self, name: str) -> bool:
        """Forget one; whether there was one. Raises a write error."""
        with self._lock:
            known = self.all()
            if known.pop(name, None) is None:
                return False
            self._write(known)
            return True

    def _write(self, aliases: Mapping[str, Alias]) -> None:
        told = {
            name: {"model": one.model_id, "system": one.system, "sampling": dict(one.sampling)}
            for name, one in aliases.items()
        }
        durable.write_json(self._path, {"version": 1, "aliases": told})


def _alias(name: str, value: object) -> Alias | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("model"), str):
        return None
    system, sampling = value.get("system"), value.get("sampling")
    try:
        known = read_sampling(sampling) if isinstance(sampling, Mapping) else {}
    except GaloshError:
        return None  # somebody wrote into the file
    return Alias(name, value["model"], system if isinstance(system, str) else None, known)
