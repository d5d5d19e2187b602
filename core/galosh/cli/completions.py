"""`galosh completions SHELL`: the script by which a shell completes galosh's arguments.

Also puts it where the user's shell looks by itself, and takes it away again; only into
folders that belong to a shell that is there, and only files that this module wrote.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.cli.output import Output
from galosh.cli.parser import build_parser
from galosh.cli.shell_scripts import SHELLS, read_table

# In the first lines of every script, whatever the language.
_MARK = "Made by: galosh completions"
_SYSTEM = Path("/usr/share")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Print the script."""
    text = script(arguments.shell)
    output.result({"shell": arguments.shell, "script": text}, text)
    if output.interactive:
        output.note(say("cli.completions-use", command=_USES[arguments.shell]))
    return 0


def script(shell: str) -> str:
    """The script for a shell."""
    return SHELLS[shell](read_table(build_parser()))


def install(environ: Mapping[str, str]) -> list[Path]:
    """Write the script for each shell that would find it there; where it was written."""
    written = []
    for shell, target in targets(environ).items():
        if not target.exists() or _is_ours(target):
            with contextlib.suppress(GaloshError, OSError):  # a comfort, nothing more
                target.parent.mkdir(parents=True, exist_ok=True)
                durable.write_text(target, script(shell))
                written.append(target)
    return written


def installed(environ: Mapping[str, str]) -> list[Path]:
    """What `install` wrote and is still there."""
    places = {} if environ.get("GALOSH_HOME") else _places(environ)
    return [target for target in places.values() if _is_ours(target)]


def remove(environ: Mapping[str, str]) -> list[Path]:
    """Take that away; what was taken away."""
    gone = installed(environ)
    for target in gone:
        with contextlib.suppress(OSError):
            target.unlink()
    return gone


def targets(environ: Mapping[str, str]) -> dict[str, Path]:
    """Where each shell of this user looks for a completion of galosh; only shells that are
    there. Nothing with GALOSH_HOME: then all of galosh is below that one folder."""
    if environ.get("GALOSH_HOME") or os.name == "nt":
        return {}
    places = _places(environ)
    looks = {
        "bash": (_SYSTEM / "bash-completion" / "bash_completion").exists(),
        "fish": places["fish"].parents[1].is_dir(),
        # zsh has no such folder of its own; where a user made this one, it is in its path.
        "zsh": places["zsh"].parent.is_dir(),
    }
    return {shell: places[shell] for shell, there in looks.items() if there}


def _places(environ: Mapping[str, str]) -> dict[str, Path]:
    home = Path(environ.get("HOME") or Path.home())
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return {
        "bash": data / "bash-completion" / "completions" / "galosh",
        "fish": config / "fish" / "completions" / "galosh.fish",
        "zsh": data / "zsh" / "site-functions" / "_galosh",
    }


def _is_ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return _MARK in file.read(200)
    except OSError:
        return False


_USES = {
    "bash": 'eval "$(galosh completions bash)"',
    "zsh": 'eval "$(galosh completions zsh)"',
    "fish": "galosh completions fish | source",
    "powershell": "galosh completions powershell | Out-String | Invoke-Expression",
}
