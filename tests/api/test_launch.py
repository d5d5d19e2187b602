"""Starting the daemon: what is said when it cannot be started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from galosh.api import is_running, start_daemon
from galosh.api.process import is_same, start_mark
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from tests.fakes.serving import wait_until

if sys.platform == "win32":
    pytest.skip("signals and Unix sockets are POSIX", allow_module_level=True)


def start(paths: Paths, script: str, wait_seconds: float = 10.0) -> GaloshError:
    with pytest.raises(GaloshError) as caught:
        start_daemon(paths, wait_seconds, [sys.executable, "-I", "-c", script])
    assert is_running(paths) is None
    return caught.value


def test_a_daemon_that_dies_gives_its_last_words(paths: Paths) -> None:
    error = start(paths, "import nothing_like_this")
    assert error.code == "api-daemon-start-failed"
    assert "No module named 'nothing_like_this'" in error.why
    assert "daemon-stray.log" in error.next_step


def test_a_daemon_that_ends_without_a_word(paths: Paths) -> None:
    assert "status 7" in start(paths, "raise SystemExit(7)").why


def test_a_daemon_that_hangs_is_ended(paths: Paths) -> None:
    error = start(paths, "import time; time.sleep(60)", wait_seconds=0.2)
    assert "not ready after 0.2 s" in error.why


def test_a_daemon_that_talks_nonsense(paths: Paths) -> None:
    assert start(paths, "print('hello')").code == "api-daemon-start-failed"
    assert start(paths, "print('[]')").code == "api-daemon-start-failed"


def test_a_python_that_is_not_there(paths: Paths) -> None:
    with pytest.raises(GaloshError) as caught:
        start_daemon(paths, 5, [str(paths.data / "no-python")])
    assert caught.value.code == "api-daemon-start-failed"


def test_a_stated_error_is_passed_on(paths: Paths) -> None:
    script = (
        "import json; print(json.dumps({'error': {'code': 'server-port-in-use',"
        " 'facts': {'port': 7, 'holder': 'x', 'settings': 'y'}}}))"
    )
    assert start(paths, script).code == "server-port-in-use"


def test_a_process_is_known_by_pid_and_start() -> None:
    mark = start_mark(os.getpid())
    assert mark is not None
    assert is_same(os.getpid(), mark)
    assert not is_same(os.getpid(), f"{mark}0")
    assert not is_same(os.getpid(), None)
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert child.stdin is None
    wait_until(lambda: start_mark(child.pid) is None)  # a zombie has ended
    child.wait()
    assert start_mark(child.pid) is None
