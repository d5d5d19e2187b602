"""`bench.py desktop`: memory, idle time, first icon and press to caret of tray and quick prompt.

Real parts only: a private X server, bus and xfce4-panel, the agent with its popup, the daemon
without a model. Memory is proportional (PSS): what two processes share counts half for each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from galosh.api.client import Client
from galosh.api.find import is_running
from galosh.api.launch import stop_daemon
from galosh.base.paths import Paths
from scripts.benches.desktop_caret import press_to_caret
from tests.desktop_kit import Desktop, desktop, end, wait_for
from tests.tray.kit import icon_at

_TARGETS = {
    "tray_bytes": 25_000_000,
    "popup_bytes": 25_000_000,
    "daemon_and_tray_bytes": 80_000_000,
    "tray_idle_percent": 0.1,
    "popup_idle_percent": 0.1,
    "daemon_idle_percent": 0.1,
    "first_icon_seconds": 1.0,
    "press_to_caret_seconds": 0.05,
    "press_to_caret_marked_seconds": 0.05,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    parser.add_argument("--seconds", type=float, default=60.0, help="how long idle is watched")
    parser.add_argument("--starts", type=int, default=5, help="how many cold starts")
    parser.add_argument("--presses", type=int, default=100, help="of the hotkey, in each case")
    parser.add_argument("--json", type=Path, help="write the figures there")


def main(options: argparse.Namespace) -> int:
    """Measure and print; 1 when a target is missed."""
    with tempfile.TemporaryDirectory() as name, desktop(Path(name), services=True) as here:
        here.panel()
        try:
            figures = measure(here, options)
        finally:
            stop_daemon(_paths(here))
    for what, value in figures.items():
        target = _TARGETS.get(what)
        verdict = "" if target is None else f"  (at most {_shown(what, target)})"
        print(f"{what:36} {_shown(what, value):>12}{verdict}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    missed = [what for what, most in _TARGETS.items() if figures.get(what, most) > most]
    print("missed: " + ", ".join(missed) if missed else "all targets met")
    return 1 if missed else 0


def measure(here: Desktop, options: argparse.Namespace) -> dict[str, float]:
    """Every figure."""
    figures: dict[str, float] = {}
    paths = _paths(here)
    # With the daemon there already, as at any start but the first of a session.
    tray = here.python("-m", "galosh.tray", log="tray.log")
    wait_for(lambda: icon_at(here), "icon")
    daemon = wait_for(lambda: is_running(paths), "daemon")
    assert daemon is not None
    popup = wait_for(lambda: _children(tray.pid), "popup")[0]
    wait_for(lambda: Client(paths).status(), "status")
    time.sleep(5)
    pids = {"tray": tray.pid, "popup": popup, "daemon": daemon.pid}
    before = {name: _busy_seconds(pid) for name, pid in pids.items()}
    begin = time.monotonic()
    time.sleep(options.seconds)
    spent = time.monotonic() - begin
    for name, pid in pids.items():
        figures[f"{name}_bytes"] = pss_bytes(pid)
        figures[f"{name}_idle_percent"] = 100 * (_busy_seconds(pid) - before[name]) / spent
    figures["daemon_and_tray_bytes"] = figures["daemon_bytes"] + figures["tray_bytes"]
    figures |= press_to_caret(here, options.presses)
    end(tray)
    times = [_first_icon_seconds(here) for _ in range(options.starts)]
    figures["first_icon_seconds"] = statistics.median(times)
    figures["first_icon_worst_seconds"] = max(times)
    return dict(sorted(figures.items()))


def pss_bytes(pid: int) -> int:
    """Memory of a process, what it shares divided among those that share it."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


def _first_icon_seconds(here: Desktop) -> float:
    wait_for(lambda: icon_at(here) is None, "a panel without icon")
    begin = time.monotonic()
    tray = here.python("-m", "galosh.tray", log="tray.log")
    wait_for(lambda: icon_at(here), "icon", every=0.005)
    seconds = time.monotonic() - begin
    end(tray)
    return seconds


def _paths(here: Desktop) -> Paths:
    return Paths.under(Path(here.environ["GALOSH_HOME"]))


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children()]


def _busy_seconds(pid: int) -> float:
    """User and system time, from the scheduler's count in nanoseconds of every thread."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        line = (thread / "schedstat").read_text(encoding="ascii")
        total += int(line.split()[0])
    return total / 1e9


def _shown(what: str, value: float) -> str:
    if what.endswith("_bytes"):
        return f"{value / 1e6:.1f} MB"
    return f"{value:.3f} %" if what.endswith("_percent") else f"{value:.3f} s"
