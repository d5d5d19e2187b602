"""The token of the TCP door: made once, kept across starts because clients store it."""

from __future__ import annotations

import secrets
import sys

from galosh.base import durable
from galosh.base.paths import Paths

_SIZE_BYTES = 32
_LEAST_CHARACTERS = 32


def load_or_make(paths: Paths) -> str:
    """The token in `paths.token_file`; a missing, empty or damaged one is made anew.

    Raises a write error of galosh.base.durable.
    """
    path = paths.token_file
    try:
        found = path.read_text(encoding="ascii").strip()
        if sys.platform != "win32" and path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except (OSError, ValueError):
        found = ""
    if len(found) >= _LEAST_CHARACTERS and found.isalnum():
        return found
    fresh = secrets.token_hex(_SIZE_BYTES)
    durable.write_text(path, fresh + "\n", mode=0o600)
    return fresh
