"""How each model on disk would run now, asked of the daemon when somebody looks.

Rules: one question at a time; an answer is kept for a minute; nothing is asked while nobody
looks at the menu and no model comes or goes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from galosh.api.client import Client, Reply
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.tray.view import View

_FRESH_SECONDS = 60.0


class Host(Protocol):
    """What it needs of the agent."""

    paths: Paths
    view: View

    def aside(
        self,
        work: Callable[[], list[Reply]],
        then: Callable[[list[Reply]], None],
        failed: Callable[[GaloshError], None] | None = None,
    ) -> None:
        """Do it beside the loop."""


class Forecasts:
    """See the module."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._asking = False
        self._asked: tuple[float, tuple[str, ...]] = (float("-inf"), ())

    def refresh(self) -> None:
        """Ask, if what is known is old or of other models."""
        view = self._host.view
        names = tuple(model.id for model in view.models)
        when, about = self._asked
        fresh = about == names and time.monotonic() - when < _FRESH_SECONDS
        if view.away or not names or self._asking or fresh:
            return
        self._asking, self._asked = True, (time.monotonic(), names)
        self._host.aside(Client(self._host.paths).forecasts, self._take, self._failed)

    def _take(self, replies: list[Reply]) -> None:
        self._asking = False
        self._host.view = self._host.view.take_forecasts(replies)

    def _failed(self, _error: GaloshError) -> None:
        self._asking = False  # the rows go without
