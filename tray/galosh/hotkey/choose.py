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
        own: NamedWay = ("kde", _kde)
        portal: NamedWay = ("portal", _portal)
        # KDE's own service asks nothing; Plasma 5's portal opens the settings at every start
        # and binds nothing.
        on_kde = "kde" in environ.get("XDG_CURRENT_DESKTOP", "").lower().split(":")
        asked = (own, portal) if on_kde else (portal, own)
        return [("desktop", _bound_desktop), *asked, ("desktop", _desktop)]
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


def _bound_desktop(job: Job) -> bool:
    """What the user agreed to once comes before asking for anything else."""
    from galosh.hotkey.desktop_binding import is_bound

    return is_bound() and _desktop(job)


def _windows(job: Job) -> bool:
    from galosh.hotkey.windows import listen

    return listen(job)


def _macos(job: Job) -> bool:
    from galosh.hotkey.macos import listen

    return listen(job)
