"""What `defaults` says of the appearance of macOS."""

from __future__ import annotations

import subprocess

_PATIENCE_SECONDS = 2.0


def prefers_dark() -> bool | None:
    """None when nobody says."""
    command = ["/usr/bin/defaults", "read", "-g", "AppleInterfaceStyle"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    # While it is light, there is no such value, and the command fails.
    return done.stdout.strip().lower() == b"dark"
