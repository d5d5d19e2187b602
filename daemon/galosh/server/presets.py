"""The user's presets as the daemon gives them out.

Reading YAML costs memory that most daemons never need, so the shelf is made at the first
request that names a preset. Its calls touch the disk: run them beside the event loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from galosh.base.paths import Paths
from galosh.presets import find_template

if TYPE_CHECKING:
    from galosh.presets import InstructionTemplate, SamplerPreset
    from galosh.presets.shelf import Shelf


class Presets:
    """See the module."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._shelf: Shelf | None = None

    def sampler(self, name: str) -> SamplerPreset:
        """One sampler preset. Raises GaloshError `presets-unknown`."""
        return self._open().sampler(name)

    def template_of(self, model: Mapping[str, object]) -> InstructionTemplate | None:
        """What a listed model uses in place of a template of its own."""
        told = model.get("template")
        name = told.get("name") if isinstance(told, Mapping) else None
        return None if name is None else find_template(self._open().templates(), str(name))

    def to_json(self) -> dict[str, object]:
        """Everything there is, and what is wrong with the user's own files."""
        shelf = self._open()
        return {
            "samplers": [
                {"name": one.name, "titles": dict(one.titles), "sampling": dict(one.sampling),
                 "unknown": list(one.unknown), "own": one.own}
                for one in shelf.samplers()
            ],
            "prompts": [
                {"name": one.name, "kind": one.kind, "titles": dict(one.titles),
                 "texts": dict(one.texts), "defaults": dict(one.defaults),
                 "system": one.system, "sampler": one.sampler, "rewrites": one.rewrites,
                 "own": one.own}
                for one in shelf.prompts()
            ],
            "templates": [
                {"name": one.name, "match": list(one.match), "own": one.own}
                for one in shelf.templates()
            ],
            "troubles": [error.to_json() for error in shelf.troubles()],
        }  # fmt: skip

    def _open(self) -> Shelf:
        if self._shelf is None:
            from galosh.presets.shelf import Shelf

            self._shelf = Shelf(self._paths)
        return self._shelf
