"""What happens when a download is complete: checked, entered into the store, told, tried.

Owns the way from the last byte to a model one can use, and from there, for a recommended
one, to the default. Nothing restarts; a model that does not work changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.supervisor.bus import EventBus
from galosh.supervisor.download_job import JobRecord
from galosh.supervisor.swap_in import Candidate, Stage, SwapIn

_LOG = logging.getLogger("galosh.supervisor")


class Model(Protocol):
    """A stored model, as far as downloads look at it."""

    @property
    def id(self) -> str:
        """Its name."""

    def to_json(self) -> dict[str, object]:
        """Everything known of it."""


class Models(Protocol):
    """The store."""

    def add(self, path: Path, copy: bool = False) -> Model:
        """The model at `path`, checked; GaloshError if it is none."""


class Host(Stage, Protocol):
    """The supervisor."""

    @property
    def events(self) -> EventBus:
        """Where everything is told."""


class Arrival:
    """See the module. Lives in the event loop's thread."""

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        host: Host,
        models: Models,
        default: Callable[[], str],
        change_setting: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._paths = paths
        self._clock = clock
        self._host = host
        self._models = models
        self._swap = SwapIn(host, default, change_setting)

    async def register(self, record: JobRecord, path: Path) -> str | None:
        """Enter the file into the store; the model's id, None for a file kept elsewhere.

        Raises GaloshError gguf-… if it is no sound model.
        """
        if record.target is not None and self._paths.models not in path.parents:
            return None
        model = await asyncio.to_thread(self._models.add, path)
        self._host.events.publish("model.added", model=model.to_json())
        self._host.events.publish("models.changed", added=model.id)
        return model.id

    async def swap_in(self, record: JobRecord) -> dict[str, object] | None:
        """Try a recommended model and make it the default; what to remember of it.

        None if it was not done; the reason is told as `model.not_swapped_in`.
        """
        path = Path(str(record.model_path))
        try:
            model = await asyncio.to_thread(self._models.add, path)
            await self._swap.run(Candidate(model.id, record.replaces))
        except GaloshError as error:
            _LOG.warning("the fetched model was not swapped in: %s", error.code)
            text = f"{say('supervisor.not-swapped-in', file_name=path.name)} {error.why}"
            self._host.events.publish("model.not_swapped_in", text=text, error=error.to_json())
            return None
        title = str(model.to_json().get("title") or model.id)
        _LOG.info("swapped in model=%s", model.id)
        return {"model": model.id, "title": title, "at_seconds": self._clock.wall_seconds()}

    def tell_swap(self, done: dict[str, object]) -> None:
        """Publish `model.swapped_in` for what `swap_in` returned, once it is remembered."""
        model, title = str(done["model"]), str(done["title"])
        text = say("supervisor.swapped-in", model=title)
        self._host.events.publish("model.swapped_in", model=model, title=title, text=text)
