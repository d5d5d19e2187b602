"""The end of a setup on a desktop: the menu entry, the question about login, the icon.

Never fails a setup that has its answer: what cannot be had is said. Nothing starts at login
unless the user said yes; `--yes` is no such yes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from galosh import api
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.base.texts import say
from galosh.setup import desktop_entry
from galosh.setup.autostart import login_of
from galosh.setup.launcher import launcher_file
from galosh.setup.steps import Work

_WINDOWS_FLAGS = 0x00000008 | 0x00000200  # detached, own group


def settle_desktop(work: Work) -> None:
    """Do it, where there is a display and the user wants an icon."""
    if work.machine.display.kind.value is None or not work.options.tray:
        return
    try:
        desktop_entry.install(work.paths)
        _ask_about_login(work)
        if agent_facts(work.paths) is None:
            start_agent(work.paths)
        trigger = Settings.load(work.paths.settings_file).text("hotkey.trigger")
        work.delegate.note(say("setup.tray-started", trigger=trigger or "–"))
    except (GaloshError, OSError) as error:
        reason = error.what if isinstance(error, GaloshError) else str(error)
        work.delegate.note(say("setup.tray-not-started", reason=reason))


def agent_facts(paths: Paths) -> Mapping[str, object] | None:
    """What the agent told the daemon of the desktop; None when no agent runs."""
    if api.is_running(paths) is None:
        return None
    facts = api.Client(paths).status().get("desktop")
    return facts if isinstance(facts, Mapping) else None


def start_agent(paths: Paths) -> None:
    """Start the icon, quietly; one that runs already stays the only one. Raises OSError."""
    environ = dict(os.environ)
    if paths.home is not None:
        environ["GALOSH_HOME"] = str(paths.home)
    nowhere = subprocess.DEVNULL
    subprocess.Popen(
        [sys.executable, "-I", "-m", "galosh.tray", "--login"],
        stdin=nowhere,
        stdout=nowhere,
        stderr=nowhere,
        env=environ,
        start_new_session=True,
        creationflags=_WINDOWS_FLAGS if sys.platform == "win32" else 0,
    ).returncode = 0  # it outlives us: not ours to wait for


def _ask_about_login(work: Work) -> None:
    if work.options.yes or not launcher_file(work.paths).exists():
        return
    login = login_of(work.paths)
    state = login.status()
    if not state.enabled and not state.by_system and work.delegate.ask_about_login():
        login.switch_on()
