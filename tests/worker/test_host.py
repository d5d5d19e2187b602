"""The system under the worker: the deadline that needs no interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from galosh.worker.host import find_host

STUCK = """
import sys
sys.path[:0] = {path!r}
from galosh.worker.host import find_host
find_host().kill_after({seconds})
9 ** 9 ** 9  # one operation that never gives the interpreter back
"""


def test_a_process_that_python_cannot_stop_is_stopped() -> None:
    code = STUCK.format(path=[p for p in sys.path if p], seconds=0.1)
    result = subprocess.run([sys.executable, "-c", code], timeout=20, capture_output=True)
    assert result.returncode != 0


def test_a_deadline_taken_back_does_nothing() -> None:
    code = STUCK.format(path=[p for p in sys.path if p], seconds="1); find_host().kill_after(None")
    code = code.replace("9 ** 9 ** 9", "pass")
    assert subprocess.run([sys.executable, "-c", code], timeout=20).returncode == 0


def test_memory_in_use_is_known() -> None:
    resident = find_host().resident_bytes()
    assert resident is not None
    assert resident > 1_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="other systems decide by themselves")
def test_large_pages_are_allowed_and_forbidden() -> None:
    host = find_host()
    for allowed in (False, True):
        host.allow_large_pages(allowed)
        assert f"THP_enabled:\t{int(allowed)}" in Path("/proc/self/status").read_text("ascii")
