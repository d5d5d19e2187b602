"""The command `galosh`: where it is, whether the shell finds it, and how to call it.

scripts/install.py writes it. Nothing of the user's shell is edited here: a line is offered.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from galosh.base.paths import Paths
from galosh.base.texts import say


def launcher_file(paths: Paths) -> Path:
    """Where the command lies (or would lie)."""
    return paths.bin / ("galosh.cmd" if sys.platform == "win32" else "galosh")


def is_on_path(paths: Paths, environ: Mapping[str, str] | None = None) -> bool:
    """Whether typing `galosh` starts this installation."""
    environ = os.environ if environ is None else environ
    found = shutil.which("galosh", path=environ.get("PATH", ""))
    file = launcher_file(paths)
    try:
        return found is not None and file.exists() and Path(found).samefile(file)
    except OSError:
        return False


def path_line(paths: Paths, environ: Mapping[str, str] | None = None) -> str:
    """The one line that makes the command findable in this user's shell, for good."""
    environ = os.environ if environ is None else environ
    folder = str(paths.bin)
    if sys.platform == "win32":
        return (
            "[Environment]::SetEnvironmentVariable('Path', "
            f"[Environment]::GetEnvironmentVariable('Path', 'User') + ';{folder}', 'User')"
        )
    shell = Path(environ.get("SHELL", "")).name
    if shell == "fish":
        return f"fish_add_path {shlex.quote(folder)}"
    file = {"zsh": "~/.zshrc", "bash": "~/.bashrc"}.get(shell, "~/.profile")
    line = f'export PATH={shlex.quote(folder)}:"$PATH"'
    return f"echo {shlex.quote(line)} >> {file}"


def command_word(paths: Paths, environ: Mapping[str, str] | None = None) -> str:
    """What to type for `galosh`: the plain word, or the full path where it is not found."""
    file = launcher_file(paths)
    if is_on_path(paths, environ) or not file.exists():
        return "galosh"
    return str(file) if sys.platform == "win32" else shlex.quote(str(file))


def next_things(paths: Paths, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Three things to try, then how to make the shell find the command where it does not."""
    things = [say("setup.try-ask"), say("setup.try-chat"), say("setup.try-client")]
    if launcher_file(paths).exists() and not is_on_path(paths, environ):
        line, command = path_line(paths, environ), command_word(paths, environ)
        things.append(say("setup.path-line", line=line, command=command))
    return tuple(things)
