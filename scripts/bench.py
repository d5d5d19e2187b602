#!/usr/bin/env python3
"""Measurements of galosh: `python3 scripts/bench.py downloads --faults | --speed`.

A dispatcher: each sub-command is a module of `scripts/benches/` with its own arguments and is
imported when it is asked for. Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
COMMANDS = {
    "desktop": (
        "scripts.benches.desktop",
        "memory, idle time, first icon, hotkey to caret",
    ),
    "downloads": ("scripts.benches.downloads", "downloads against other tools"),
    "engine": ("scripts.benches.engine", "the engine against llama.cpp, and its manners"),
    "fit": ("scripts.benches.fit", "forecasts of memory and speed against what happens"),
    "lock": ("scripts.benches.lock", "a short answer beside 200 connections that misbehave"),
    "presets": ("scripts.benches.presets", "whether a shipped sampler makes a model repeat itself"),
    "setup": ("scripts.benches.setup", "where the time of a first install goes"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; its exit status."""
    parser = argparse.ArgumentParser(prog="bench.py", description=__doc__)
    choices = parser.add_subparsers(dest="command", required=True)
    roots = ("core", "installer", "daemon", "tray", "presets")
    sys.path[:0] = [str(REPO / root) for root in roots] + [str(REPO)]
    given = list(sys.argv[1:] if arguments is None else arguments)
    for name, (module_name, words) in COMMANDS.items():
        sub = choices.add_parser(name, help=words)
        if name in given[:1]:
            importlib.import_module(module_name).add_arguments(sub)
    options = parser.parse_args(given)
    module = importlib.import_module(COMMANDS[options.command][0])
    return int(module.main(options))


if __name__ == "__main__":
    sys.exit(main())
