"""`galosh setup`: the guided setup in this terminal."""

from __future__ import annotations

import argparse
import os
import sys

from galosh.base import durable
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli import completions
from galosh.cli.output import Output
from galosh.setup.controller import run_setup
from galosh.setup.steps import Options
from galosh.setup.terminal import Terminal


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Run it; asks once unless --yes or nobody is there to answer."""
    paths = Paths.find()
    options = Options(
        yes=arguments.yes,
        starter_only=arguments.starter_only,
        model=arguments.model,
        tray=not arguments.no_tray,
    )
    person = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    # The story goes to stdout like any result, unless stdout must hold one JSON document.
    stream = sys.stderr if output.as_json else sys.stdout
    log = _Log(paths)
    screen = Terminal(
        stream,
        interactive=stream.isatty(),
        ask=_ask if person and not options.yes else None,
        log=log.write,
    )
    try:
        summary = run_setup(paths, options, screen)
    finally:
        screen.close()
        log.close()
    if not summary.finished:
        output.note(say("setup.declined"))
    else:
        for path in completions.install(os.environ):
            output.note(say("cli.completions-installed", path=path))
    if output.as_json:
        output.result(summary.to_json(), "")
    return 0


def _ask(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    return input()


class _Log:
    """Tools' own output during setup, in `setup.log` of the log folder."""

    def __init__(self, paths: Paths) -> None:
        durable.private_folder(paths.logs)
        self._file = (paths.logs / "setup.log").open("a", encoding="utf-8", errors="replace")

    def write(self, text: str) -> None:
        """Add one line."""
        self._file.write(text + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
