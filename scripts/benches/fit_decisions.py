"""`bench.py fit --decisions`: is “fits” true under a limit that the system enforces?

A memory group of the kernel, swap off, at shares of what the forecast says is needed; the
budget sees that limit as the PC's memory. A run passes when the worker loads, answers and
writes at a normal speed. Weights that are mapped can be dropped and read again, so a limit
that is too small shows as slowness; weights that are read (no mapping) as a killed worker.
Needs root and a memory group that can be made (v1 or v2); says so where there is none.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from galosh import gguf, hardware
from galosh.base.paths import Paths
from galosh.engine.records import Engine
from galosh.fit import RunSettings, forecast_memory
from galosh.fit.budget import Room, judge
from scripts.benches import fit_process
from tests import real

MIB = 1 << 20
SHARES = (0.8, 1.0, 1.1)
# Slower than this against the run without a limit is not a normal speed.
SLOWEST = 3.0
SETTINGS = (
    RunSettings(1024),
    RunSettings(1024, use_mmap=False),
    RunSettings(2048, 128, "q8_0", sequences=4, use_mmap=False),
)
_ENTER = (
    "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); "
    "os.execv(sys.argv[2], sys.argv[2:])"
)


class NoGroupError(Exception):
    """This system lets nobody here limit memory."""


@dataclass(frozen=True)
class Outcome:
    """One run under a limit. says: the verdict's kind where the limit is all the PC has, the
    desktop's share left out (nothing else runs in the group)."""

    name: str
    share: float
    says_fits: bool
    passed: bool
    how: str


def run_decisions(options: argparse.Namespace) -> int:
    """All runs; 1 when a “fits” was false."""
    engine = real.real_engine()
    flags = hardware.probe(Paths.under(real.CACHE / "home")).cpu.flags.value
    files = {"SmolLM2-135M": real.starter_model(), "gemma-3-270m": real.gemma_model()}
    outcomes: list[Outcome] = []
    try:
        for name, file in files.items():
            if options.cases and name not in options.cases:
                continue
            for settings in SETTINGS:
                outcomes += _under_limits(name, file, settings, engine, flags)
    except NoGroupError as error:
        print(f"no memory group can be made here: {error}", file=sys.stderr)
        return 1
    wrong = [one for one in outcomes if one.says_fits and not one.passed]
    refused = [one for one in outcomes if not one.says_fits and one.passed]
    print(f"\n{len(outcomes)} runs: {len(wrong)} false “fits”, {len(refused)} false refusals")
    return 1 if wrong else 0


def _under_limits(
    name: str,
    file: Path,
    settings: RunSettings,
    engine: Engine,
    flags: frozenset[str] | None,
) -> Iterator[Outcome]:
    memory = forecast_memory(gguf.check_file(file), settings, flags)
    needed = judge(memory.lasting_bytes, memory.anonymous_bytes, Room(None, None, None))
    free = fit_process.run(engine, file, settings)
    for share in SHARES:
        limit = int(needed.needed_bytes * share)
        # The group holds this worker alone, so all of the limit is its room.
        says = needed.needed_bytes <= limit
        _drop_pages(file)
        with group(limit) as enter:
            before = [sys.executable, "-c", _ENTER, str(enter)]
            passed, how = _run(engine, file, settings, before, free.decode_seconds)
        outcome = Outcome(f"{name} {settings.context_tokens}", share, says, passed, how)
        print(
            f"{name:14} {settings.context_tokens:6} {settings.cache_type:5} "
            f"{'mapped' if settings.use_mmap else 'read':6} limit {limit / MIB:7.1f} MiB "
            f"({share:.1f} of the need) says {'fits' if says else 'no':4} "
            f"{'ran' if passed else 'failed'} ({how})",
            flush=True,
        )
        yield outcome


def _run(
    engine: Engine, file: Path, settings: RunSettings, before: list[str], free_seconds: float
) -> tuple[bool, str]:
    try:
        held = fit_process.run(engine, file, settings, before=before)
    except fit_process.RunFailedError as error:
        return False, str(error).replace("\n", " ")[:70]
    slower = held.decode_seconds / max(free_seconds, 1e-6)
    return slower <= SLOWEST, f"{slower:.1f} times the time without a limit"


def _drop_pages(file: Path) -> None:
    """Pages of the model that are cached already would be charged to nobody here."""
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextlib.contextmanager
def group(limit_bytes: int) -> Iterator[Path]:
    """A memory group with a limit and no swap; the file a process writes its id to, to enter.

    Raises NoGroupError.
    """
    old, new = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    is_old = (old / "memory.limit_in_bytes").exists()
    place = (old if is_old else new) / f"galosh-fit-{os.getpid()}"
    limits = (
        {"memory.limit_in_bytes": limit_bytes, "memory.memsw.limit_in_bytes": limit_bytes}
        if is_old
        else {"memory.max": limit_bytes, "memory.swap.max": 0}
    )
    try:
        place.mkdir()
        for name, value in limits.items():
            if (place / name).exists():
                (place / name).write_text(str(value))
    except OSError as error:
        raise NoGroupError(error.strerror or str(error)) from error
    try:
        yield place / "cgroup.procs"
    finally:
        with contextlib.suppress(OSError):
            place.rmdir()
