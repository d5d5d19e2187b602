"""The real parts below the server, made once paths and settings are known."""

from __future__ import annotations

from galosh.base.clock import Clock
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.server.ports import Models, Supervisor


class RealParts:
    """See `ports.Parts`."""

    def __init__(self, paths: Paths, settings: Settings, clock: Clock) -> None:
        self._paths = paths
        self._settings = settings
        self._clock = clock

    def supervisor(self) -> Supervisor:
        """The owner of the worker."""
        from galosh.supervisor import Supervisor as Real

        return Real(self._paths, self._settings, self._clock)

    def models(self) -> Models:
        """The store."""
        from galosh.store import ModelStore

        return ModelStore(self._paths)
