"""A model on disk, as the store lists it. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.presets import TemplateChoice
from galosh.presets.sampler import Value


@dataclass(frozen=True)
class StoredModel:
    """One model. `path` is its (first) file; unknown facts are None.

    in_place: used where it lies, never deleted by galosh. error: what is wrong with it.
    parameters: how many weights it has. size_bytes: of all its files. sampler, system: what
    a request gets that does not say otherwise; its authors' where they say. template: what its
    conversations are put into words with.
    """

    id: str
    title: str
    path: Path
    size_bytes: int
    in_place: bool
    architecture: str | None = None
    context_length: int | None = None
    file_type: str | None = None
    parameters: int | None = None
    catalogued: bool = False
    sampler: Mapping[str, Value] = field(default_factory=dict)
    system: str | None = None
    template: TemplateChoice = field(default_factory=TemplateChoice)
    error: GaloshError | None = None

    @property
    def problem(self) -> str | None:
        """What is wrong with it, in one sentence; None for a healthy one."""
        return None if self.error is None else self.error.what

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {
            "id": self.id,
            "title": self.title,
            "path": str(self.path),
            "size_bytes": self.size_bytes,
            "in_place": self.in_place,
            "architecture": self.architecture,
            "context_length": self.context_length,
            "file_type": self.file_type,
            "parameters": self.parameters,
            "catalogued": self.catalogued,
            "sampler": dict(self.sampler),
            "template": self.template.to_json(),
            "problem": self.problem,
            "error": None if self.error is None else self.error.to_json(),
        }
