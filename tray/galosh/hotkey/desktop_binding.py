"""The last way of a Wayland session: the desktop's own shortcut that runs `galosh popup`.

GNOME's is written for the user, with consent (`galosh hotkey bind`), under a path of our own,
and taken away by `unbind`; nobody else's entry is touched. For the other desktops the line to
add is told. What was agreed to once follows the setting; nothing is ever added unasked.
"""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.hotkey.lines import instruction
from galosh.hotkey.trigger import Trigger
from galosh.hotkey.way import Job

_SCHEMA = "org.gnome.settings-daemon.plugins.media-keys"
_LIST = "custom-keybindings"
_OURS = "/org/gnome/settings-daemon/plugins/media-keys/custom-keybindings/galosh/"
_ENTRY = f"{_SCHEMA}.custom-keybinding:{_OURS}"
_RUN_SECONDS = 10.0


def listen(job: Job) -> bool:
    """Say whether the desktop's shortcut is set, and wait; the pressing comes by the CLI."""
    desktop = desktop_name()
    if is_bound():
        bind(job.trigger)
        job.tell(str(job.trigger))
    elif _is_gnome(desktop):
        problem = GaloshError("hotkey-needs-binding", trigger=str(job.trigger), desktop=desktop)
        job.tell(None, problem)
    else:
        text = instruction(desktop, job.trigger, popup_command())
        problem = GaloshError(
            "hotkey-needs-line", trigger=str(job.trigger), desktop=desktop, instruction=text
        )
        job.tell(None, problem)
    job.stop.wait(None)
    return True


def desktop_name() -> str:
    """The desktop's own name, as in `ubuntu:GNOME`; "?" when it gives none."""
    return os.environ.get("XDG_CURRENT_DESKTOP") or "?"


def popup_command() -> str:
    """The command line that shows the quick prompt."""
    launcher = Paths.find().bin / "galosh"
    command = [str(launcher)] if launcher.exists() else [sys.executable, "-m", "galosh.cli"]
    return shlex.join([*command, "popup"])


def is_bound() -> bool:
    """Whether our entry is among GNOME's shortcuts."""
    return _is_gnome(desktop_name()) and _OURS in _listed()


def bind(trigger: Trigger) -> None:
    """Add or change our entry. Raises GaloshError hotkey-needs-line, hotkey-bind-failed."""
    desktop = desktop_name()
    if not _is_gnome(desktop):
        text = instruction(desktop, trigger, popup_command())
        raise GaloshError(
            "hotkey-needs-line", trigger=str(trigger), desktop=desktop, instruction=text
        )
    values = {"name": say("hotkey.ask"), "command": popup_command(), "binding": trigger.gtk}
    for key, value in values.items():
        _gsettings("set", _ENTRY, key, _quoted(value))
    listed = _listed()
    if _OURS not in listed:
        _gsettings("set", _SCHEMA, _LIST, _quoted_list([*listed, _OURS]))


def unbind() -> bool:
    """Take our entry away; whether there was one. Raises GaloshError hotkey-bind-failed."""
    listed = _listed()
    if _OURS not in listed:
        return False
    _gsettings("set", _SCHEMA, _LIST, _quoted_list([path for path in listed if path != _OURS]))
    _gsettings("reset-recursively", _ENTRY)
    return True


def _is_gnome(desktop: str) -> bool:
    return "gnome" in desktop.lower().split(":")


def _listed() -> list[str]:
    try:
        text = _gsettings("get", _SCHEMA, _LIST).removeprefix("@as").strip()
        found = ast.literal_eval(text)
    except (GaloshError, ValueError, SyntaxError):
        return []
    return [str(path) for path in found] if isinstance(found, list) else []


def _quoted(text: str) -> str:
    """As GVariant's text form has it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _quoted_list(paths: list[str]) -> str:
    return "[" + ", ".join(map(_quoted, paths)) + "]" if paths else "@as []"


def _gsettings(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["gsettings", *arguments], capture_output=True, timeout=_RUN_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GaloshError("hotkey-bind-failed", reason=f"gsettings: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise GaloshError("hotkey-bind-failed", reason=f"gsettings: {said[:200]}")
    return done.stdout.decode("utf-8", "replace").strip()
