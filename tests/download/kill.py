"""Kill -9 at random moments of one download, over and over.

    python -m tests.download.kill [--seeds N] [--first SEED] [--size BYTES] [--rate BYTES]

For each seed a child process downloads a file from the loopback server and is killed at a
random moment: by SIGKILL after random microseconds, or by its own hand inside the n-th disk
call (journal appends, syncs, the final rename, the receipt). Then it runs again, undisturbed.
Checked: the right bytes, bytes fetched twice under 2 % of the size, no file left over. Bytes
that lay unread in the kernel when the process died are the line's, not the program's: on a PC
that stalls they are as many as came in the meantime, and they are not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from galosh.base.paths import Paths
from galosh.download.layer import Buffer, File, RealLayer
from tests.fakes.hub import FaultHub
from tests.fakes.model_files import gguf

ROOT = Path(__file__).resolve().parents[2]
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows ends a process the same way
KINDS = ("append", "sync", "rename", "write", "remove", "sync_folder")


@dataclasses.dataclass
class Outcome:
    """One seed. kept_bytes: what the restart found; twice_bytes: fetched more than once."""

    seed: int
    how: str
    killed: bool
    kept_bytes: int
    twice_bytes: int
    seconds: float


class SuicidalLayer(RealLayer):
    """Ends its own process inside the n-th call of one kind, half of an append written."""

    def __init__(self, kind: str, number: int) -> None:
        self.kind = kind
        self.left = number

    def meet(self, kind: str) -> bool:
        """True if this is the call to die in."""
        if kind == self.kind:
            self.left -= 1
        return self.left <= 0 and kind == self.kind

    def open(self, path: Path, *, append: bool = False, create: bool = True) -> File:
        """See FileLayer."""
        return SuicidalFile(super().open(path, append=append, create=create), self)

    def rename(self, source: Path, target: Path) -> None:
        """See FileLayer."""
        early = self.left % 2 == 0
        if self.meet("rename"):
            if not early:
                super().rename(source, target)
            die()
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        """See FileLayer."""
        super().remove(path)
        if self.meet("remove"):
            die()

    def sync_folder(self, folder: Path) -> None:
        """See FileLayer."""
        if self.meet("sync_folder"):
            die()
        super().sync_folder(folder)


class SuicidalFile:
    """A file of a SuicidalLayer."""

    def __init__(self, file: File, layer: SuicidalLayer) -> None:
        self._file = file
        self._layer = layer
        self.read = file.read
        self.size = file.size
        self.truncate = file.truncate
        self.reserve = file.reserve
        self.close = file.close

    def write(self, offset: int, data: Buffer) -> None:
        """See File."""
        if self._layer.meet("write"):
            self._file.write(offset, bytes(data[: len(data) // 2]))
            die()
        self._file.write(offset, data)

    def append(self, data: bytes) -> None:
        """See File."""
        if self._layer.meet("append"):
            self._file.append(data[: self._layer.left % len(data) or 13])
            die()
        self._file.append(data)

    def sync(self) -> None:
        """See File."""
        if self._layer.meet("sync"):
            die()
        self._file.sync()


def die() -> None:
    """As kill -9 does it: no handler, no flush, no cleanup; the parent kills what stands still."""
    os.kill(os.getpid(), getattr(signal, "SIGSTOP", KILL))
    time.sleep(60)


def wait_for_death(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Until the process ends, stops itself in `die`, or `seconds` are over."""
    until = time.monotonic() + seconds
    with contextlib.suppress(psutil.NoSuchProcess):
        state = psutil.Process(process.pid)
        while process.poll() is None and time.monotonic() < until:
            if state.status() == psutil.STATUS_STOPPED:
                return
            time.sleep(0.002)


def kill(process: subprocess.Popen[bytes], port: int) -> int:
    """Kill -9; the bytes sent from `port` that the process had not taken yet (Linux only)."""
    unread = 0
    if process.poll() is None:
        if hasattr(signal, "SIGSTOP"):
            process.send_signal(signal.SIGSTOP)
        unread = bytes_underway(port)
        process.kill()
    process.wait()
    return unread


def bytes_underway(port: int) -> int:
    """What the kernel holds of the connections to a loopback server, in both its queues.

    proc_net_tcp.rst of the kernel: address and port, remote ones, state, tx_queue:rx_queue.
    """
    table = Path("/proc/net/tcp")
    if not table.exists():
        return 0
    fields = [line.split() for line in table.read_text().splitlines()[1:]]
    ours = f":{port:04X}"
    # Sent and not taken in by the kernel is the server's tx_queue; taken in is our rx_queue.
    sent = sum(int(one[4][:8], 16) for one in fields if one[1].endswith(ours) and one[3] == "01")
    return sent + sum(int(one[4][9:], 16) for one in fields if one[2].endswith(ours))


