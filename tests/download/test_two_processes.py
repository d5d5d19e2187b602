"""Two processes on one file; the cap on the rate."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.download.folder import Folder
from galosh.download.layer import Lock, RealLayer
from galosh.download.limits import MIB
from galosh.download.plan import Plan
from tests.download.support import SIZE, Rig, until

# Two processes (threads with locks of their own behave the same: flock is per open file).


def fetch_in_thread(rig: Rig, plan: Plan, **options: object) -> tuple[threading.Thread, Rig]:
    other = Rig(rig.hub, rig.paths, rig.data, rig.limits)
    thread = threading.Thread(target=lambda: other.fetch(plan, **options))
    thread.start()
    return thread, other


def test_29_two_pulls_of_one_file_move_each_byte_once(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    thread, writer = fetch_in_thread(rig, plan, max_rate_bytes=4 * MIB)
    until(lambda: bool(writer.seen) and writer.seen[-1].kept_bytes > 0)
    rig.fetch(plan)
    thread.join()
    assert rig.right()
    assert any(one.follows and one.kept_bytes > 0 for one in rig.seen)
    assert rig.hub.bytes_sent() <= SIZE * 1.02


def test_29_also_where_locks_lie(rig: Rig) -> None:
    class Lying(RealLayer):
        def lock(self, path: Path) -> Lock | None:
            class Nothing:
                def release(self) -> None:
                    """There is nothing to give up."""

            path.touch()
            return Nothing()

    plan = rig.plan(rig.serve())
    thread, writer = fetch_in_thread(rig, plan, max_rate_bytes=4 * MIB, io=Lying())
    until(lambda: bool(writer.seen) and writer.seen[-1].kept_bytes > 0)
    rig.fetch(plan, io=Lying())
    thread.join()
    assert rig.right()
    assert rig.hub.bytes_sent() <= SIZE * 1.02


def test_29_a_writer_that_is_fenced_out_stops_before_its_next_record(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    thread, writer = fetch_in_thread(rig, plan, max_rate_bytes=4 * MIB)
    until(lambda: bool(writer.seen) and writer.seen[-1].kept_bytes > 0)
    lock = Folder.of(rig.paths, plan.key).lock
    lock.write_text('{"token": "another"}')
    until(lambda: any(one.follows for one in writer.seen) or not thread.is_alive())
    thread.join()
    assert rig.right()


def test_29_the_follower_goes_on_when_the_writer_stops(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    stop = threading.Event()
    other = Rig(rig.hub, rig.paths)
    codes: list[str] = []

    def write() -> None:
        try:
            other.fetch(plan, max_rate_bytes=4 * MIB, stop=stop)
        except GaloshError as error:
            codes.append(error.code)

    thread = threading.Thread(target=write)
    thread.start()
    until(lambda: bool(other.seen) and other.seen[-1].kept_bytes > 0)

    def follow(_: object) -> None:
        stop.set()

    rig.fetch(plan, follow=follow)
    thread.join()
    assert codes == ["download-stopped"]
    assert rig.right()


def test_a_cap_on_the_rate_is_kept(rig: Rig) -> None:
    started = time.monotonic()
    rig.fetch(rig.plan(rig.serve()), max_rate_bytes=4 * MIB)
    assert time.monotonic() - started >= (SIZE / (4 * MIB) - 0.25) * 0.95
