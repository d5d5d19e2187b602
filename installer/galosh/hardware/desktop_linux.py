"""Whether a Linux desktop is there: a variable counts only if its socket answers."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from galosh.base.texts import say
from galosh.hardware.facts import DisplayFacts, Fact

_CONNECT_SECONDS = 0.5
Connect = Callable[["str | tuple[str, int]"], bool]


def can_connect(address: str | tuple[str, int]) -> bool:
    """Whether something listens at a Unix socket's path or a TCP address."""
    if sys.platform == "win32":
        return False
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as door:
            door.settimeout(_CONNECT_SECONDS)
            door.connect(address)
    except (OSError, ValueError):
        return False
    return True


def read_display(environ: Mapping[str, str], connect: Connect = can_connect) -> DisplayFacts:
    """wayland or x11 when its server answers; None with what was tried otherwise."""
    tried: list[str] = []
    wayland = environ.get("WAYLAND_DISPLAY", "")
    if wayland:
        place = str(Path(environ.get("XDG_RUNTIME_DIR", "/nonexistent")) / wayland)
        tried.append(f"WAYLAND_DISPLAY={wayland}")
        if connect(place):
            return DisplayFacts(Fact("wayland", tried[-1]))
    display = environ.get("DISPLAY", "")
    match = re.fullmatch(r"(?:unix/?)?([\w.\-]*):(\d{1,5})(?:\.\d+)?", display)
    if display:
        tried.append(f"DISPLAY={display}")
    if match and any(connect(address) for address in _x11_addresses(match[1], int(match[2]))):
        return DisplayFacts(Fact("x11", tried[-1]))
    place = ", ".join(tried) or "WAYLAND_DISPLAY, DISPLAY"
    return DisplayFacts(Fact(None, say("hardware.why.no-desktop", place=place)))


def _x11_addresses(host: str, number: int) -> list[str | tuple[str, int]]:
    if host:  # a forwarded screen, as `ssh -X` makes
        return [(host, 6000 + number)] if number < 59_000 else []
    path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - the X server's own fixed place
    return [path, f"\0{path}"]
