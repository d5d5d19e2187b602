"""`galosh serve`: the daemon in the foreground, as a process of its own."""

from __future__ import annotations

import argparse
import os
import sys

from galosh.cli.output import Output


def run(_arguments: argparse.Namespace, _output: Output) -> int:
    """Become the daemon (Windows has no exec: wait for it there)."""
    command = [sys.executable, "-I", "-m", "galosh.server"]
    sys.stdout.flush()
    if sys.platform != "win32":
        os.execv(command[0], command)  # noqa: S606 - our own interpreter, no shell
    import subprocess

    return subprocess.call(command)
