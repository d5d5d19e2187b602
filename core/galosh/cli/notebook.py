"""`galosh notebook`: opens the notebook page in the browser by a link that works once."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from galosh.base.texts import say
from galosh.cli.ask import ready_client
from galosh.cli.output import Output

_PATIENCE_SECONDS = 20.0  # some ways to open a browser wait until it has started
_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Print the link and open it. Raises GaloshError `server-no-tcp` or the client's."""
    link = ready_client(output).make_link()
    url = str(link["url"]) + (f"&tab={arguments.tab}" if arguments.tab else "")
    opened = not arguments.print and _open(url)
    output.result({**link, "url": url, "opened": opened}, url)
    if not arguments.print and not opened:
        output.note(say("cli.notebook-no-browser"))
    output.note(say("cli.notebook-once", expires_seconds=link["expires_seconds"]))
    return 0


def _open(url: str) -> bool:
    """Whether a browser took it. What browsers print is nobody's result."""
    if sys.platform == "linux" and not any(map(os.environ.get, _SCREENS)):
        return False  # webbrowser would start one that draws letters, and the page needs more
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _OPEN, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
