"""What the server needs of the parts below it, as Protocols.

The real supervisor and store fit these as they are; the tests' fakes do too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from galosh.base.settings import Settings
from galosh.supervisor.bus import EventBus
from galosh.supervisor.request import Event, GenerationRequest, LoadedModel, Vectors


class Supervisor(Protocol):
    """The owner of the worker."""

    @property
    def events(self) -> EventBus:
        """What happens, for whoever watches."""

    async def start(self) -> None:
        """Begin; loads nothing by itself."""

    async def stop(self) -> None:
        """End the worker; every running answer gets a GaloshError."""

    async def want(self, model_id: str | None) -> LoadedModel | None:
        """Make this the wanted model and load it; None: unload and want nothing."""

    async def ready(self, model_id: str | None = None) -> LoadedModel:
        """Wait until that model (None: the wanted or default one) runs."""

    def generate(self, request: GenerationRequest) -> AsyncIterator[Event]:
        """The answer's events; closing the iterator cancels the generation."""

    async def unload(self) -> None:
        """Give the model's memory back."""

    async def pause(self) -> None:
        """Hold no memory and answer nothing until `resume`."""

    async def resume(self) -> None:
        """Answer again."""

    async def tokenize(self, text: str, model_id: str | None = None) -> Sequence[int]:
        """The tokens of `text`."""

    async def detokenize(self, tokens: Sequence[int], model_id: str | None = None) -> str:
        """The text of `tokens`."""

    async def embed(
        self, texts: Sequence[str], model_id: str | None = None, *, truncate: bool = False
    ) -> Vectors:
        """A vector for each text; truncate: cut what is too long."""

    async def remove_model(self, model_id: str) -> object:
        """Take a model that is not in use out of the store."""

    def apply(self, settings: Settings) -> None:
        """Use these settings from now on."""

    def status(self) -> dict[str, object]:
        """Wanted and actual state, JSON-able."""


class Model(Protocol):
    """One stored model, as far as the server looks at it."""

    @property
    def id(self) -> str:
        """Its name in requests."""

    @property
    def problem(self) -> str | None:
        """What is wrong with it; None for a sound one."""

    def to_json(self) -> dict[str, object]:
        """Everything known of it."""


class Models(Protocol):
    """The store of models; its calls touch the disk, so they run beside the loop."""

    def list(self) -> Sequence[Model]:
        """Every model."""

    def add(self, path: Path, copy: bool = False, name: str | None = None) -> Model:
        """Enter a file; name: what to call one used in place."""


class Parts(Protocol):
    """Makes the parts below once the paths and settings are known."""

    def supervisor(self) -> Supervisor:
        """The owner of the worker."""

    def models(self) -> Models:
        """The store."""
