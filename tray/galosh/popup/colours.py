"""The colours of the window, light and dark. Pure.

Rules: words stand out from what is behind them by 4.5 : 1 or more (a test computes it); what
colour says, a line or a word says as well.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Colours:
    """As `#rrggbb`. paper: the window; field: where one types; faint: what matters less."""

    paper: str
    field: str
    ink: str
    faint: str
    edge: str
    accent: str
    accent_ink: str
    chip: str
    added: str
    removed: str
    wrong: str
    code: str


LIGHT = Colours(
    paper="#f4f4f2", field="#ffffff", ink="#1c1c1c", faint="#5f5f5c", edge="#c9c9c4",
    accent="#1f5fbf", accent_ink="#ffffff", chip="#e4e4df", added="#1a6b2f", removed="#a32020",
    wrong="#a32020", code="#ebebe6",
)  # fmt: skip
DARK = Colours(
    paper="#232425", field="#2d2e30", ink="#ececea", faint="#a9a9a5", edge="#4a4b4d",
    accent="#8ab4f8", accent_ink="#14181f", chip="#3a3b3e", added="#86d69a", removed="#ff9d94",
    wrong="#ff9d94", code="#37383b",
)  # fmt: skip


def contrast(one: str, other: str) -> float:
    """How much two colours stand out from each other, 1 to 21, as WCAG 2 counts it."""
    low, high = sorted((_brightness(one), _brightness(other)))
    return (high + 0.05) / (low + 0.05)


def _brightness(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
