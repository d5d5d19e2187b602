"""kill -9 of the installer at random moments, then a plain second run: it ends well."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from galosh.base import durable
from galosh.base.paths import Paths
from tests.stories.installed import INSTALLER, Installed, environment, seeded_home

# Long enough to land in every step of an install with a cached engine wheel.
LATEST_KILL_SECONDS = 30.0


def kill_and_repair(folder: Path, seed: int) -> None:
    """One round. Odd seeds kill the installer alone, even ones all its children too."""
    chance = random.Random(seed)
    galosh = Installed(seeded_home(folder))
    durable.write_text(galosh.paths.settings_file, "[api]\nport = 0\n")
    moment = chance.uniform(0.05, LATEST_KILL_SECONDS)
    child = subprocess.Popen(
        [sys.executable, str(INSTALLER), "--yes"],
        env=environment(galosh.home), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        before, _ = child.communicate(timeout=moment)
    except subprocess.TimeoutExpired:
        (child.kill if seed % 2 else lambda: os.killpg(child.pid, signal.SIGKILL))()
        before, _ = child.communicate(timeout=60)
    began = time.monotonic()
    done = galosh.install("--yes")
    last = before.decode(errors="replace").strip().splitlines()[-1:]
    seconds = time.monotonic() - began
    print(f"seed {seed}: killed at {moment:.1f} s {last}; repaired in {seconds:.0f} s")
    galosh.run("stop")
    assert done.status == 0, (seed, moment, done.out[-2000:], done.err[-2000:])
    assert "Paris" in done.out
    assert leftovers(galosh.paths) == []


def leftovers(paths: Paths) -> list[Path]:
    """Files of killed runs that nobody will use again."""
    assert paths.home is not None
    marks = (durable.TEMP_MARK, ".staging-", ".trash-")
    return [path for path in paths.home.rglob("*") if path.name.startswith(marks)]


@pytest.mark.story
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_install_is_repaired(tmp_path: Path, seed: int) -> None:
    kill_and_repair(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(10, 30))
def test_a_killed_install_is_repaired_twenty_times(tmp_path: Path, seed: int) -> None:
    kill_and_repair(tmp_path, seed)
