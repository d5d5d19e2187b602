"""What every route of the server may use, in one object of the event loop's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from galosh.api.wire import DaemonFacts
from galosh.base.clock import Clock
from galosh.base.paths import Paths
from galosh.base.settings import Settings, Value
from galosh.presets.shelf import Shelf
from galosh.server.aliases import Aliases
from galosh.server.desktop_state import DesktopState
from galosh.server.forecasts import Forecasts
from galosh.server.papers import Papers
from galosh.server.ports import Models, Supervisor
from galosh.server.secret import Token
from galosh.server.sessions import Sessions
from galosh.supervisor.downloads import Downloads


class House:
    """The running daemon: its parts, its settings as they are now, and whether it stops."""

    def __init__(
        self,
        paths: Paths,
        settings: Settings,
        clock: Clock,
        supervisor: Supervisor,
        models: Models,
    ) -> None:
        self.paths = paths
        self.settings = settings
        self.clock = clock
        self.supervisor = supervisor
        self.models = models
        self.downloads = Downloads(paths, settings, clock, supervisor, models, self.change_setting)
        self.presets = Shelf(paths)
        self.papers = Papers(paths, clock, supervisor.events)
        self.forecasts = Forecasts(paths, clock)
        self.sessions = Sessions(paths.sessions_file, clock)
        self.aliases = Aliases(paths.data / "aliases.json")
        self.desktop = DesktopState()
        self.stopping = asyncio.Event()
        self.facts: DaemonFacts | None = None  # set when it listens
        self.token: Token | None = None  # of the TCP door; set before it listens
        self._answers = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def change_setting(self, name: str, value: Value) -> None:
        """Write one setting and use it at once. Raises GaloshError base-setting-…."""
        fresh = await asyncio.to_thread(Settings.load, self.paths.settings_file)
        self.settings = await asyncio.to_thread(fresh.change, name, value)
        self.supervisor.apply(self.settings)
        self.downloads.apply(self.settings)
        self.supervisor.events.publish("settings.changed", setting=name)

    @property
    def is_answering(self) -> bool:
        """Whether a model answers somebody now."""
        return self._answers > 0

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Around one answer of a model, so that a stop can wait for it."""
        self._answers += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._answers -= 1
            if not self._answers:
                self._quiet.set()

    async def quiet(self, patience_seconds: float) -> None:
        """Wait until no answer is under way, but not longer than this."""
        try:
            await asyncio.wait_for(self._quiet.wait(), patience_seconds)
        except asyncio.TimeoutError:
            return
