"""The daemon is killed again and again while somebody types: no acknowledged letter is lost.

The usual run kills it a dozen times; the slow tier a hundred times.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from galosh.api import Client, DaemonFacts, start_daemon, stop_daemon
from galosh.api.end import wait_for_end
from galosh.api.papers import utf16_length
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from tests.fakes.serving import any_port

if sys.platform == "win32":
    pytest.skip("kill -9 is POSIX", allow_module_level=True)

DAEMON = [sys.executable, "-I", str(Path(__file__).parents[1] / "fakes" / "daemon.py")]
LETTERS = "ab ёж😀\n.\u0301"


class Typist(threading.Thread):
    """Types into a sheet, letter by letter, and keeps what was acknowledged.

    written: what the sheet must hold. hanging: the letters sent last, whose answer did not
    come: they may be there or not.
    """

    def __init__(self, paths: Paths, sheet_id: str, text: str, version: int, seed: int) -> None:
        super().__init__(daemon=True)
        self._client = Client(paths)
        self._sheet_id = sheet_id
        self._random = random.Random(seed)
        self.written, self.version = text, version
        self.hanging = ""
        self.acknowledged = 0

    def run(self) -> None:
        """Until the daemon is gone."""
        while True:
            self.hanging = "".join(self._random.choices(LETTERS, k=self._random.randint(1, 5)))
            edit = (utf16_length(self.written), 0, self.hanging)
            try:
                self.version = self._client.edit_notebook(self._sheet_id, self.version, [edit])
            except GaloshError:
                return
            self.written += self.hanging
            self.acknowledged += 1
            self.hanging = ""


def kill(daemon: DaemonFacts) -> None:
    os.kill(daemon.pid, signal.SIGKILL)
    assert wait_for_end(daemon.pid, daemon.mark, 20)


def type_and_kill(paths: Paths, times: int, after_seconds: Callable[[], float]) -> None:
    daemon = start_daemon(paths, 60, command=DAEMON)
    sheet_id = str(Client(paths).add_notebook("", "")["id"])
    text, version, acknowledged, hung = "", 1, 0, 0
    for number in range(times):
        typist = Typist(paths, sheet_id, text, version, seed=number)
        typist.start()
        time.sleep(after_seconds())
        kill(daemon)
        typist.join(60)
        assert not typist.is_alive()
        daemon = start_daemon(paths, 60, command=DAEMON)
        found = Client(paths).notebook(sheet_id)
        text, version = str(found["text"]), int(str(found["version"]))
        # Every acknowledged letter, and of the last change all or nothing.
        assert text in (typist.written, typist.written + typist.hanging)
        acknowledged += typist.acknowledged
        hung += bool(typist.hanging) and text != typist.written
    assert acknowledged >= times  # it was killed while somebody typed, not before
    print(f"{times} kills -9, {acknowledged} changes acknowledged, 0 lost, {hung} unanswered kept")


@pytest.fixture
def place(paths: Paths) -> Iterator[Paths]:
    any_port(paths)
    yield paths
    stop_daemon(paths)


@pytest.mark.long
def test_a_dozen_kills_lose_no_letter(place: Paths) -> None:
    chance = random.Random(1)
    type_and_kill(place, 12, lambda: chance.uniform(0.1, 0.3))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_no_letter(place: Paths) -> None:
    chance = random.Random(2)
    type_and_kill(place, 100, lambda: chance.uniform(0.05, 0.4))
