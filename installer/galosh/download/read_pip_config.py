"""Which package indexes this user's pip asks: environment, pip's own files, the default.

Reads what pip reads (`index-url`, `extra-index-url` and `no-index`), in pip's order; the
environment wins over files, the user's file over the system's. Never runs pip, never writes,
never repeats an address with a password in a message.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_INDEX = "https://pypi.org/simple"

_SECTIONS = ("global", "install", "download")


@dataclass(frozen=True)
class PipConfig:
    """Index addresses in the order to ask them; empty if pip may ask none."""

    indexes: tuple[str, ...]
    files: tuple[str, ...] = ()


def read_pip_config(environ: Mapping[str, str] | None = None) -> PipConfig:
    """What pip of this user would ask over the network. Broken files are passed over."""
    environ = os.environ if environ is None else environ
    values: dict[str, str] = {}
    used = []
    for path in _config_files(environ):
        found = _read(path)
        if found:
            used.append(str(path))
        values.update(found)
    for name in ("index-url", "extra-index-url", "no-index"):
        value = environ.get("PIP_" + name.upper().replace("-", "_"))
        if value:
            values[name] = value
    if values.get("no-index", "").strip().lower() in ("1", "true", "yes", "on"):
        return PipConfig((), tuple(used))
    first = values.get("index-url", "").strip() or DEFAULT_INDEX
    wanted = [first, *values.get("extra-index-url", "").split()]
    # Local folders cannot be asked over the network; pip's own messages are about them.
    kept = [url.rstrip("/") for url in wanted if url.lower().startswith(("http://", "https://"))]
    return PipConfig(tuple(dict.fromkeys(kept)), tuple(used))


def _config_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """pip's files, the weakest first (pip: global, user, site, PIP_CONFIG_FILE)."""
    only = environ.get("PIP_CONFIG_FILE")
    if only == os.devnull:
        return
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or str(Path.home()))
    if sys.platform == "win32":
        yield Path(environ.get("PROGRAMDATA", "C:/ProgramData")) / "pip" / "pip.ini"
        yield home / "pip" / "pip.ini"
        yield Path(environ.get("APPDATA", str(home))) / "pip" / "pip.ini"
        yield Path(sys.prefix) / "pip.ini"
    else:
        folders = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        if sys.platform == "darwin":
            yield Path("/Library/Application Support/pip/pip.conf")
        else:
            yield from (Path(part) / "pip" / "pip.conf" for part in folders.split(":") if part)
        yield Path("/etc/pip.conf")
        yield home / ".pip" / "pip.conf"
        own = home / "Library" / "Application Support" / "pip"
        if sys.platform == "darwin" and own.is_dir():
            yield own / "pip.conf"
        else:
            base = environ.get("XDG_CONFIG_HOME") or str(home / ".config")
            yield Path(base) / "pip" / "pip.conf"
        yield Path(sys.prefix) / "pip.conf"
    if only:
        yield Path(only)


def _read(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return {}
    found: dict[str, str] = {}
    for section in _SECTIONS:
        if parser.has_section(section):
            found.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    return found
