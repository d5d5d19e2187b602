"""Runs the app environment's pip on another environment, and explains how pip failed.

Always `sys.executable -m pip --python <environment>`: environments are made without pip,
and the user's own pip configuration (index, proxy, certificates) holds for all of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.engine.processes import run_streaming
from galosh.engine.report import Report

# `--python` came with pip 22.3.
_OLDEST = (22, 3)
# An engine's environment with numpy in it, and what pip unpacks on the way.
ROOM_BYTES = 300_000_000
_FULL_MARKS = ("No space left on device", "Errno 28", "not enough space on the disk")
_AWAY_MARKS = (
    "NewConnectionError", "Connection refused", "ConnectTimeout", "Name or service not known",
    "Temporary failure in name resolution", "ConnectionError", "ProxyError", "timed out",
    "SSLError", "Max retries exceeded", "No matching distribution found", "HTTP error",
    "getaddrinfo failed", "Network is unreachable",
)  # fmt: skip


def run_pip(
    environment_python: Path, arguments: Sequence[str], report: Report, *, purpose: str
) -> str:
    """Run one pip command for another environment and return its last lines.

    purpose: the thing being fetched, for an error's sentence.
    Raises GaloshError `engine-pip-missing`, `engine-disk-full`, `engine-index-unreachable`
    or `engine-install-failed`.
    """
    _check_pip()
    command = [
        sys.executable, "-I", "-m", "pip", "--python", str(environment_python),
        "--no-input", "--disable-pip-version-check", *arguments,
    ]  # fmt: skip
    outcome = run_streaming(command, report.line, {**os.environ, "PYTHONUTF8": "1"})
    if outcome.status == 0:
        return outcome.out
    raise explain(outcome.out, purpose, environment_python)


def explain(out: str, purpose: str, target: Path) -> GaloshError:
    """The GaloshError for a pip run that ended badly."""
    lines = [line.strip() for line in out.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    reason = (errors or lines or ["–"])[-1][:300]
    if any(mark in out for mark in _FULL_MARKS):
        free = durable.free_bytes(target)
        return GaloshError(
            "engine-disk-full", folder=str(target.parent), needed_bytes=ROOM_BYTES, free_bytes=free
        )
    if any(mark in out for mark in _AWAY_MARKS):
        return GaloshError("engine-index-unreachable", purpose=purpose, reason=reason)
    return GaloshError("engine-install-failed", purpose=purpose, reason=reason)


def make_environment(folder: Path) -> None:
    """Make an empty environment with this Python at `folder`.

    Raises GaloshError `engine-venv-failed` with the last line of Python's own words.
    """
    command = [sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, stdin=subprocess.DEVNULL,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise GaloshError("engine-venv-failed", folder=str(folder), reason=str(error)) from error
    if done.returncode == 0:
        return
    words = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    reason = words[-1][:300] if words else f"exit {done.returncode}"
    if any(mark in reason for mark in _FULL_MARKS):
        free = durable.free_bytes(folder)
        raise GaloshError(
            "engine-disk-full", folder=str(folder.parent), needed_bytes=ROOM_BYTES, free_bytes=free
        )
    raise GaloshError("engine-venv-failed", folder=str(folder), reason=reason)


def _check_pip() -> None:
    import importlib.metadata  # slow to import, and the daemon imports this part too

    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError as error:
        raise GaloshError("engine-pip-missing", version="–") from error
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < _OLDEST:
        raise GaloshError("engine-pip-missing", version=version)
