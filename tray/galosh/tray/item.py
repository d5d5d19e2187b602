"""What a StatusNotifierItem says of itself: every property a host may ask for. Pure.

Rules: every optional property has an answer (LXQt logs each one that is missing); pictures are
ARGB in network byte order, several sizes; left click is an action of its own, never the only
way to anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PATH = "/StatusNotifierItem"
MENU_PATH = "/StatusNotifierItem/Menu"
INTERFACE = "org.kde.StatusNotifierItem"

Pixmap = tuple[int, int, bytes]
Properties = Mapping[str, tuple[str, Any]]


@dataclass(frozen=True)
class Face:
    """What the icon shows now. attention: whether the host should draw the eye to it."""

    title: str = ""
    tooltip: str = ""
    pixmaps: Sequence[Pixmap] = ()
    attention: bool = False


def properties(face: Face) -> Properties:
    """Name -> (signature, value)."""
    none: list[Pixmap] = []
    return {
        "Category": ("s", "ApplicationStatus"),
        "Id": ("s", "galosh"),
        "Title": ("s", face.title),
        "Status": ("s", "NeedsAttention" if face.attention else "Active"),
        "WindowId": ("i", 0),
        "IconThemePath": ("s", ""),
        "Menu": ("o", MENU_PATH),
        "ItemIsMenu": ("b", False),
        "IconName": ("s", ""),
        "IconPixmap": ("a(iiay)", list(face.pixmaps)),
        "OverlayIconName": ("s", ""),
        "OverlayIconPixmap": ("a(iiay)", none),
        "AttentionIconName": ("s", ""),
        # The same picture: a host that blinks between two would blink for hours.
        "AttentionIconPixmap": ("a(iiay)", list(face.pixmaps) if face.attention else none),
        "AttentionMovieName": ("s", ""),
        "AttentionAccessibleDesc": ("s", face.tooltip),
        "IconAccessibleDesc": ("s", face.tooltip),
        "ToolTip": ("(sa(iiay)ss)", ("", none, face.title, escape(face.tooltip))),
    }


def signals(before: Face, after: Face) -> list[tuple[str, str, tuple[Any, ...]]]:
    """(name, signature, body) of what hosts must be told to look at again."""
    found: list[tuple[str, str, tuple[Any, ...]]] = []
    if before.title != after.title:
        found.append(("NewTitle", "", ()))
    if before.pixmaps != after.pixmaps:
        found.append(("NewIcon", "", ()))
    if (before.title, before.tooltip) != (after.title, after.tooltip):
        found.append(("NewToolTip", "", ()))
    if before.attention != after.attention:
        found.append(("NewAttentionIcon", "", ()))
        found.append(("NewStatus", "s", ("NeedsAttention" if after.attention else "Active",)))
    return found


def escape(text: str) -> str:
    """Text where a host reads markup (tooltips, bodies of notifications)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
