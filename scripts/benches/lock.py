"""`bench.py lock`: a short answer alone and beside 200 connections that misbehave."""

from __future__ import annotations

import argparse
import json
import sys

from scripts.benches.crowd import compare
from scripts.benches.engine_daemon import Daemon

_MOST_RATIO = 1.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-command's own arguments."""
    parser.add_argument("--answers", type=int, default=10, help="short answers per turn")
    parser.add_argument("--connections", type=int, default=200)


def main(options: argparse.Namespace) -> int:
    """Measure and print; 1 when a short answer takes more than half as long again."""
    with Daemon() as daemon:
        port = daemon.client.status()["daemon"]["port"]  # type: ignore[index]
        token = daemon.paths.token_file.read_text(encoding="ascii").strip()
        daemon.client.use_model(None)
        found = compare(port, token, options.answers, options.connections)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0 if found["ratio"] <= _MOST_RATIO else 1
