"""`galosh start`, `stop` and `restart`."""

from __future__ import annotations

import argparse

from galosh.api import is_running, start_daemon, stop_daemon
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.output import Output

WAIT_SECONDS = 60.0


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Do it; starting a running daemon and stopping none are fine."""
    paths = Paths.find()
    before = is_running(paths)
    if arguments.verb in ("stop", "restart") and before is not None:
        stop_daemon(paths)
    if arguments.verb == "stop":
        key = "cli.was-away" if before is None else "cli.stopped"
        output.result({"running": False, "was_running": before is not None}, say(key))
        return 0
    if arguments.verb == "start" and before is not None:
        output.result(_document(before.pid, True), say("cli.was-running", pid=before.pid))
        return 0
    facts = start_daemon(paths, WAIT_SECONDS)
    output.result(_document(facts.pid, before is not None), say("cli.started", pid=facts.pid))
    return 0


def _document(pid: int, was_running: bool) -> dict[str, object]:
    return {"running": True, "was_running": was_running, "pid": pid}
