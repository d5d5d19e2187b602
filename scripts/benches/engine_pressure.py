"""Memory given back when others need it.

Daemon, worker and a program that grows share a control group with little memory and a swap
file, so that the pressure is real and stays in there. The daemon sees it as it sees a full PC:
through the kernel's own pressure signal and the group's limit.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from galosh.base.errors import GaloshError
from scripts.benches.engine_bench import Bench
from scripts.benches.engine_client import RefusedError
from scripts.benches.engine_daemon import Daemon
from scripts.benches.engine_group import (
    Group,
    UnavailableError,
    swapped_out_pages,
    wrested_pages,
)
from scripts.benches.engine_verdict import Row, Verdict

MIB = 1024 * 1024
# What a PC of 2 GB has: the desktop keeps its part, a small model still fits.
LIMIT_BYTES = 2048 * MIB
SWAP_BYTES = 1024 * MIB
LOADS = 50
_REPO = Path(__file__).resolve().parents[2]
# What a worker must have come down to, of its own memory, to have given it back.
_GIVEN_BACK_SHARE = 0.25
_FIRST_PAGES = 256
_LOOK_SECONDS = 0.01


def given_back(bench: Bench) -> Row:
    """Seconds from the first pages that are taken from programs to the worker's memory being
    free, round by round."""
    name = "pressure"
    seconds: list[float] = []
    try:
        for _ in range(bench.runs):
            with Group(LIMIT_BYTES, SWAP_BYTES) as group, Daemon() as daemon:
                group.add(daemon.pid)
                daemon.ask("Once upon a time", 16)
                seconds.append(_time_give_back(daemon, group))
    except (UnavailableError, TimeoutError) as error:
        verdict = Verdict("memory back after pressure starts", None, "at most", 2.0, "s",
                          str(error))  # fmt: skip
        return Row(name, (verdict,), {"seconds": seconds})
    verdict = Verdict("memory back after pressure starts", max(seconds), "at most", 2.0, "s")
    return Row(name, (verdict,), {"seconds": seconds})


def loads(bench: Bench) -> Row:
    """Fifty loads beside a program that grows to what fits without us; pages swapped out."""
    del bench
    name, words = "swap", f"pages swapped out in {LOADS} loads beside a program that grows"
    try:
        with Group(LIMIT_BYTES, SWAP_BYTES) as group, Daemon() as daemon:
            group.add(daemon.pid)
            most_mb = (LIMIT_BYTES - 130 * MIB) / 1e6
            alone = _wrested_alone(group, most_mb)
            before, all_before = wrested_pages(), swapped_out_pages()
            grower = _grow(group, 300, most_mb, 1.0)
            try:
                said = _load_again_and_again(daemon)
            finally:
                grower.kill()
                grower.wait()
            pages, everywhere = wrested_pages() - before, swapped_out_pages() - all_before
    except UnavailableError as error:
        return Row(name, (Verdict(words, None, "at most", 0, note=str(error)),))
    # A page that was taken and not written was swapped in before and is unchanged.
    pages = min(pages, everywhere)
    shown: dict[str, object] = {
        "pages_without_us": alone, "idle_pages_too": everywhere, **said,
    }  # fmt: skip
    return Row(name, (Verdict(words, float(pages), "at most", 0),), shown)


def _time_give_back(daemon: Daemon, group: Group) -> float:
    pid = daemon.worker_pid()
    assert pid is not None
    held = _own_bytes(pid)
    # Not by /proc/pressure: whoever reads it puts the kernel's next look at its triggers off by
    # two seconds, and a reader every 10 ms keeps the daemon from ever hearing of it.
    wrested = wrested_pages()
    time.sleep(random.uniform(0, 2))  # the kernel looks every two seconds
    grower = _grow(group, 400, LIMIT_BYTES * 0.97 / 1e6, 0)
    try:
        began: float | None = None
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            now = time.monotonic()
            if began is None and wrested_pages() - wrested >= _FIRST_PAGES:
                began = now
            if _own_bytes(pid) <= held * _GIVEN_BACK_SHARE:
                # Before any was: the daemon was quicker than the pressure.
                return 0.0 if began is None else now - began
            time.sleep(_LOOK_SECONDS)
        raise TimeoutError("the memory is not given back within a minute")
    finally:
        grower.kill()
        grower.wait()


def _wrested_alone(group: Group, most_mb: float) -> int:
    """What the program that grows loses without any model: the measurement's own zero."""
    before = wrested_pages()
    grower = _grow(group, 400, most_mb, 0)
    time.sleep(most_mb / 400 + 2)
    grower.kill()
    grower.wait()
    return wrested_pages() - before


def _load_again_and_again(daemon: Daemon) -> dict[str, object]:
    """Ask, unload, ask: answered, or refused with a stated error."""
    answered, refused = 0, []
    for _ in range(LOADS):
        try:
            daemon.ask("Once upon a time", 8)
            answered += 1
        except RefusedError as error:
            refused.append(str(error)[:160])
        try:
            daemon.client.unload()
        except GaloshError as error:
            refused.append(str(error)[:160])
    return {"answered": answered, "refused": len(refused), "first_refusal": refused[:1]}


def _grow(group: Group, rate_mb: float, most_mb: float, hold: float) -> subprocess.Popen[bytes]:
    words = [str(rate_mb), str(most_mb), str(hold)]
    command = [sys.executable, "-m", "scripts.benches.engine_grower", *words]
    child = subprocess.Popen(command, cwd=_REPO)
    group.add(child.pid)
    # If the limit is reached in spite of the swap, the kernel shall end this one first.
    Path(f"/proc/{child.pid}/oom_score_adj").write_text("1000", encoding="ascii")
    return child


def _own_bytes(pid: int) -> int:
    """Memory of the process that is not a mapped file; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
