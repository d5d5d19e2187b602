"""`galosh uninstall`: says what goes, asks, and leaves."""

from __future__ import annotations

import argparse
import os
import sys

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli import completions
from galosh.cli.output import Output
from galosh.setup.leave import leave, plan_leaving


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Remove galosh. Raises GaloshError `cli-needs-yes` where nobody can be asked."""
    paths = Paths.find()
    leaving = plan_leaving(
        paths, keep_models=arguments.keep_models, with_notebooks=arguments.with_notebooks
    )
    output.note(say("cli.leave-head", size_bytes=leaving.size_bytes))
    for path in leaving.going:
        output.note(f"  {path}")
    for path in completions.installed(os.environ):
        output.note(f"  {path}")
    for path in leaving.kept:
        text = "cli.leave-kept" if path == paths.models else "cli.leave-kept-work"
        output.note(say(text, path=path))
    if not arguments.yes and not _agreed():
        output.result({"removed": [], "left": False}, say("cli.leave-declined"))
        return 0
    # The texts needed after the files are gone are fetched before.
    farewell = say("cli.left")
    completions.remove(os.environ)
    leave(paths, leaving)
    output.result({**leaving.to_json(), "left": True}, farewell)
    return 0


def _agreed() -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        raise GaloshError("cli-needs-yes")
    sys.stderr.write(say("cli.leave-question"))
    sys.stderr.flush()
    return input().strip().lower()[:1] in ("y", "д")
