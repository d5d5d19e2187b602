"""`galosh token show / rotate`: the key that programs show at the TCP door.

`show` prints the secret: it is meant for `$(galosh token show)`, not for a screen others see.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from galosh.api import Client, is_running
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.output import Output


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Run one action; raises GaloshError `cli-no-token` or one of the daemon's."""
    _ACTIONS[arguments.action](Paths.find(), output)
    return 0


def _show(paths: Paths, output: Output) -> None:
    try:
        value = paths.token_file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise GaloshError("cli-no-token", path=str(paths.token_file)) from None
    output.result({"token": value, "file": str(paths.token_file)}, value)


def _rotate(paths: Paths, output: Output) -> None:
    if is_running(paths) is not None:
        Client(paths).rotate_token()
    else:
        # The next start makes a fresh one.
        paths.token_file.unlink(missing_ok=True)
    text = say("cli.token-rotated", path=str(paths.token_file))
    output.result({"rotated": True, "file": str(paths.token_file)}, text)


_ACTIONS: dict[str, Callable[[Paths, Output], None]] = {"show": _show, "rotate": _rotate}
