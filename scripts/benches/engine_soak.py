"""An hour of mixed load: does anything grow, or stay behind?

Short and long questions, several at once, askers who hang up, counts, status, an unload now
and then; after each the bench rests about three times as long as it worked, so that the load
is about a quarter of the PC. Samples are taken while the model is loaded and idle. The first
part of the run is warm-up: caches and pools fill until then.

What is judged is a process's own (anonymous) memory: what a leak grows. How much of its files
(weights, libraries) the kernel keeps, and who else maps them, changes without our doing; the
proportional figures stand in the file beside.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import fcntl
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from scripts.benches.engine_bench import Bench, text_of
from scripts.benches.engine_client import RefusedError, request
from scripts.benches.engine_daemon import Daemon
from scripts.benches.engine_idle import own_mb, pss_mb
from scripts.benches.engine_verdict import Row, Verdict, growth, median

_SAMPLE_SECONDS = 20.0
_WARM_UP_SHARE = 0.25
_LAST_SHARE = 0.2
_REST_TIMES = 3.0
GROWTH_LIMIT = 0.05


@dataclass(frozen=True)
class Sample:
    """How big daemon and worker were at a moment: own and proportional memory; worker_… None:
    none ran."""

    seconds: float
    daemon_mb: float
    daemon_pss_mb: float
    daemon_files: int
    worker_mb: float | None
    worker_pss_mb: float | None
    worker_files: int | None


def soak(bench: Bench) -> Row:
    """See the module."""
    samples: list[Sample] = []
    asked: dict[str, int] = {}
    failed: list[str] = []
    with Daemon() as daemon:
        load = _Load(daemon, bench.yield_to)
        load.preset()
        began = time.monotonic()
        sampled = 0.0
        while (now := time.monotonic() - began) < bench.soak_seconds:
            name, took = load.once(failed)
            asked[name] = asked.get(name, 0) + 1
            time.sleep(min(20.0, took * _REST_TIMES))
            if now - sampled >= min(_SAMPLE_SECONDS, bench.soak_seconds / 30):
                sampled = now
                samples.append(_sample(daemon, now))
        daemon.stop()
        time.sleep(1)
        left = [" ".join(process.cmdline()) for process in daemon.processes()]
    return Row("soak", _verdicts(samples, left, failed, bench.soak_seconds), {
        "asked": asked, "samples": len(samples), "failed": failed[:5], "left": left,
        "all_samples": [vars(sample) for sample in samples],
    })  # fmt: skip


class _Load:
    """The mix. yield_to: a file that measurements lock exclusively while they need quiet."""

    def __init__(self, daemon: Daemon, yield_to: Path | None) -> None:
        self._daemon = daemon
        self._yield_to = yield_to
        self._chance = random.Random(5)
        self._preset = ""
        self._ways: dict[str, tuple[int, Callable[[], None]]] = {
            "short": (8, self._short),
            "preset": (4, self._behind_preset),
            "long": (1, self._long),
            "several": (2, self._several),
            "hang-up": (3, self._hang_up),
            "count": (2, self._count),
            "unload": (1, self._unload),
        }

    def preset(self) -> None:
        """Make the preset; loads the model."""
        self._preset = text_of(self._daemon, 300, "soak preset")

    def once(self, failed: list[str]) -> tuple[str, float]:
        """One piece of load: its name and how long it took."""
        names = [name for name, (weight, _) in self._ways.items() for _ in range(weight)]
        name = self._chance.choice(names)
        with _quiet_let_through(self._yield_to):
            began = time.monotonic()
            try:
                self._ways[name][1]()
            except (RefusedError, OSError) as error:
                failed.append(f"{name}: {error}"[:200])
            return name, time.monotonic() - began

    def _words(self, tokens: int) -> str:
        return text_of(self._daemon, tokens, self._chance.random())

    def _short(self) -> None:
        self._daemon.chat([{"role": "user", "content": self._words(20)}], 24, temperature=0.8)

    def _behind_preset(self) -> None:
        self._daemon.ask(f"{self._preset}\n{self._words(12)}", 16)

    def _long(self) -> None:
        self._daemon.ask(self._words(700), 8)

    def _several(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            asked = [pool.submit(self._daemon.ask, self._words(16), 16) for _ in range(3)]
            for future in asked:
                future.result()

    def _hang_up(self) -> None:
        body = {"prompt": self._words(30), "max_tokens": 400, "stream": True}
        with self._daemon.address.connect(60) as door:
            door.sendall(request("POST", "/v1/completions", body, ""))
            door.recv(4096)

    def _count(self) -> None:
        self._daemon.client.count_tokens(self._words(50))
        self._daemon.client.status()

    def _unload(self) -> None:
        self._daemon.client.unload()
        self._short()


@contextlib.contextmanager
def _quiet_let_through(lock: Path | None) -> Iterator[None]:
    if lock is None:
        yield
        return
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def _sample(daemon: Daemon, seconds: float) -> Sample:
    here = psutil.Process(daemon.pid)
    pid = daemon.worker_pid()
    worker_mb = worker_pss_mb = worker_files = None
    if pid is not None:
        with contextlib.suppress(psutil.Error, OSError):
            worker_files = psutil.Process(pid).num_fds()
            worker_mb, worker_pss_mb = own_mb(pid), pss_mb(pid)
    return Sample(
        seconds, own_mb(here.pid), pss_mb(here.pid), here.num_fds(),
        worker_mb, worker_pss_mb, worker_files,
    )  # fmt: skip


def _verdicts(
    samples: list[Sample], left: list[str], failed: list[str], lasted: float
) -> tuple[Verdict, ...]:
    early = [s for s in samples if lasted * _WARM_UP_SHARE <= s.seconds <= lasted * 0.5]
    late = [s for s in samples if s.seconds >= lasted * (1 - _LAST_SHARE)]
    words = f"in {lasted:.0f} s of mixed load"
    found = []
    for name in ("daemon", "worker"):
        first, last = _sizes(early, name), _sizes(late, name)
        grown = growth(median(first), median(last)) if first and last else None
        found.append(Verdict(f"growth of {name} memory {words}", grown, "at most", GROWTH_LIMIT))
    files = None
    if early and late:
        most = max(sample.daemon_files for sample in early)
        files = float(max(0, min(sample.daemon_files for sample in late) - most))
    found += [
        Verdict(f"files the daemon holds too many {words}", files, "at most", 0),
        Verdict(f"processes left behind {words}", float(len(left)), "at most", 0),
        Verdict(f"questions that failed {words}", float(len(failed)), "at most", 0),
    ]
    return tuple(found)


def _sizes(samples: list[Sample], name: str) -> list[float]:
    found = [s.daemon_mb if name == "daemon" else s.worker_mb for s in samples]
    return [value for value in found if value is not None]
