"""Which ways of listening this session has, best first; chosen here and nowhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from galosh.hotkey.state import Way
from galosh.hotkey.way import Job, Listen

NamedWay = tuple[Way, Listen]


def ways(environ: Mapping[str, str] | None = None) -> list[NamedWay]:
    """The ways to try. A grab made through Xwayland is none in a Wayland session: it never
    fires while a native window has the keys."""
    environ = os.environ if environ is None else environ
    if sys.platform == "win32":
        return [("windows", _windows)]
    if sys.platform == "darwin":
        return [("macos", _macos)]
    if is_wayland(environ):
        return [("portal", _portal), ("kde", _kde), ("desktop", _desktop)]
    return [("x11", _x11)] if environ.get("DISPLAY") else []


def is_wayland(environ: Mapping[str, str]) -> bool:
    """Whether the session's own windows are Wayland's."""
    return bool(environ.get("WAYLAND_DISPLAY")) or environ.get("XDG_SESSION_TYPE") == "wayland"


# Each way's module is loaded when it is tried: none pays for another's libraries.


def _x11(job: Job) -> bool:
    from galosh.hotkey.x11 import listen

    return listen(job)


def _portal(job: Job) -> bool:
    from galosh.hotkey.portal import listen

    return listen(job)


def _kde(job: Job) -> bool:
    from galosh.hotkey.kglobalaccel import listen

    return listen(job)


def _desktop(job: Job) -> bool:
    from galosh.hotkey.desktop_binding import listen

    return listen(job)


def _windows(job: Job) -> bool:
    from galosh.hotkey.windows import listen

    return listen(job)


def _macos(job: Job) -> bool:
    from galosh.hotkey.macos import listen

    return listen(job)
