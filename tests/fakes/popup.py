"""A quick prompt without a window: says what it hears, dies when told, ends with its parent."""

from __future__ import annotations

import json
import os
import sys


def say(**message: object) -> None:
    """One line to the tray."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if os.environ.get("FAKE_POPUP") == "no-tk":
        say(event="failed", error={"code": "popup-no-tk", "facts": {}})
        sys.exit(1)
    if os.environ.get("FAKE_POPUP") == "dies":
        sys.exit(3)
    say(event="ready", pid=os.getpid())
    for line in sys.stdin:
        order = json.loads(line)
        say(event="heard", order=order)
        if order["do"] == "hide":
            os._exit(9)
