"""A galosh installed by the real installer, for the stories: one per test session.

The home has spaces and Cyrillic letters in its name, because real ones do. The engine wheel
comes from the shared test cache (as on a second install); everything else is as on a new PC.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galosh.base.paths import Paths
from tests import real

REPO = Path(__file__).resolve().parents[2]
INSTALLER = REPO / "scripts" / "install.py"
LIMIT_SECONDS = 900


@dataclass(frozen=True)
class Run:
    """What one command did."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Installed:
    """An installed galosh and the way to call it."""

    home: Path

    @property
    def paths(self) -> Paths:
        """Its folders."""
        return Paths.under(self.home)

    @property
    def command(self) -> Path:
        """The launcher a user types."""
        return self.home / "bin" / "galosh"

    def run(self, *arguments: str, stdin: str = "", limit_seconds: float = 120) -> Run:
        """Run `galosh ARGUMENTS` to its end."""
        return run([str(self.command), *arguments], environment(self.home), stdin, limit_seconds)

    def install(
        self,
        *arguments: str,
        extra: Mapping[str, str] | None = None,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> Run:
        """Run scripts/install.py for this home."""
        environ = {**environment(self.home), **(extra or {})}
        return run([sys.executable, str(INSTALLER), *arguments], environ, "", limit_seconds)


def environment(home: Path) -> dict[str, str]:
    """The user's environment with this home: no test settings of the parent leak in."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "GALOSH_"))}
    environ.pop("DISPLAY", None)
    environ.pop("WAYLAND_DISPLAY", None)
    return {**environ, "GALOSH_HOME": str(home), "HOME": str(home.parent), "GALOSH_LANG": "en"}


def run(command: list[str], environ: dict[str, str], stdin: str, limit_seconds: float) -> Run:
    """Run one command with captured output."""
    done = subprocess.run(
        command, env=environ, input=stdin, capture_output=True, text=True, timeout=limit_seconds
    )
    return Run(done.returncode, done.stdout, done.stderr)


def seeded_home(folder: Path) -> Path:
    """A new home whose wheel cache already holds the engine built for this machine."""
    home = folder / "Галоша и ключ"
    paths = Paths.under(home)
    shutil.copytree(real.real_engine_home().wheels, paths.wheels)
    return home
