"""What the first question needs is imported before it comes."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, threading
sys.path[:0] = {path!r}
import galosh.server.daemon, galosh.server.parts
from galosh.supervisor.prepare import prepare
from galosh.base.paths import Paths
from galosh.store import ModelStore
store = ModelStore(Paths.find())
prepare(store.list)
before = set(sys.modules)
from galosh.supervisor.memory import read_memory
from galosh.supervisor.thread_count import _machine_threads
from galosh.supervisor.admit import live_room
from galosh.engine import current
from galosh.engine.launch import worker_command
store.default(""), _machine_threads(), read_memory(), live_room(), current(Paths.find())
print(sorted(name for name in set(sys.modules) - before if name.startswith(("galosh", "psutil"))))
"""


def test_nothing_is_left_to_import() -> None:
    code = CODE.format(path=sys.path)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
