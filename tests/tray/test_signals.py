"""The signals that end the agent, while its main thread is where no Python runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.desktop_kit import REPO, ROOTS

pytestmark = pytest.mark.long
# As AppKit's loop does, a lock that is held already keeps the thread until the end.
PROGRAM = """
import ctypes, os
from galosh.tray.signals import on_end
on_end(lambda: os._exit(7))
system, lock = ctypes.CDLL(None), ctypes.create_string_buffer(256)
system.pthread_mutex_init(lock, None)
system.pthread_mutex_lock(lock)
print("held", flush=True)
system.pthread_mutex_lock(lock)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_they_need_no_main_thread(number: signal.Signals) -> None:
    paths = os.pathsep.join(str(REPO / root) for root in ROOTS)
    command = [sys.executable, "-c", PROGRAM]
    environ = os.environ | {"PYTHONPATH": paths}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            time.sleep(0.1)  # in the lock
            process.send_signal(number)
            assert process.wait(10) == 7
        finally:
            process.kill()
