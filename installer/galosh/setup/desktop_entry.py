"""galosh in a Linux desktop's menu: the entry and the icon, of this user only.

The entry's name is the id by which portals know us. Other systems need neither.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from galosh.base import durable
from galosh.base.paths import Paths
from galosh.setup import desktop_files as files
from galosh.setup.launcher import launcher_file


def install(paths: Paths, environ: Mapping[str, str] | None = None) -> bool:
    """Put entry and icon there, unless they are; whether they are there now.

    Somebody else's entry of that name is left alone. Raises GaloshError base-….
    """
    launcher = launcher_file(paths)
    if sys.platform != "linux" or not launcher.exists():
        return False
    entry, icon = _places(environ)
    if not _is_free(entry, str(launcher)):
        return False
    for path, text in ((icon, files.ICON_SVG), (entry, files.menu_entry(str(launcher)))):
        if _read(path) != text:
            durable.write_text(path, text, mode=0o644)
    return True


def installed(paths: Paths, environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The files of this installation that are there."""
    if sys.platform != "linux":
        return ()
    entry, icon = _places(environ)
    ours = files.is_ours(_read(entry), str(launcher_file(paths)))
    return tuple(path for path in (entry, icon) if ours and path.exists())


def config_home(environ: Mapping[str, str]) -> Path:
    """Where the desktop looks for this user's login entries."""
    return _xdg(environ, "XDG_CONFIG_HOME", ".config")


def _places(environ: Mapping[str, str] | None) -> tuple[Path, Path]:
    data = _xdg(os.environ if environ is None else environ, "XDG_DATA_HOME", ".local/share")
    icon = data / "icons" / "hicolor" / "scalable" / "apps" / f"{files.APP_ID}.svg"
    return data / "applications" / f"{files.APP_ID}.desktop", icon


def _is_free(entry: Path, launcher: str) -> bool:
    """Whether the entry may be written: it is not there, ours, or of an installation that is
    gone."""
    text = _read(entry)
    if not text or files.is_ours(text, launcher):
        return True
    other = files.read(text).get(files.MARK)
    return other is not None and not Path(other).exists()


def _xdg(environ: Mapping[str, str], name: str, usual: str) -> Path:
    value = environ.get(name, "")
    return Path(value) if Path(value).is_absolute() else Path.home() / usual


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
