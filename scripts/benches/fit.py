"""Forecasts against what really happens: `bench.py fit --memory | --decisions | --speed`.

A forecast is written to the log before the run it is for, with version, settings and time.
Each line of a table ends with its verdict; exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path

from tests import real

KINDS = {
    "memory": ("scripts.benches.fit_memory", "weights, cache, buffers and a worker's peak"),
    "decisions": ("scripts.benches.fit_decisions", "“fits” under a memory limit of the system"),
    "speed": ("scripts.benches.fit_speed", "how fast a model reads and writes"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-command's own options."""
    kind = parser.add_mutually_exclusive_group(required=True)
    for name, (_, words) in KINDS.items():
        kind.add_argument(f"--{name}", action="store_true", help=words)
    parser.add_argument("--cases", nargs="*", help="only these models")
    parser.add_argument("--runs", type=int, help="speed: runs of each case")
    parser.add_argument("--seconds", type=float, help="speed: stop starting runs after this")
    parser.add_argument("--fresh", action="store_true", help="speed: forget earlier runs")
    parser.add_argument("--exact", action="store_true", help="memory: no runs of the worker")
    parser.add_argument(
        "--log", type=Path, default=real.CACHE / "fit-memory.jsonl", help="where forecasts go"
    )


def main(options: argparse.Namespace) -> int:
    """Run one kind; its exit status."""
    os.environ.setdefault("GALOSH_LANG", "en")
    name = next(name for name in KINDS if getattr(options, name))
    module = importlib.import_module(KINDS[name][0])
    return int(getattr(module, f"run_{name}")(options))
