"""`python -m galosh.server [--detach]`: the daemon's entry.

--detach: leave the caller's session (POSIX) and say on stdout, in one JSON line, either
where the daemon listens or why it did not start; then let go of stdout.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence

from galosh.api.wire import DaemonFacts
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.server.daemon import serve
from galosh.server.ports import Parts


def main(arguments: Sequence[str], parts: Parts | None = None) -> int:
    """Run the daemon; returns the exit status."""
    detached = "--detach" in arguments
    if detached and sys.platform != "win32":
        # The caller waits for the parent only; nothing runs beside us yet.
        if os.fork():
            os._exit(0)
        os.setsid()
    try:
        status = serve(Paths.find(), parts, _report_ready if detached else _print_ready)
    except GaloshError as error:
        if detached:
            _report({"error": error.to_json()})
        else:
            _print(str(error))
        return error.exit_code
    if not detached:
        _print(say("server.stopped"))
    return status


def _report_ready(facts: DaemonFacts) -> None:
    _report({"ready": facts.to_json()})


def _print_ready(facts: DaemonFacts) -> None:
    _print(say("server.listening", socket=facts.socket, port=facts.port))


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _report(message: Mapping[str, object]) -> None:
    """Tell the starter, then give its pipe back, so that it sees the end of it."""
    os.write(1, json.dumps(message, default=str).encode() + b"\n")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
