"""Fault cases of downloads.md section 7 that the disk or a kill brings: 1 to 5, 25, 26, 28, 29.

The others are in `test_faults.py`. A case that needs processes or a real small disk takes longer
than a quarter of a second.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download import downloads
from galosh.download.fetch import fetch
from galosh.download.folder import Folder
from galosh.download.layer import RealLayer
from galosh.download.limits import KIB, MIB
from galosh.download.state import State
from tests.download import crash, kill
from tests.download.endings import extra_bytes, fails
from tests.download.layers import FailingPart, LyingLocks, SmallDisk
from tests.download.memory_net import MemoryNet
from tests.download.simulated import SimulatedDisk
from tests.download.support import FAST, Rig
from tests.fakes.faults import Fault
from tests.fakes.hub import FaultHub

REPO = Path(__file__).parents[2]
ALL = "/model.gguf"


def test_01_kill9_random_point(rig: Rig) -> None:
    # Real processes: about a second each. 25 and 200 seeds: test_kill.py and tests.download.kill.
    outcomes = kill.run_seeds(range(3, 5), 4 * MIB, 8 * MIB)
    assert any(outcome.killed for outcome in outcomes)
    # At most a chunk per connection, and what the sockets held at that moment.
    assert all(outcome.twice_bytes <= MIB for outcome in outcomes)


def test_02_power_cut() -> None:
    tally = crash.enumerate_cuts(pinned=True, states_per_cut=3, seed=1, every=9)
    assert tally.clean
    assert tally.states > 30


def test_03_torn_journal_tail(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.5)
    journal = Folder.of(rig.paths, plan.key).journal
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-11])
    before = rig.hub.bytes_sent()
    rig.fetch(plan)
    assert rig.right()
    assert rig.hub.bytes_sent() - before < 0.7 * len(rig.data), "the chunks before the tear count"


@pytest.mark.parametrize("how", ["zeroed", "missing", "empty", "garbage"])
def test_04_journal_zeroed_or_missing(rig: Rig, how: str) -> None:
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.4)
    journal = Folder.of(rig.paths, plan.key).journal
    size = journal.stat().st_size
    if how == "missing":
        journal.unlink()
    else:
        journal.write_bytes({"zeroed": bytes(size), "empty": b"", "garbage": b"x" * size}[how])
    rig.fetch(plan)
    assert rig.right()


@pytest.mark.parametrize("content", [b"", b"{", bytes(200)])
def test_05_plan_file_empty(rig: Rig, content: bytes) -> None:
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.5)
    Folder.of(rig.paths, plan.key).plan_file.write_bytes(content)
    before = rig.hub.bytes_sent()
    rig.fetch(plan)
    assert rig.right()
    assert rig.hub.bytes_sent() - before < 0.7 * len(rig.data), "the part was adopted"


_SMALL_DISK = """
import sys, subprocess, threading
from pathlib import Path
from tests.download.test_faults_disk import fill_small_disk
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "galosh", sys.argv[1]], check=True)
grow = ["mount", "-o", "remount,size=32m", sys.argv[1]]
fill_small_disk(Path(sys.argv[1]), lambda: subprocess.run(grow, check=True))
"""


def fill_small_disk(home: Path, grow: object) -> None:
    """Runs in a process with a volume of its own: fetch until full, make room, go on."""
    assert callable(grow)
    with FaultHub() as hub:
        rig = Rig(hub, Paths.under(home))
        plan = rig.plan(rig.serve(), size_bytes=None)
        grown: list[bool] = []

        def follow(progress: object) -> None:
            if not grown and State.WAITING_DISK in rig.states():
                grown.append(True)
                grow()

        rig.fetch(plan, follow=follow)
        assert grown
        assert rig.causes() & {"download-disk-full", "download-disk-small"}, rig.causes()
        assert rig.right()
    print("right")


def run_on_small_disk(home: Path) -> subprocess.CompletedProcess[str]:
    """`fill_small_disk` in a process with mounts of its own."""
    home.mkdir()
    roots = [str(REPO / root) for root in ("core", "installer", "presets")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*roots, str(REPO)])}
    return subprocess.run(
        ["unshare", "-Urm", sys.executable, "-c", _SMALL_DISK, str(home)],
        env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def can_mount() -> bool:
    """Whether this user may mount a small volume in a namespace of its own."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    command = ["unshare", "-Urm", "mount", "-t", "tmpfs", "galosh", "/mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