def child(url: str, sha256: str, size_bytes: int, home: Path, kind: str, number: int) -> int:
    """The process that is killed."""
    from galosh.download import ByteSource, Plan, fetch

    plan = Plan("model.gguf", size_bytes, sha256, "catalogue", (ByteSource(url),), url)
    paths = Paths.under(home)
    layer = SuicidalLayer(kind, number) if kind != "-" else RealLayer()
    receipt = fetch(plan, paths.models / "model.gguf", paths, io=layer)
    print(receipt.received_bytes, flush=True)
    return 0


def one_seed(
    seed: int, hub: FaultHub, url: str, data_hash: str, size_bytes: int, rate: float
) -> Outcome:
    """Kill once (or not, if the moment came too late), run again, check."""
    chance = random.Random(seed)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        command = [sys.executable, "-m", "tests.download.kill", "--child", url, data_hash,
                   str(size_bytes), str(home)]  # fmt: skip
        inside = seed % 2 == 1
        kind = KINDS[seed // 2 % len(KINDS)] if inside else "-"
        most = {"append": 400, "write": 400, "sync": 6, "rename": 3, "remove": 8}.get(kind, 6)
        number = chance.randint(1, most)
        hub.forget()
        process = subprocess.Popen(
            [*command, kind, str(number)], cwd=ROOT, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        delay = 120.0 if inside else chance.uniform(0.2, 0.8 + size_bytes / rate)
        how = f"in {kind} {number}" if inside else f"after {delay:.6f} s"
        wait_for_death(process, delay)
        underway = kill(process, hub.port)
        process.communicate()
        killed = process.returncode not in (0, None)
        kept = kept_bytes(home)
        subprocess.run(
            [*command, "-", "0"], cwd=ROOT, stdout=subprocess.PIPE, check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, text=True,
        )  # fmt: skip
        check(home, data_hash)
        sent = sum(request.bytes_sent for request in hub.requests())
    twice = max(0, sent - underway - size_bytes)
    allowed = max(0.02 * size_bytes, 1_200_000)  # four chunks and one block of the server
    assert twice < allowed, f"seed {seed} {how}: {twice} bytes twice"
    return Outcome(seed, how, killed, kept or 0, twice, time.monotonic() - started)


def kept_bytes(home: Path) -> int | None:
    """What the dead process left, as the journal tells; None if it left no download."""
    from galosh.download import downloads

    found = downloads(Paths.under(home))
    return found[0].kept_bytes if found else None


def check(home: Path, data_hash: str) -> None:
    """The right bytes and no other file."""
    paths = Paths.under(home)
    target = paths.models / "model.gguf"
    assert hashlib.sha256(target.read_bytes()).hexdigest() == data_hash, "wrong bytes"
    names = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    expected = {"data/models/model.gguf", "data/models/model.gguf.receipt.json"}
    assert names == expected, f"left over: {names - expected}"


def run_seeds(seeds: range, size_bytes: int, rate: float) -> list[Outcome]:
    """All seeds against one server."""
    data = gguf(size_bytes, 7)
    data_hash = hashlib.sha256(data).hexdigest()
    with FaultHub(total_bytes_per_second=rate) as hub:
        url = hub.add_file("/model.gguf", data)
        return [one_seed(seed, hub, url, data_hash, size_bytes, rate) for seed in seeds]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the harness and print one line per seed and the sum."""
    raw = list(sys.argv[1:] if arguments is None else arguments)
    if raw and raw[0] == "--child":
        url, sha256, size, home, kind, number = raw[1:7]
        return child(url, sha256, int(size), Path(home), kind, int(number))
    parser = argparse.ArgumentParser(prog="tests.download.kill")
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--size", type=int, default=100_000_000)
    parser.add_argument("--rate", type=float, default=40e6)
    options = parser.parse_args(raw)
    started = time.monotonic()
    outcomes = run_seeds(
        range(options.first, options.first + options.seeds), options.size, options.rate
    )
    for one in outcomes:
        print(
            f"seed {one.seed:4d} {one.how:24s} killed={one.killed!s:5s} "
            f"kept {one.kept_bytes:>11,} twice {one.twice_bytes:>9,} {one.seconds:.1f} s"
        )
    killed = sum(one.killed for one in outcomes)
    worst = max(one.twice_bytes for one in outcomes)
    print(
        f"{len(outcomes)} seeds, {killed} killed, all files right, nothing left over; bytes "
        f"fetched twice: worst {worst:,} ({worst / options.size:.2%}), "
        f"{time.monotonic() - started:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
