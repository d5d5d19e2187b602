"""Where the time of a first install goes: `bench.py setup [--wheels DIR]`.

Runs the real installer into an empty home and looks at its process tree twenty times a
second: while pip or a compiler runs, the time is theirs; the rest is ours. Exit status 1
when ours is over the limit or the install fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from galosh.base import durable
from galosh.base.paths import Paths

REPO = Path(__file__).resolve().parents[2]
OURS_LIMIT_SECONDS = 20.0
_LOOK_EVERY_SECONDS = 0.05
_COMPILERS = {"ninja", "cmake", "cc1plus", "cc1", "c++", "g++", "gcc", "cc", "as", "ld", "clang"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-command's own options."""
    parser.add_argument("--wheels", type=Path, help="start with the engine wheels of this cache")
    parser.add_argument("--keep", type=Path, help="install there and keep it")


def main(options: argparse.Namespace) -> int:
    """Install twice (first time and again) and print where the time went."""
    with tempfile.TemporaryDirectory(prefix="galosh-bench-") as folder:
        home = (options.keep or Path(folder) / "home").resolve()
        if options.wheels:
            shutil.copytree(options.wheels, Paths.under(home).wheels)
        # Any free port: the bench must not stumble over a galosh that runs here.
        durable.write_text(Paths.under(home).settings_file, "[api]\nport = 0\n")
        good = True
        for name in ("first install", "the same again"):
            good = _install(name, home) and good
        if not options.keep:
            _run_galosh(home, "stop")
    return 0 if good else 1


def _install(name: str, home: Path) -> bool:
    command = [sys.executable, str(REPO / "scripts" / "install.py"), "--yes"]
    environ = {**os.environ, "GALOSH_HOME": str(home)}
    steps_before = len(_steps(home))
    began = time.monotonic()
    child = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
    seconds = {"pip": 0.0, "compiler": 0.0, "ours": 0.0}
    last = began
    while child.poll() is None:
        time.sleep(_LOOK_EVERY_SECONDS)
        now = time.monotonic()
        seconds[_owner(child.pid)] += now - last
        last = now
    total = time.monotonic() - began
    print(f"\n{name}: {total:.1f} s, exit status {child.returncode}")
    for owner, spent in seconds.items():
        print(f"  {owner:10} {spent:7.1f} s")
    for step in _steps(home)[steps_before:]:
        reused = " (was done)" if step.get("reused") else ""
        print(f"    step {step['step']}: {step['seconds']:.1f} s{reused}")
    verdict = "ok" if seconds["ours"] <= OURS_LIMIT_SECONDS else "MISSED"
    print(f"  ours at most {OURS_LIMIT_SECONDS:.0f} s: {verdict}")
    return child.returncode == 0 and verdict == "ok"


def _owner(pid: int) -> str:
    """Whose time this moment is: the compiler's, pip's, or ours."""
    pip = False
    try:
        for process in psutil.Process(pid).children(recursive=True):
            words = process.cmdline()
            if (words and Path(words[0]).name in _COMPILERS) or "ziglang" in " ".join(words):
                return "compiler"
            pip = pip or "pip" in words
    except psutil.Error:
        pass  # it ended while we looked
    return "pip" if pip else "ours"


def _steps(home: Path) -> list[dict[str, object]]:
    path = Paths.under(home).state / "setup-times.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def _run_galosh(home: Path, verb: str) -> None:
    subprocess.run([str(home / "bin" / "galosh"), verb], check=False, stdout=subprocess.DEVNULL)
