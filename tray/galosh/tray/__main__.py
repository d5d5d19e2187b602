"""`python -m galosh.tray`: the agent's process.

--show-popup: ask at once. --no-popup, --no-hotkey, --no-daemon: without that part (tests).
--login: started by the desktop at login, so it shows nothing but the icon.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from galosh.api.client import Client
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say

_LOG_BYTES = 200_000


def main(arguments: Sequence[str]) -> int:
    """Run until the user quits or the session ends; the exit status."""
    paths = Paths.find()
    if not has_desktop():
        _say(say("tray.no-desktop"))
        return 0
    from galosh.tray.single import hold

    try:
        lock = hold(paths)
    except GaloshError as error:
        _say(str(error))
        return error.exit_code
    if lock is None:
        return _hand_over(paths, quiet="--login" in arguments)
    try:
        _log_to(paths)
        return _live(paths, arguments)
    finally:
        lock.release()


def has_desktop() -> bool:
    """Whether there is anything to show an icon on, as far as can be seen without trying."""
    if sys.platform != "linux":
        return True
    names = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")
    return any(os.environ.get(name) for name in names)


def _live(paths: Paths, arguments: Sequence[str]) -> int:
    from galosh.tray.agent import Agent, Options
    from galosh.tray.signals import on_end

    agent = Agent(
        paths,
        Options(
            show_popup="--show-popup" in arguments,
            popup="--no-popup" not in arguments,
            hotkey="--no-hotkey" not in arguments,
            daemon="--no-daemon" not in arguments,
        ),
    )

    on_end(agent.stop)
    try:
        if not agent.run():
            _say(say("tray.no-desktop"))
    except Exception:
        # A desktop shows nobody what its programs print.
        logging.getLogger("galosh.tray").exception("the tray met an error of its own")
        return 1
    return 0


def _hand_over(paths: Paths, *, quiet: bool) -> int:
    """Another one runs: it shows its quick prompt, unless we were started by the desktop."""
    if quiet:
        return 0
    try:
        Client(paths).ask_for_popup()
    except GaloshError as error:
        _say(str(error))
        return error.exit_code
    _say(say("tray.runs-already"))
    return 0


def _log_to(paths: Paths) -> None:
    """Into a small file; a desktop throws away what its programs print."""
    durable.private_folder(paths.logs)
    file = paths.logs / "tray.log"
    if file.exists() and file.stat().st_size > _LOG_BYTES:
        file.replace(file.with_suffix(".old.log"))
    handler = logging.FileHandler(file, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger("galosh")
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
