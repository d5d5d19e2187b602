"""How the tray starts other parts of galosh: as processes, with its own Python."""

from __future__ import annotations

import sys


def own_command(module: str, *arguments: str) -> list[str]:
    """A module of ours in a process of its own, seeing what this one sees and no more."""
    alone = ["-I"] if sys.flags.isolated else []
    return [sys.executable, *alone, "-m", module, *arguments]
