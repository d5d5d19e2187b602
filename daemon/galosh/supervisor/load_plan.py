"""How a model is to be loaded: exactly what the worker's load request says. Pure.

The settings are those the memory was forecast for; nothing is left to the worker's defaults
that the forecast depends on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.supervisor.request import Notice

if TYPE_CHECKING:
    from galosh.fit.memory import RunSettings
    from galosh.presets import InstructionTemplate
    from galosh.store import StoredModel


@dataclass(frozen=True)
class Prefixes:
    """Where what a model has read is kept, and how much of it; see `prefixes`.

    folder None: nothing goes to disk. identity: what must be the same for a saved state to
    be of any use.
    """

    folder: Path | None = None
    key: str = ""
    identity: str = ""
    memory_bytes: int = 0
    disk_bytes: int = 0


@dataclass(frozen=True)
class LoadPlan:
    """One way to load one model. lasting_bytes: what it is forecast to keep; None unknown.

    draft_id: the small model that guesses for it. draft_error: why the one that the user
    named does not. template: in place of the one that the model has, or has not.
    """

    settings: RunSettings
    threads: int
    prefixes: Prefixes = Prefixes()
    draft: bool = True
    draft_path: Path | None = None
    draft_id: str | None = None
    draft_error: GaloshError | None = None
    lasting_bytes: int | None = None
    template: InstructionTemplate | None = None

    def frame(self, path: Path) -> dict[str, object]:
        """The load request for the model at `path`."""
        settings, prefixes = self.settings, self.prefixes
        return {
            "type": "load",
            "path": str(path),
            "context_tokens": settings.context_tokens,
            "batch_tokens": settings.batch_tokens,
            "cache_type": settings.cache_type,
            "flash_attention": settings.flash_attention,
            "use_mmap": settings.use_mmap,
            "gpu_layers": settings.gpu_layers,
            "sequences": settings.sequences,
            "outputs": settings.outputs,
            "threads": self.threads,
            "prefix_folder": None if prefixes.folder is None else str(prefixes.folder),
            "prefix_key": prefixes.key or None,
            "prefix_identity": prefixes.identity,
            "prefix_memory_bytes": prefixes.memory_bytes,
            "prefix_disk_bytes": prefixes.disk_bytes,
            "draft": self.draft,
            "confine": True,
            "draft_path": None if self.draft_path is None else str(self.draft_path),
            **self._template(),
        }

    def _template(self) -> dict[str, object]:
        if self.template is None:
            return {}
        return {
            "template": self.template.source,
            "template_name": self.template.name,
            "template_stops": list(self.template.stops),
        }


@dataclass(frozen=True)
class LoadWish:
    """What is wanted of a load, before anybody has looked at the memory.

    below_bytes: a worker that was to keep this much was ended for want of memory, so it must
    be less now. beside_bytes: what the model in use holds; it stays meanwhile, so there must be
    room for both. None: there is none in use.
    override: load it as wanted although it does not fit. stands_in: for another model that there
    was no room for. awaited: a question waits for it.
    """

    model: StoredModel
    context_tokens: int
    threads: int
    below_bytes: int | None = None
    beside_bytes: int | None = None
    override: bool = False
    stands_in: bool = False
    awaited: bool = False

    def same_as(self, other: LoadWish | None) -> bool:
        """Whether the model would be loaded in the same way, memory aside."""
        return other is not None and (
            self.model.path == other.model.path
            and self.context_tokens == other.context_tokens
            and self.model.template == other.model.template
        )


@dataclass(frozen=True)
class Admitted:
    """The wish may be fulfilled like this; notice: what was given up for it, if anything."""

    plan: LoadPlan
    notice: Notice | None = None
