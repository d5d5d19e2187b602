"""`galosh status` and `galosh ask` must be quick: nothing heavy on the way to the request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
ROOTS = ["core", "installer", "daemon", "tray", "presets"]
# Each of these costs 10 ms or more; the budget is 150 ms on a slow PC.
HEAVY = {
    "aiohttp",
    "asyncio",
    "email",
    "filelock",
    "http",
    "importlib.metadata",
    "logging",
    "platformdirs",  # only without GALOSH_HOME
    "psutil",
    "requests",
    "shutil",
    "ssl",
    "sqlite3",
    "tempfile",
    "tomlkit",
    "urllib.request",
}
OURS = {"galosh.server", "galosh.supervisor", "galosh.store", "galosh.engine", "galosh.setup"}

_PROGRAM = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from galosh.cli import main
main(json.loads(sys.argv[2]))
sys.stderr.write(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"]])
def test_status_loads_nothing_heavy(arguments: list[str]) -> None:
    loaded = modules_after(arguments)
    assert loaded & (HEAVY | OURS) == set()
    assert len(loaded) < 140


def test_ask_loads_nothing_heavy_before_it_asks() -> None:
    """Stopped by the empty question, which is checked after everything is imported."""
    assert modules_after(["ask"]) & (HEAVY | OURS) == set()


def modules_after(arguments: list[str]) -> set[str]:
    """What is in sys.modules after one command in a fresh interpreter."""
    roots = json.dumps([str(REPO / root) for root in ROOTS])
    done = subprocess.run(
        [sys.executable, "-I", "-c", _PROGRAM, roots, json.dumps(arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=dict(os.environ),
    )
    return set(json.loads(done.stderr[done.stderr.index("[") :]))
