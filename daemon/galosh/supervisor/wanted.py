"""What the user wants loaded, kept apart from what is loaded, and kept on disk.

A damaged file falls to the safe side: nothing is wanted, and the default model serves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError

_LOG = logging.getLogger("galosh.supervisor")


@dataclass(frozen=True)
class Wanted:
    """The wanted model; None: none was ever chosen, or none is wanted.

    context_tokens: asked for with the model, over the setting. previous: what to come back
    to if the wanted model turns out not to load; None once it has loaded. paused: no model
    shall hold memory until the user says otherwise.
    """

    model_id: str | None = None
    context_tokens: int | None = None
    previous: str | None = None
    paused: bool = False

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {
            "model_id": self.model_id,
            "context_tokens": self.context_tokens,
            "previous": self.previous,
            "paused": self.paused,
        }

    @classmethod
    def from_json(cls, data: object) -> Wanted:
        """The value in `data`; the empty one for anything that is not of that form."""
        if not isinstance(data, Mapping):
            return cls()
        model_id, context = data.get("model_id"), data.get("context_tokens")
        previous = data.get("previous")
        paused = data.get("paused") is True
        if not isinstance(model_id, str):
            return cls(paused=paused)
        right = isinstance(context, int) and not isinstance(context, bool) and context > 0
        return cls(
            model_id,
            context if right else None,
            previous if isinstance(previous, str) else None,
            paused,
        )


class WantedFile:
    """Writes the newest value in a thread, one write at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest: Wanted | None = None
        self._writer: asyncio.Task[None] | None = None

    def load(self) -> Wanted:
        """The value on disk. Blocking."""
        return Wanted.from_json(durable.read_json(self._path))

    def save_soon(self, value: Wanted) -> None:
        """Write `value`, or whatever newer value comes before the writer gets to it."""
        self._newest = value
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def settled(self) -> None:
        """Everything handed over is on disk (or was given up with a warning)."""
        if self._writer is not None:
            await asyncio.shield(self._writer)

    async def _write(self) -> None:
        while (value := self._newest) is not None:
            self._newest = None
            try:
                await asyncio.to_thread(durable.write_json, self._path, value.to_json())
            except GaloshError as error:
                # Serving goes on in memory; only a restart would forget the choice.
                _LOG.warning("the wanted model was not saved: %s", error.code)
