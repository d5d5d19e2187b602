"""`galosh logs`: the last lines of galosh's own log files."""

from __future__ import annotations

import argparse
from collections import deque
from pathlib import Path

from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.output import Output


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Print the last lines of each log, the newest file last."""
    folder = Paths.find().logs
    files = sorted(folder.glob("*.log"), key=_changed) if folder.is_dir() else []
    logs = {file: _tail(file, arguments.lines) for file in files}
    document = {"logs": [{"path": str(file), "lines": lines} for file, lines in logs.items()]}
    parts = [f"== {file}\n" + "\n".join(lines) for file, lines in logs.items()]
    output.result(document, "\n\n".join(parts) or say("cli.no-logs", folder=folder))
    return 0


def _changed(file: Path) -> float:
    return file.stat().st_mtime


def _tail(file: Path, count: int) -> list[str]:
    with file.open(encoding="utf-8", errors="replace") as log:
        return [line.rstrip("\n") for line in deque(log, maxlen=count)]
