"""What a command of galosh pays for the client before it can ask anything."""

from __future__ import annotations

import os
import subprocess
import sys

from galosh.base.paths import Paths
from tests.fakes.serving import Running

HEAVY = (
    "asyncio",
    "aiohttp",
    "requests",
    "psutil",
    "ssl",
    "http.client",
    "email",
    "tomlkit",
    "urllib.request",
    "platformdirs",
    "logging",
    "filelock",
    "galosh.server",
)


def test_a_status_call_loads_nothing_heavy(running: Running, paths: Paths) -> None:
    script = (
        "import sys; from galosh.api import Client; from galosh.base.paths import Paths;"
        "Client(Paths.find()).status();"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, env=environ
    )
    assert done.stdout.strip() == "[]", done.stderr
