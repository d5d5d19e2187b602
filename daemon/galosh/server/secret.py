"""The token of the TCP door: made once, kept across starts because clients store it.

Rules: 256 bits from the system's generator, in a file for this user alone; rotated only when
the user asks, and then the old one is worth nothing at once.
"""

from __future__ import annotations

import secrets
import sys

from galosh.base import durable
from galosh.base.paths import Paths

_SIZE_BYTES = 32
_LEAST_CHARACTERS = 2 * _SIZE_BYTES  # as they are written, in hexadecimal


class Token:
    """The token of these paths, and its file."""

    def __init__(self, paths: Paths) -> None:
        """Raises a write error of galosh.base.durable."""
        self._paths = paths
        self.value = load_or_make(paths)

    def rotate(self) -> None:
        """Make another one. Raises a write error; the old one holds then."""
        self.value = make(self._paths)


def load_or_make(paths: Paths) -> str:
    """The token in `paths.token_file`; a missing, empty, short or damaged one is made anew.

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
    return make(paths)


def make(paths: Paths) -> str:
    """A fresh token, written down. Raises a write error of galosh.base.durable."""
    fresh = secrets.token_hex(_SIZE_BYTES)
    durable.write_text(paths.token_file, fresh + "\n", mode=0o600)
    return fresh
