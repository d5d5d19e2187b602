"""Keeps how long each step of each setup took, in `setup-times.json` of the state folder.

scripts/install.py adds its own entry in the same form; `scripts/bench.py setup` prints them.
"""

from __future__ import annotations

from dataclasses import asdict

from galosh.base import durable
from galosh.base.clock import Clock
from galosh.base.paths import Paths
from galosh.setup.view import StepTime

FILE_NAME = "setup-times.json"
_KEPT = 200


def append(paths: Paths, clock: Clock, time: StepTime) -> None:
    """Add one step's time.

    Raises GaloshError `base-disk-full` or `base-not-writable`.
    """
    data = asdict(time)
    entry = {"at": clock.wall_seconds(), "step": data.pop("key"), **data}
    durable.write_json(paths.state / FILE_NAME, [*read(paths), entry][-_KEPT:])


def read(paths: Paths) -> list[object]:
    """All entries, oldest first; each has at, step, seconds, reused."""
    known = durable.read_json(paths.state / FILE_NAME)
    return list(known) if isinstance(known, list) else []
