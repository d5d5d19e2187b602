"""`galosh tray`: icon, hotkey and quick prompt, as a process of its own."""

from __future__ import annotations

import argparse
import os
import sys

from galosh.cli.output import Output


def run(arguments: argparse.Namespace, _output: Output) -> int:
    """Become the tray (Windows has no exec: wait for it there)."""
    names = ("show_popup", "login", "no_popup", "no_hotkey", "no_daemon")
    options = [f"--{name.replace('_', '-')}" for name in names if getattr(arguments, name)]
    alone = ["-I"] if sys.flags.isolated else []
    command = [sys.executable, *alone, "-m", "galosh.tray", *options]
    sys.stdout.flush()
    if sys.platform != "win32":
        os.execv(command[0], command)  # noqa: S606 - our own interpreter, no shell
    import subprocess

    return subprocess.call(command)
