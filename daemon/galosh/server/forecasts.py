"""Asks a process of its own what a model would need here and how fast it would be.

Keeps each answer for a minute, as long as the file, the settings and roughly the free memory
are the same. One process at a time; one whose asker has gone is ended. Nothing of what it
loads stays in the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.server.ports import Model
from galosh.supervisor.launch import Group

_KEPT_SECONDS = 60.0
_KEPT = 64
_PATIENCE_SECONDS = 60.0
_ROOM_STEP_BYTES = 256 * 1024 * 1024
# The same modules as ours, wherever they come from.
_CODE = (
    "import sys; sys.path[:] = sys.argv[1:]; from galosh.server.forecast_child import main; main()"
)

Facts = Mapping[str, Any]


class Forecasts:
    """See the module. Lives in the event loop's thread."""

    def __init__(self, paths: Paths, clock: Clock) -> None:
        self._paths = paths
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._kept: dict[tuple[object, ...], tuple[float, Facts]] = {}

    async def of_models(
        self, models: Sequence[Model], settings: Facts, *, extra_bytes: int, measure: bool
    ) -> list[Facts]:
        """A forecast (or an error) for each. extra_bytes: what a swap would free first."""
        async with self._one_at_a_time:
            room = await asyncio.to_thread(_free_bytes)
            about = (room + extra_bytes) // _ROOM_STEP_BYTES, str(settings)
            keys = {model.id: ("fit", str(_file_of(model)), _stamp(model), *about)
                    for model in models}  # fmt: skip
            found = {name: self._remembered(key) for name, key in keys.items()}
            missing = [model for model in models if found[model.id] is None]
            if missing:
                wish = {
                    "do": "fit",
                    "models": [{"id": one.id, "path": _file_of(one)} for one in missing],
                    "extra_bytes": extra_bytes,
                    "measure": measure,
                }
                for one in (await self._ask(wish))["forecasts"]:
                    found[one["id"]] = self._keep(keys[one["id"]], one, lasting=measure)
            return [fact for fact in found.values() if fact is not None]

    async def recommend(self, language: str, settings: Facts, *, measure: bool) -> Facts:
        """The catalogue on this PC. Raises GaloshError `catalogue-…`."""
        async with self._one_at_a_time:
            room = await asyncio.to_thread(_free_bytes)
            key = ("recommend", language, room // _ROOM_STEP_BYTES, str(settings))
            known = self._remembered(key)
            if known is not None:
                return known
            wish = {"do": "recommend", "language": language, "measure": measure}
            return self._keep(key, await self._ask(wish), lasting=measure)

    def _remembered(self, key: tuple[object, ...]) -> Facts | None:
        ends, facts = self._kept.get(key, (0.0, None))
        return facts if ends > self._clock.monotonic_seconds() else None

    def _keep(self, key: tuple[object, ...], facts: Facts, *, lasting: bool) -> Facts:
        """Not `lasting`: speeds may be missing that a moment later can be told."""
        now = self._clock.monotonic_seconds()
        told = {**facts, "at_seconds": self._clock.wall_seconds()}
        if "error" not in facts and lasting:
            fresh = {known: kept for known, kept in self._kept.items() if kept[0] > now}
            self._kept = dict(list(fresh.items())[-_KEPT:])
            self._kept[key] = (now + _KEPT_SECONDS, told)
        return told

    async def _ask(self, wish: Facts) -> Facts:
        environ = dict(os.environ)
        if self._paths.home is not None:
            environ["GALOSH_HOME"] = str(self._paths.home)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CODE, *sys.path,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environ, **Group.options(),
        )  # fmt: skip
        try:
            told, _ = await asyncio.wait_for(
                child.communicate(json.dumps(wish).encode() + b"\n"), _PATIENCE_SECONDS
            )
            found: Facts = json.loads(told)
        except (asyncio.TimeoutError, ValueError) as error:
            reason = type(error).__name__ if child.returncode is None else f"{child.returncode}"
            raise GaloshError("server-no-forecast", reason=reason) from error
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    Group.kill(child.pid)
                await child.communicate()  # waits, and reads the pipes to their end
        if "error" in found and isinstance(found["error"], Mapping):
            raise GaloshError.from_json(found["error"])
        return found


def _file_of(model: Model) -> str:
    return str(model.to_json().get("path", ""))


def _stamp(model: Model) -> object:
    try:
        facts = os.stat(_file_of(model))  # noqa: PTH116 - no Path is needed for one look
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns


def _free_bytes() -> int:
    import psutil

    try:
        return int(psutil.virtual_memory().available)
    except (psutil.Error, OSError, RuntimeError):
        return 0
