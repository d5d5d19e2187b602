"""What the daemon costs while nobody asks anything: memory, processor time, wake-ups.

Measured fresh, after a model was used and unloaded, and after a download. Proportional memory
(Pss) counts a page shared by several processes in parts, as the kernel does. Needs no quiet
PC: the figures are the daemon's own.
"""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from scripts.benches.engine_bench import Bench
from scripts.benches.engine_daemon import Daemon, cpu_seconds
from scripts.benches.engine_verdict import Row, Verdict
from tests.fakes.hub_process import HubProcess

PSS_LIMIT_MB = 45.0
CPU_LIMIT_PERCENT = 0.1
LOOK_SECONDS = 60.0
# Work that a change of state sets off (a database closed, a cache written) is not idling.
_SETTLE_SECONDS = 5.0
_REPO = "bench/idle"


def fresh(bench: Bench) -> Row:
    """Started, a model in the store, none loaded."""
    del bench
    with Daemon() as daemon:
        return _look(daemon, "idle-fresh", "fresh")


def used(bench: Bench) -> Row:
    """A model answered and was unloaded."""
    del bench
    with Daemon() as daemon:
        daemon.chat([{"role": "user", "content": "Count to ten."}], 32)
        daemon.client.unload()
        daemon.wait_unloaded(30)
        return _look(daemon, "idle-used", "after a model was used and unloaded")


def downloaded(bench: Bench) -> Row:
    """A model was fetched by the daemon, hashed and entered into the store."""
    with HubProcess() as hub, Daemon(environ={"HF_ENDPOINT": hub.url}) as daemon:
        served = {"disk_path": str(bench.model)}
        hub.control("repo", {"name": _REPO, "files": {bench.model.name: served}})
        source = f"hf:{_REPO}:{bench.model.name}"
        daemon.client.pull(source, environ={"HF_ENDPOINT": hub.url})
        _wait_fetched(daemon)
        return _look(daemon, "idle-downloaded", f"after a download of {_size_mb(bench.model)} MB")


def pss_mb(pid: int) -> float:
    """Proportional memory of a process in MB (10^6 bytes)."""
    return _rolled_up_mb(pid, "Pss:")


def own_mb(pid: int) -> float:
    """Memory of a process that is no file's, in MB."""
    return _rolled_up_mb(pid, "Anonymous:")


def _rolled_up_mb(pid: int, name: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    [line] = [line for line in text.splitlines() if line.startswith(name)]
    return int(line.split()[1]) * 1024 / 1e6


def _look(daemon: Daemon, name: str, words: str) -> Row:
    time.sleep(_SETTLE_SECONDS)
    process = psutil.Process(daemon.pid)
    cpu, switches = cpu_seconds(process.pid), process.num_ctx_switches().voluntary
    time.sleep(LOOK_SECONDS)
    spent = cpu_seconds(process.pid) - cpu
    woken = process.num_ctx_switches().voluntary - switches
    memory = pss_mb(process.pid)
    verdicts = (
        Verdict(f"daemon's proportional memory, {words}", memory, "at most", PSS_LIMIT_MB, "MB"),
        Verdict(
            f"daemon's processor time over {LOOK_SECONDS:.0f} s, {words}",
            spent / LOOK_SECONDS * 100, "at most", CPU_LIMIT_PERCENT, "%",
        ),
    )  # fmt: skip
    shown: dict[str, object] = {
        "cpu_milliseconds": spent * 1e3,
        "wakeups": woken,
        "threads": process.num_threads(),
    }
    return Row(name, verdicts, shown)


def _wait_fetched(daemon: Daemon, limit_seconds: float = 120.0) -> None:
    began = time.monotonic()
    while time.monotonic() - began < limit_seconds:
        states = {str(item.get("state")) for item in daemon.client.downloads()}
        if states == {"done"}:
            return
        if states & {"failed", "needs-you"}:
            raise RuntimeError(f"the download ended as {states}: {daemon.client.downloads()}")
        time.sleep(0.2)
    raise TimeoutError(f"the download does not end: {daemon.client.downloads()}")


def _size_mb(path: Path) -> int:
    return round(path.stat().st_size / 1e6)
