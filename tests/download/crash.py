"""Every state a power cut may leave, and a recovery from each of them.

    python -m tests.download.crash [--states-per-cut N] [--seed N]

A small download runs on a simulated disk; the power is cut at its n-th disk call, for every
n; from each cut, the legal states of the disk are built and the download is run again on
each. It must end with the right bytes, fetching no more than the file once over, and leave
no other file. Prints the number of states tried.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.fetch import fetch
from galosh.download.folder import Folder
from galosh.download.journal import Ledger
from galosh.download.limits import Limits
from galosh.download.plan import ByteSource, Plan
from tests.download.memory_net import MemoryNet
from tests.download.simulated import (
    PowerCutError,
    SimulatedDisk,
    bury_owner,
    crash_states,
)

URL = "http://hub.test/model.gguf"
ROOT = Path("/sim")
PATHS = Paths.under(ROOT)
TARGET = PATHS.models / "model.gguf"
CHUNK = 4096

LIMITS = Limits(
    chunk_bytes=CHUNK, small_chunk_bytes=CHUNK, range_min_bytes=3 * CHUNK,
    range_max_bytes=3 * CHUNK, flush_bytes=3 * CHUNK, flush_seconds=0.05, margin_bytes=0,
    margin_share=0.0, tick_seconds=0.01,
)  # fmt: skip


@dataclasses.dataclass
class Tally:
    """What an enumeration did."""

    cuts: int = 0
    states: int = 0
    refetched_bytes: int = 0
    clean: bool = False


def content(version: int, chunks: int = 8) -> bytes:
    """A file that differs in every chunk, its last chunk short."""
    return random.Random(version).randbytes(chunks * CHUNK - 700)


def make_plan(data: bytes, *, pinned: bool, etag: str | None = None) -> Plan:
    """A plan for `data` at URL."""
    sha256 = hashlib.sha256(data).hexdigest() if pinned else None
    source = ByteSource(URL, etag=etag)
    return Plan("model.gguf", len(data), sha256, "user" if pinned else "none", (source,), URL)


def run(disk: SimulatedDisk, plan: Plan, net: MemoryNet) -> None:
    """One process's life: fetch on this disk."""
    fetch(plan, TARGET, PATHS, io=disk, session=net.session, limits=LIMITS, connections=1)


def enumerate_cuts(
    *, pinned: bool, states_per_cut: int, seed: int, every: int = 1, changed: bool = False
) -> Tally:
    """Cut at every (`every`-th) call until a run ends without a cut; recover from each state.

    changed: version 1 is half fetched already and the server has version 2 now.
    """
    chance = random.Random(seed)
    data = content(2)
    plan = make_plan(data, pinned=pinned, etag='"2"' if changed else None)
    tally = Tally()
    cut_at = 1 + (seed % every)
    while not tally.clean:
        disk = half_fetched(content(1)) if changed else SimulatedDisk()
        disk.cut_at = disk.calls + cut_at
        net = MemoryNet({URL: data}, {URL: '"2"'} if changed else None)
        try:
            run(disk, plan, net)
            tally.clean = True
        except PowerCutError:
            tally.cuts += 1
        disk.off = True
        for state in crash_states(disk, chance, states_per_cut):
            if chance.random() < 0.3:
                state = killed_again(state, plan, data, chance)
            recover(state, plan, data, tally, f"cut at call {cut_at} ({disk.log[-2:]})")
        cut_at += every
    return tally


def killed_again(
    disk: SimulatedDisk, plan: Plan, data: bytes, chance: random.Random
) -> SimulatedDisk:
    """A second life, killed at a random call (a kill loses nothing that was written).

    What a SYNC vouched for before it must still be vouched for after it.
    """
    before = vouched_bytes(disk, plan) if plan.sources[0].etag is None else 0
    disk.cut_at = disk.calls + chance.randint(15, 90)
    net = MemoryNet({URL: data}, {URL: '"2"'} if plan.sources[0].etag else None)
    try:
        run(disk, plan, net)
    except PowerCutError:
        if Folder.of(PATHS, plan.key).journal in disk.names:
            assert vouched_bytes(disk, plan) >= before, "a restart lost what was durable"
            moved = before + net.sent_bytes if plan.sources[0].etag is None else 0
            kept = journal_of(disk, plan).kept_bytes
            # One chunk in the link's buffer, one written but not recorded yet.
            assert kept + 2 * CHUNK >= moved, f"a kill cost {moved - kept} bytes"
    disk.off = True
    after = SimulatedDisk()
    after.names = dict(disk.names)
    after.durable_names = dict(disk.names)
    after.folders = set(disk.folders)
    for inode in after.names.values():
        inode.durable, inode.pending = bytes(inode.now), []
    bury_owner(after)
    return after


def recover(disk: SimulatedDisk, plan: Plan, data: bytes, tally: Tally, where: str) -> None:
    """Run again on what the cut left; the outcome must be right."""
    net = MemoryNet({URL: data}, {URL: '"2"'} if plan.sources[0].etag else None)
    kept = vouched_bytes(disk, plan) if plan.sources[0].etag is None else 0
    try:
        run(disk, plan, net)
    except GaloshError as error:
        raise AssertionError(f"dead download after {where}: {error.code} {error}") from error
    tally.states += 1
    tally.refetched_bytes += net.sent_bytes
    assert bytes(disk.names[TARGET].now) == data, f"wrong file after {where}"
    left = {path.name for path in disk.names} - {TARGET.name, TARGET.name + ".receipt.json"}
    assert not left, f"left over after {where}: {left}"
    allowed = len(data) - kept
    assert net.sent_bytes <= allowed, f"fetched twice after {where}: {net.sent_bytes} > {allowed}"


def journal_of(disk: SimulatedDisk, plan: Plan) -> Ledger:
    """What the journal on this disk says."""
    inode = disk.names.get(Folder.of(PATHS, plan.key).journal)
    ledger = Ledger()
    ledger.apply_all(b"" if inode is None else bytes(inode.now))
    return ledger


def vouched_bytes(disk: SimulatedDisk, plan: Plan) -> int:
    """Bytes a SYNC in the journal vouches for: these must never be fetched again."""
    ledger = journal_of(disk, plan)
    return sum(entry.length for i, entry in ledger.chunks.items() if ledger.is_durable(i))


def half_fetched(data: bytes) -> SimulatedDisk:
    """A disk on which version 1 of an unpinned file was stopped half way, all durable."""
    disk = SimulatedDisk()
    net = MemoryNet({URL: data}, {URL: '"1"'})
    plan = make_plan(data, pinned=False, etag='"1"')
    disk.cut_at = 75
    with contextlib.suppress(PowerCutError):
        run(disk, plan, net)
    state = next(iter(crash_states(disk, random.Random(0), 2)))
    for inode in disk.names.values():
        inode.durable, inode.pending = bytes(inode.now), []
    state.names = dict(disk.names.items())
    state.durable_names = dict(state.names)
    bury_owner(state)
    return state


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all enumerations and print what was tried."""
    parser = argparse.ArgumentParser(prog="tests.download.crash")
    parser.add_argument("--states-per-cut", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    total = 0
    for pinned, changed in ((True, False), (False, False), (False, True)):
        tally = enumerate_cuts(
            pinned=pinned, changed=changed, seed=options.seed,
            states_per_cut=options.states_per_cut,
        )  # fmt: skip
        total += tally.states
        print(
            f"pinned={pinned} changed={changed}: {tally.cuts} cuts, {tally.states} states, "
            f"all right",
            flush=True,
        )
    print(f"crash states tried: {total}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
