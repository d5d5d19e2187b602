"""Asks the hotkey's part, which lives on the tray's side of the house, as a process.

The part may not be imported from here, and what a grab or a gsettings call breaks ends there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

from galosh.base.errors import GaloshError

_SECONDS = 20.0


def ask_hotkey(action: str, *arguments: str) -> Mapping[str, object]:
    """The document of `python -m galosh.hotkey ACTION …`.

    Raises the GaloshError it stated (hotkey-…), or hotkey-broke when it did not speak.
    """
    command = [sys.executable, "-I", "-m", "galosh.hotkey", action, *arguments]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
        document: object = json.loads(done.stdout or b"null")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise GaloshError("hotkey-broke", way=action, reason=str(error)[:200]) from error
    if not isinstance(document, Mapping):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = said[-1] if said else str(done.returncode)
        raise GaloshError("hotkey-broke", way=action, reason=reason[:200])
    stated = document.get("error")
    if isinstance(stated, Mapping):
        raise GaloshError.from_json(stated)
    return document
