"""Kills workers and daemons under load, with the real engine, and counts what was lost.

Owns its askers and the killing. Every question must end in an answer or in a stated error;
what a client calls an error must be one of galosh's own (`Outcome.code`). Prints nothing.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil

from galosh.base.errors import GaloshError
from scripts.benches.engine_bench import Bench
from scripts.benches.engine_daemon import Daemon
from scripts.benches.engine_verdict import Row, Verdict

_ASKERS = 2
_TOKENS = 16
_QUESTION = ({"role": "user", "content": "Say hello."},)
_LOAD_LIMIT_SECONDS = 120.0
_ORPHAN_SECONDS = 2.0
# What a client may be told when a process was killed under its question.
STATED = frozenset(
    {
        "supervisor-worker-killed",
        "supervisor-worker-died",
        "supervisor-worker-memory",
        "supervisor-queue-full",
        "supervisor-stopping",
        "server-stopping",
        "api-daemon-lost",
        "api-daemon-away",
    }
)


@dataclass
class Tally:
    """What came of all questions."""

    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    unstated: list[str] = field(default_factory=list)
    double_loads: int = 0


class _Askers:
    """Asks without a pause until told to stop."""

    def __init__(self, daemon: Daemon, tally: Tally) -> None:
        self._daemon = daemon
        self._tally = tally
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(_ASKERS)]

    def __enter__(self) -> _Askers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_LOAD_LIMIT_SECONDS)
            if thread.is_alive():
                self._tally.unstated.append("never ended")

    def _ask(self) -> None:
        while not self._stop.is_set():
            code = ask(self._daemon, self._tally)
            if code is not None:
                self._stop.wait(0.1)


def ask(daemon: Daemon, tally: Tally) -> str | None:
    """One question; the code it ended with, None for an answer."""
    try:
        said = "".join(
            piece.text
            for piece in daemon.client.ask(
                [{"role": "user", "content": "Say hello."}], max_tokens=_TOKENS
            )
            if hasattr(piece, "text")
        )
    except GaloshError as error:
        tally.errors[error.code] += 1
        if error.code not in STATED:
            tally.unstated.append(error.code)
        return error.code
    except Exception as error:  # anything else is what must never happen
        tally.unstated.append(type(error).__name__)
        return type(error).__name__
    if not said:
        tally.unstated.append("empty answer")
    tally.answered += 1
    return None


def kills(bench: Bench) -> Row:
    """A hundred kills of the worker and fifty of the daemon."""
    del bench
    seen = measure(100, 50)
    load = seen["load_seconds"]
    assert isinstance(load, float)
    verdicts = [
        Verdict(words, _number(seen[name]), "at most", 0)
        for name, words in (
            ("unstated", "questions that ended without a stated error"),
            ("orphans", "orphans"),
            ("double_loads", "double loads"),
            ("lost_settings", "lost settings"),
        )
    ]
    for who in ("worker", "daemon"):
        spread = seen[f"next_answer_after_{who}_seconds"]
        worst = spread["worst"] if isinstance(spread, dict) and spread else None
        words = f"next answer after a kill of the {who}, worst, beside the load of {load} s"
        verdicts.append(Verdict(words, worst, "at most", 5 + load, "s"))
    return Row("kills", tuple(verdicts), seen)


def _number(found: object) -> float:
    return float(len(found) if isinstance(found, list) else int(str(found)))


def measure(kills_worker: int, kills_daemon: int, seed: int = 5) -> dict[str, object]:
    """Kill that often, at random moments under load; what was seen. Takes a second per kill."""
    source, tally = random.Random(seed), Tally()
    after_worker: list[float] = []
    after_daemon: list[float] = []
    orphans = lost_settings = 0
    with Daemon({"model": "context_tokens = 1024"}) as daemon:
        began = time.monotonic()
        next_answer(daemon, tally)
        load_seconds = time.monotonic() - began
        with _Askers(daemon, tally), _watch_double_loads(daemon, tally):
            for _ in range(kills_worker):
                time.sleep(source.uniform(0.0, 0.6))
                if _kill_worker(daemon):
                    after_worker.append(next_answer(daemon, tally))
            for number in range(kills_daemon):
                daemon.client.change_setting("download.max_rate_bytes", number + 1)
                time.sleep(source.uniform(0.0, 0.6))
                orphans += _kill_daemon(daemon)
                began = time.monotonic()
                daemon.start()
                kept = daemon.client.settings().get("download.max_rate_bytes")
                lost_settings += kept != number + 1
                next_answer(daemon, tally)
                after_daemon.append(time.monotonic() - began)
        daemon.stop()
        time.sleep(0.2)
        orphans += len(_workers(daemon))
    return {
        "kills_worker": len(after_worker),
        "kills_daemon": len(after_daemon),
        "load_seconds": round(load_seconds, 2),
        "answered": tally.answered,
        "stated_errors": dict(tally.errors),
        "unstated": tally.unstated,
        "next_answer_after_worker_seconds": _spread(after_worker),
        "next_answer_after_daemon_seconds": _spread(after_daemon),
        "orphans": orphans,
        "double_loads": tally.double_loads,
        "lost_settings": lost_settings,
    }


def next_answer(daemon: Daemon, tally: Tally) -> float:
    """Ask until there is an answer; the seconds it took."""
    began = time.monotonic()
    while ask(daemon, tally) is not None:
        if time.monotonic() - began > _LOAD_LIMIT_SECONDS:
            tally.unstated.append("no answer came any more")
            break
        time.sleep(0.05)
    return time.monotonic() - began


def _workers(daemon: Daemon) -> list[psutil.Process]:
    found = []
    for process in daemon.processes():
        with contextlib.suppress(psutil.Error):
            is_worker = "galosh.worker" in process.cmdline()
            if is_worker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _kill_worker(daemon: Daemon) -> bool:
    with contextlib.suppress(psutil.Error, GaloshError):
        pid = daemon.worker_pid()
        if pid is not None:
            psutil.Process(pid).kill()
            return True
    return False


def _kill_daemon(daemon: Daemon) -> int:
    """How many workers outlived it by more than they may."""
    left = _workers(daemon)
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(daemon.pid)
        process.kill()
        process.wait(10)
    _, alive = psutil.wait_procs(left, timeout=_ORPHAN_SECONDS)
    return sum(process.status() != psutil.STATUS_ZOMBIE for process in alive)


@contextlib.contextmanager
def _watch_double_loads(daemon: Daemon, tally: Tally) -> Iterator[None]:
    """Two living workers at once, seen twice in a row, are a double load."""
    stop = threading.Event()

    def watch() -> None:
        before: set[int] = set()
        while not stop.wait(0.15):
            now = {process.pid for process in _workers(daemon)}
            tally.double_loads += len(now & before) > 1
            before = now

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5)


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {
        "median": round(statistics.median(values), 2),
        "worst": round(max(values), 2),
    }
