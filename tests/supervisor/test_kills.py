"""Kills at any moment: of the worker, of the daemon; no orphan, no wrong answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.supervisor.leftover import Ledger
from tests.supervisor.kit import REPO, House, answer, in_loop, workers

KILLS = 30
STATED = {"supervisor-worker-killed", "supervisor-worker-died"}


@in_loop
async def test_thirty_kills_of_the_worker_at_random_moments(house: House) -> None:
    """Over the quarter second: thirty real processes are started and killed."""
    house.manners("alpha", word_after=0.002)
    source = random.Random(20261122)
    words = " ".join(str(number) for number in range(20))
    async with house.open() as supervisor:
        for _ in range(KILLS):
            task = asyncio.create_task(answer(supervisor, words, "alpha"))
            await asyncio.sleep(source.uniform(0, 0.12))
            pid = supervisor.status()["worker_pid"]
            if isinstance(pid, int):
                with contextlib.suppress(psutil.NoSuchProcess):
                    psutil.Process(pid).kill()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(outcome, GaloshError):
                assert outcome.code in STATED
            else:
                assert outcome == f"echo: {words}"
            assert await answer(supervisor, "next", "alpha") == "echo: next"
            assert len(workers()) == 1


@in_loop
async def test_a_stopped_worker_counts_as_silent(house: House) -> None:
    house.manners("alpha", words=["w"] * 1000, word_after=0.01)
    async with house.open(silence_seconds=0.3, prefill_seconds_per_token=0) as supervisor:
        task = asyncio.create_task(answer(supervisor, "x", "alpha"))
        with supervisor.events.subscribe() as view:
            async for event in view:
                if event.name == "generation.started":
                    break
        psutil.Process(int(str(supervisor.status()["worker_pid"]))).suspend()
        with pytest.raises(GaloshError) as caught:
            await task
        assert caught.value.code == "supervisor-worker-silent"
        house.manners("alpha")
        assert await answer(supervisor, "next") == "echo: next"


DAEMON = """
import asyncio, sys
from pathlib import Path
from galosh.base.paths import Paths
from tests.supervisor.kit import House
class Old(House):
    def __init__(self, paths, folder):
        self.paths, self.folder, self.launches = paths, folder, 0
async def main():
    house = Old(Paths.find(), Path(sys.argv[1]))
    supervisor = house.supervisor()
    await supervisor.start()
    await supervisor.ready("alpha")
    print(supervisor.status()["worker_pid"], flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def kill_a_daemon(house: House) -> psutil.Process:
    """Run a daemon in a process of its own, kill it; the worker it had."""
    roots = ["core", "installer", "daemon", "presets", "."]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(str(REPO / root) for root in roots)}
    daemon = subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(house.folder)],
        stdout=subprocess.PIPE, env=environ, text=True,
    )  # fmt: skip
    assert daemon.stdout is not None
    worker = psutil.Process(int(daemon.stdout.readline()))
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()
    return worker


def test_the_worker_goes_when_its_daemon_is_killed(house: House) -> None:
    """Over the quarter second: a whole process imports the daemon."""
    worker = kill_a_daemon(house)
    psutil.wait_procs([worker], timeout=2)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


@in_loop
async def test_a_worker_left_behind_is_ended_by_the_next_daemon(house: House) -> None:
    """Over the quarter second: the patience given to a worker that is on its way out."""
    house.manners("alpha", ignore_exit=True)
    worker = kill_a_daemon(house)
    assert worker.is_running()
    house.manners("alpha")
    async with house.open() as supervisor:
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
        assert await answer(supervisor, "x", "alpha") == "echo: x"


@pytest.mark.parametrize("change", ["pid", "started_seconds", "command"])
def test_a_stranger_is_never_ended(paths: Paths, change: str) -> None:
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    stranger = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        ledger = Ledger.of(paths)
        ledger.record(stranger.pid, command)
        notes = json.loads((paths.state / "worker.json").read_text())
        notes["workers"][0][change] = {
            "pid": -1,
            "started_seconds": time.time() - 99,
            "command": ["x"],
        }[change]
        Path(paths.state / "worker.json").write_text(json.dumps(notes))
        assert ledger.clean_up(0.05) == ()
        assert stranger.poll() is None
    finally:
        stranger.communicate()


def test_what_matches_the_note_is_ended(paths: Paths) -> None:
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as left:
        ledger = Ledger.of(paths)
        deadline = time.monotonic() + 5
        while psutil.Process(left.pid).cmdline() != command and time.monotonic() < deadline:
            time.sleep(0.001)
        ledger.record(left.pid, command)
        assert ledger.clean_up(0.05) == (left.pid,)
        assert not psutil.pid_exists(left.pid)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"workers": 1}', '{"workers": [7, {"pid": true}, {"pid": 1}]}', "\0"]
)
def test_a_damaged_note_harms_nobody(paths: Paths, text: str) -> None:
    paths.state.mkdir(parents=True)
    (paths.state / "worker.json").write_text(text)
    assert Ledger.of(paths).clean_up(0.01) == ()
    assert not (paths.state / "worker.json").exists()
