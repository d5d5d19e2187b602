"""What is done to the downloaders: the rows of the fault table.

Owns the cases: the thirteen rows of the probe in downloads.md section 5 and the thirty cases
of section 7. A row that only looks into galosh's own files is run as the tests it names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from scripts.benches.processes import How
from tests.fakes.faults import Fault
from tests.fakes.hub import FaultHub
from tests.fakes.model_files import gguf

MIB = 1024 * 1024
SIZE_BYTES = 8 * MIB
ROT_AT = 100_000
REPO_NAME = "owner/name"
FILE_NAME = "model.gguf"
CDN = "/cdn/*"
WAY = "/owner/*"  # the hub's own address of the file
PORTAL = Fault(
    status=200,
    headers={"Content-Type": "text/html"},
    body="<!DOCTYPE html><html><body>Sign in to the Wi-Fi of the hotel</body></html>",
    methods=("GET", "HEAD"),
)


@dataclasses.dataclass
class Scene:
    """One hub for one client and one case. right: digests that count as correct."""

    hub: FaultHub
    data: bytes
    right: list[str]
    folder: Path


Step = Callable[[Scene], None]


@dataclasses.dataclass(frozen=True)
class Case:
    """One row.

    before: sets the faults. stop: how the first run is ended half-way, if it is; between:
    what changes then. later: (seconds, step) after the last run has begun, such as healing.
    pair: two of the same client at once, into the same place. gated: no token is set.
    small_disk: a volume too small for the file, made larger later. freeze: the process is
    stopped for a while, as a PC that sleeps.
    tests: instead of all that, the galosh tests that show it (others: n/a).
    """

    name: str
    before: Step | None = None
    stop: How | None = None
    between: Step | None = None
    later: tuple[tuple[float, Step], ...] = ()
    tests: str | None = None
    pair: bool = False
    gated: bool = False
    small_disk: bool = False
    freeze: bool = False


def faults(*listed: Fault, where: str = CDN) -> Step:
    """A step that puts faults in force."""
    return lambda scene: scene.hub.faults.add(where, *listed)


def heal(scene: Scene) -> None:
    """The server is honest again."""
    scene.hub.faults.clear()


def change_file(scene: Scene) -> None:
    """Another file of the same size under the same name."""
    other = gguf(len(scene.data), seed=99)
    repo = scene.hub.add_repo(REPO_NAME, {FILE_NAME: other})
    scene.right.append(repo.files[FILE_NAME].sha256)


def expire(scene: Scene) -> None:
    """All signatures given out end now."""
    scene.hub.repos.expire_signatures()


def cut_and_expire(scene: Scene) -> None:
    """The line is cut, and by then the signature has ended."""
    expire(scene)
    scene.hub.drop_connections()


def back_online(scene: Scene) -> None:
    """The network is there again."""
    scene.hub.offline = False


def rot(scene: Scene) -> None:
    """One bit of what is already on the disk turns over."""
    part = max(scene.folder.rglob("*"), key=_file_size)
    if _file_size(part) <= ROT_AT:
        return  # this client kept nothing that could rot
    with part.open("r+b") as file:
        file.seek(ROT_AT)
        byte = file.read(1)
        file.seek(ROT_AT)
        file.write(bytes([byte[0] ^ 1]))


def _file_size(path: Path) -> int:
    return path.stat().st_size if path.is_file() and not path.is_symlink() else -1


_HOLD: How = "interrupt"
_CUT = Fault(cut_after_bytes=3 * MIB, times=1)
_SHORT = Fault(length_delta=-MIB)

PROBE = (
    Case("body cut once", faults(_CUT)),
    Case("cut every 3 MiB", faults(Fault(cut_every_bytes=3 * MIB))),
    Case("Range ignored on resume", stop=_HOLD, between=faults(Fault(ignore_range=True))),
    Case("changed, same size", stop=_HOLD, between=change_file),
    Case("206 with wrong start", stop=_HOLD, between=faults(Fault(start_shift=65536))),
    Case("portal HTML, 200, from start", faults(PORTAL, where="*"), later=((3.0, heal),)),
    Case(
        "portal HTML, 200, on resume",
        stop=_HOLD,
        between=faults(PORTAL, where="*"),
        later=((3.0, heal),),
    ),
    Case("503 page on resume", stop=_HOLD, between=faults(Fault(status=503, body="busy"))),
    Case("gzip body unasked", faults(Fault(gzip=True))),
    Case("no length, early close", faults(Fault(no_length=True, cut_after_bytes=3 * MIB))),
    Case("length header too short", faults(_SHORT)),
    Case("one flipped bit", faults(Fault(flip_at=5 * MIB))),
    Case("chunked without end", faults(Fault(chunked=True, cut_after_bytes=3 * MIB))),
)

_T = "tests/download/test_faults_disk.py::"

THIRTY = (
    Case("1 kill9-random-point", stop="kill"),
    Case("2 power-cut", tests=_T + "test_02_power_cut"),
    Case("3 torn-journal-tail", tests=_T + "test_03_torn_journal_tail"),
    Case("4 journal-zeroed or missing", tests=_T + "test_04_journal_zeroed_or_missing"),
    Case("5 plan-file-empty", tests=_T + "test_05_plan_file_empty"),
    Case(
        "6 wifi-loss, then back",
        faults(Fault(drip_bytes_per_second=2 * MIB)),
        later=((1.0, lambda scene: scene.hub.go_offline()), (7.0, back_online)),
    ),
    Case(
        "7 sleep-resume, half-dead sockets",
        faults(Fault(hang_after_bytes=3 * MIB, times=4)),
        freeze=True,
    ),
    Case("8 hanging-socket", faults(Fault(hang_after_bytes=3 * MIB, times=1))),
    Case("9 slow-drip 10 B/s", faults(Fault(drip_bytes_per_second=10, times=1))),
    Case("10 body-truncated each 3 MiB", faults(Fault(cut_every_bytes=3 * MIB))),
    Case(
        "11 early-close without length",
        faults(Fault(no_length=True, cut_after_bytes=3 * MIB, times=2)),
    ),
    Case("12 content-length too short", faults(Fault(length_delta=-MIB, times=3))),
    Case("12 content-length too long", faults(Fault(length_delta=MIB))),
    Case("13 chunked-without-terminator", faults(Fault(chunked=True, cut_after_bytes=MIB * 3))),
    Case(
        "14 range-ignored",
        faults(
            Fault(ignore_range=True, cut_after_bytes=3 * MIB, times=1), Fault(ignore_range=True)
        ),
    ),
    Case("15 206-wrong-start (earlier)", stop=_HOLD, between=faults(Fault(start_shift=-4096))),
    Case("15 206-wrong-total", stop=_HOLD, between=faults(Fault(claimed_total=9 * MIB))),
    Case(
        "16 416-with-equal-size",
        stop=_HOLD,
        between=faults(
            Fault(status=416, headers={"Content-Range": f"bytes */{SIZE_BYTES}"}, times=2)
        ),
    ),
    Case(
        "17 416-with-other-size",
        stop=_HOLD,
        between=faults(Fault(status=416, headers={"Content-Range": "bytes */77"})),
    ),
    Case("18 remote-changed-same-size", stop=_HOLD, between=change_file),
    Case(
        "19 signed-url-expired mid-way",
        faults(Fault(drip_bytes_per_second=3 * MIB, times=4)),
        later=((1.0, cut_and_expire),),
    ),
    Case("20 resolve-401, gated", gated=True),
    Case(
        "21 429 with Retry-After", faults(Fault(status=429, headers={"Retry-After": "2"}, times=2))
    ),
    Case("22 5xx storm, then healthy", faults(Fault(status=502)), later=((8.0, heal),)),
    Case(
        "23 captive-portal redirect",
        faults(
            Fault(status=302, headers={"Location": "{hub}/portal"}, methods=("GET", "HEAD")),
            where="/[ac]*",
        ),
        later=((4.0, heal),),
    ),
    Case("24 gzip-encoded body, once", faults(Fault(gzip=True, times=1))),
    Case("25 disk-full at 60 %", small_disk=True),
    Case("26 EIO, fsync fails, read-only", tests=_T + "test_26"),
    Case("27 bit-flip in transit", faults(Fault(flip_at=5 * MIB, times=1))),
    Case("28 bit-rot in the part", stop=_HOLD, between=rot),
    Case("29 two-processes, same target", faults(Fault(drip_bytes_per_second=4 * MIB)), pair=True),
    Case("30 proxy-trouble", tests="tests/download/test_faults.py::test_30"),
)