if can_mount():

    def test_25_disk_full_for_real(tmp_path: Path) -> None:
        # A real volume of 2 MiB in a process of its own: about a second.
        done = run_on_small_disk(tmp_path / "small")
        assert done.stdout.strip() == "right", done.stderr


def test_25_disk_full(rig: Rig) -> None:
    disk = SmallDisk(2 * MIB)
    rig.layer = disk
    plan = rig.plan(rig.serve())

    def follow(progress: object) -> None:
        if State.WAITING_DISK in rig.states() and disk.room_bytes == 2 * MIB:
            time.sleep(0.2)  # it looks again and finds it still full
            disk.room_bytes = 1 << 40

    rig.fetch(plan, follow=follow)
    assert rig.right()
    assert rig.causes() == {"download-disk-full"}
    assert rig.falls() == 0


@pytest.mark.parametrize(
    ("call", "number", "expected"),
    [
        ("sync", errno.EIO, "download-disk-broken"),
        ("write", errno.EIO, "download-disk-broken"),
        ("write", errno.EROFS, "download-disk-readonly"),
        ("write", errno.EFBIG, "download-file-too-large"),
    ],
)
def test_26_disk_fails(rig: Rig, call: str, number: int, expected: str) -> None:
    disk = FailingPart(call, number, after=12 if call == "write" else 0)
    rig.layer = disk
    plan = rig.plan(rig.serve())
    error = fails(rig, plan, max_rate_bytes=12 * MIB)
    assert error.code == expected
    assert str(rig.paths.home) in f"{error}", "the place is named"
    assert disk.failed <= 3, "a broken disk is not hammered"
    if call == "sync":
        # The system may call lost pages clean: what the failed sync covered counts as lost;
        # a chunk that came after it is proved by its CRC at the next start.
        assert downloads(rig.paths)[0].kept_bytes <= 256 * KIB
    assert not rig.target.exists()
    rig.layer = RealLayer()
    rig.fetch(plan)
    assert rig.right()


def test_26_read_only_from_the_start(rig: Rig) -> None:
    rig.layer = FailingPart("open", errno.EROFS)
    assert fails(rig, rig.plan(rig.serve())).code == "download-disk-readonly"


@pytest.mark.parametrize("call", ["make_folder", "open", "sync", "write", "rename", "sync_folder"])
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EIO, "download-disk-broken"),
        (errno.EROFS, "download-disk-readonly"),
        (errno.ENOSPC, "download-disk-full"),
    ],
)
def test_26_disk_fails_before_the_first_byte(call: str, number: int, expected: str) -> None:
    data = crash.content(2)
    disk = SimulatedDisk()
    disk.fail_named[call] = OSError(number, os.strerror(number))
    with pytest.raises(GaloshError) as caught:
        crash.run(disk, crash.make_plan(data, pinned=True), MemoryNet({crash.URL: data}))
    assert caught.value.code == expected
    assert "?" not in str(caught.value)


def test_28_bit_rot(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.6)
    part = Folder.of(rig.paths, plan.key).path / "part"
    rotten = bytearray(part.read_bytes())
    rotten[70_000] ^= 4
    part.write_bytes(bytes(rotten))
    before = rig.hub.bytes_sent()
    rig.fetch(plan)
    assert rig.right()
    assert rig.hub.bytes_sent() - before < 0.6 * len(rig.data), "only the bad chunk again"


@pytest.mark.parametrize("honest_locks", [True, False])
def test_29_two_writers(rig: Rig, honest_locks: bool) -> None:
    plan = rig.plan(rig.serve())
    rig.hub.faults.add(ALL, Fault(drip_bytes_per_second=6 * MIB))
    layer = rig.layer if honest_locks else LyingLocks()
    errors: list[BaseException] = []
    follows: list[bool] = []

    def pull() -> None:
        try:
            fetch(plan, rig.target, rig.paths, limits=FAST, io=layer, connections=1,
                  follow=lambda progress: follows.append(progress.follows))  # fmt: skip
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=pull) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert rig.right()
    assert True in follows, "one of them followed the other"
    # Where locks lie, the fence ends the second writer after its first chunks.
    assert extra_bytes(rig) <= (0 if honest_locks else 2 * MIB)
