"""`bench.py downloads --speed`: what a download costs, as ratios measured in one run.

Owns the four measurements and their targets. Rules: the server runs in its own process and
sends with sendfile; tools take turns, medians are compared; a missed target is exit status 1.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.benches.clients import REPO
from tests.fakes.hub_process import HubProcess

MIB = 1024 * 1024
ROUNDS = 5
CAP_BYTES = 25_000_000
LINK_CAP_BYTES = 10_000_000

CPU_TARGET = 2.5
WALL_TARGET = 1.05
LINKS_TARGET = 3.4
GROWTH_TARGET_BYTES = 48 * MIB


@dataclasses.dataclass(frozen=True)
class Result:
    """One measurement against its target."""

    name: str
    value: float
    target: str
    met: bool
    detail: str


def run(size_mib: int) -> int:
    """Measure everything and print a table; 1 if a target is missed."""
    results = []
    with tempfile.TemporaryDirectory(prefix="galosh-bench-") as name:
        folder = Path(name)
        for measure in (_cpu, _throttled, _links, _memory):
            results.append(measure(folder, size_mib))
            print(_line(results[-1]), flush=True)
    print("\n| Measured | Value | Target | |\n|---|---|---|---|")
    for one in results:
        mark = "met" if one.met else "MISSED"
        print(f"| {one.name} | {one.value:.2f} | {one.target} | {mark}: {one.detail} |")
    return 0 if all(one.met for one in results) else 1


def _line(result: Result) -> str:
    return f"{result.name}: {result.value:.2f} (target {result.target}; {result.detail})"


def _cpu(folder: Path, size_mib: int) -> Result:
    """Processor time for a clear-HTTP download to a file: ours with SHA-256 against curl's."""
    file, digest = _make_file(folder / "cpu.bin", size_mib * MIB)
    ours, theirs, bare = [], [], []
    with HubProcess() as hub:
        url = _serve(hub, file, digest)
        for number in range(ROUNDS):
            theirs.append(_curl_cpu_seconds(url, folder / "curl.bin"))
            said = _pull(url, digest, file.stat().st_size, folder / f"cpu-{number}", 1)
            ours.append(said["cpu_seconds"])
            bare.append(said["fetch_cpu_seconds"])
    file.unlink()
    mine, curl = statistics.median(ours), statistics.median(theirs)
    # Round by round, so that what else the PC does weighs on both.
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    detail = (
        f"galosh {mine:.2f} s of processor time, start of Python included "
        f"({statistics.median(bare):.2f} s without), curl {curl:.2f} s, {size_mib} MiB"
    )
    return Result("CPU, clear HTTP with SHA-256, in curls", ratio, f"<= {CPU_TARGET}",
                  ratio <= CPU_TARGET, detail)  # fmt: skip


def _throttled(folder: Path, _: int) -> Result:
    """Wall time on a server with a cap for all connections together, in caps."""
    size = 500_000_000
    file, digest = _make_file(folder / "cap.bin", size)
    with HubProcess(total_rate=CAP_BYTES) as hub:
        said = _pull(_serve(hub, file, digest), digest, size, folder / "cap", 4)
    file.unlink()
    ideal = size / CAP_BYTES
    ratio = said["wall_seconds"] / ideal
    detail = f"{said['wall_seconds']:.2f} s where the cap allows {ideal:.2f} s"
    return Result("Wall time on a throttled server, in caps", ratio, f"<= {WALL_TARGET}",
                  ratio <= WALL_TARGET, detail)  # fmt: skip


def _links(folder: Path, _: int) -> Result:
    """Speed with up to four connections against one, on a server that caps each."""
    speeds = {}
    for connections, size in ((1, 200_000_000), (4, 800_000_000)):
        file, digest = _make_file(folder / "links.bin", size)
        with HubProcess(connection_rate=LINK_CAP_BYTES) as hub:
            url = _serve(hub, file, digest)
            said = _pull(url, digest, size, folder / f"links-{connections}", connections)
        file.unlink()
        speeds[connections] = size / said["wall_seconds"]
    ratio = speeds[4] / speeds[1]
    detail = f"{speeds[4] / 1e6:.1f} against {speeds[1] / 1e6:.1f} MB/s"
    return Result("Four connections on a per-connection cap, in ones", ratio,
                  f">= {LINKS_TARGET}", ratio >= LINKS_TARGET, detail)  # fmt: skip


def _memory(folder: Path, _: int) -> Result:
    """Growth of resident memory while 4 GB come in over four connections."""
    size = 4_000_000_000
    file, digest = _make_file(folder / "large.bin", size)
    with HubProcess() as hub:
        said = _pull(_serve(hub, file, digest), digest, size, folder / "large", 4)
    file.unlink()
    growth = said["growth_bytes"]
    detail = f"{said['wall_seconds']:.0f} s for 4 GB"
    return Result("Growth of resident memory, 4 GB file, MiB", growth / MIB,
                  f"<= {GROWTH_TARGET_BYTES // MIB}", growth <= GROWTH_TARGET_BYTES,
                  detail)  # fmt: skip


def _make_file(path: Path, size_bytes: int) -> tuple[Path, str]:
    """A sparse file and its digest: the server's disk must not be what is measured."""
    with path.open("wb") as file:
        file.truncate(size_bytes)
    digest, block = hashlib.sha256(), bytes(MIB)
    for at in range(0, size_bytes, MIB):
        digest.update(block[: min(MIB, size_bytes - at)])
    return path, digest.hexdigest()


def _serve(hub: HubProcess, file: Path, digest: str) -> str:
    facts = {"path": "/model.bin", "disk_path": str(file), "etag": f'"{digest[:32]}"'}
    return str(hub.control("file", facts)["url"])


def _pull(url: str, digest: str, size: int, folder: Path, connections: int) -> dict[str, float]:
    """One download by galosh in a process of its own; what it measured."""
    roots = [str(REPO / root) for root in ("core", "installer", "daemon", "tray", "presets")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*roots, str(REPO)])}
    command = [sys.executable, "-m", "scripts.benches.pull_link", url, digest, str(size)]
    done = subprocess.run(
        [*command, str(folder), str(connections)], cwd=REPO, env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (folder / "model.bin").unlink()
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


def _curl_cpu_seconds(url: str, target: Path) -> float:
    if sys.platform == "win32":
        raise SystemExit("the processor time of another program is read on Linux and macOS only")
    process = subprocess.Popen(["curl", "-sS", "-o", str(target), url])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    target.unlink()
    time.sleep(0.2)  # its dirty pages are nobody else's bill
    if process.returncode != 0:
        raise SystemExit(f"curl ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime
