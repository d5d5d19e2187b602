"""`galosh pause` and `galosh resume`: the memory for a game, and back."""

from __future__ import annotations

import argparse

from galosh.base.texts import say
from galosh.cli.ask import ready_client
from galosh.cli.output import Output


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Do it in the daemon; it stays so over a restart."""
    paused = arguments.verb == "pause"
    ready_client(output).pause(paused=paused)
    output.result({"paused": paused}, say("cli.paused" if paused else "cli.resumed"))
    return 0
