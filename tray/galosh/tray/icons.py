"""The icon, drawn: a galosh, and what it is doing.

Owns every picture of the tray. Rules: a state is told by shape, never by colour alone; the
usual ink reads on light and dark panels alike; drawn four times too large and scaled down.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from PIL import Image, ImageDraw

SIZES = (22, 32, 48)
_SCALE = 4
# The middle one is told apart from white and from black (3 to 1 and more, a test measures it).
INKS = {"auto": (22, 148, 118), "light": (245, 245, 245), "dark": (28, 30, 34)}

# A galosh from the side, in a square of 100: shaft, instep, toe, sole.
_SHOE = ((22, 18), (55, 18), (55, 44), (66, 53), (84, 57), (91, 67), (91, 78), (22, 78))
_SOLE = (17, 81, 94, 90)

Point = tuple[float, float]


class Mark(enum.Enum):
    """What the icon tells."""

    NO_MODEL = "no-model"  # an outline
    LOADING = "loading"  # half full
    READY = "ready"  # full
    ANSWERING = "answering"  # full, with a speech bubble
    DOWNLOADING = "downloading"  # small, inside a ring that fills
    ASLEEP = "asleep"  # an outline with a z
    PAUSED = "paused"  # an outline with two bars
    TROUBLE = "trouble"  # full, with an exclamation mark
    AWAY = "away"  # an outline, struck through


@dataclass(frozen=True)
class Look:
    """One picture: mark, how full the ring is (0 to 1), and the ink: auto, light or dark."""

    mark: Mark
    fraction: float = 0.0
    ink: str = "auto"


_FULL = frozenset({Mark.READY, Mark.ANSWERING, Mark.TROUBLE, Mark.DOWNLOADING})


def draw(look: Look, size: int) -> Image.Image:
    """The picture, square, with transparent corners."""
    big = size * _SCALE
    ink = Image.new("L", (big, big), 0)
    _paint(ImageDraw.Draw(ink), look, big)
    ink = ink.resize((size, size), Image.Resampling.LANCZOS)
    picture = Image.new("RGBA", (size, size), (*INKS[look.ink], 0))
    picture.putalpha(ink)
    return picture


def argb(picture: Image.Image) -> tuple[int, int, bytes]:
    """Width, height, and the pixels as ARGB in network byte order."""
    red, green, blue, alpha = picture.split()
    swapped = Image.merge("RGBA", (alpha, red, green, blue))
    return picture.width, picture.height, swapped.tobytes()


def _paint(pen: ImageDraw.ImageDraw, look: Look, big: int) -> None:
    mark = look.mark
    ring = mark is Mark.DOWNLOADING
    shrink, move = (0.62, 19.0) if ring else (0.94, 3.0)

    def at(point: Point) -> Point:
        return tuple(big * (move + shrink * value) / 100 for value in point)  # type: ignore[return-value]

    shoe = [at(point) for point in _SHOE]
    width = max(1, round(big * 0.075 * shrink))
    pen.rounded_rectangle((*at(_SOLE[:2]), *at(_SOLE[2:])), radius=width // 2, fill=255)
    if mark in _FULL:
        pen.polygon(shoe, fill=255)
    else:
        pen.line([*shoe, shoe[0], shoe[1]], fill=255, width=width, joint="curve")
    if mark is Mark.LOADING:
        half = [at(point) for point in ((22, 52), (64, 52), (84, 57), (91, 67), (91, 78), (22, 78))]
        pen.polygon(half, fill=255)
    elif mark is Mark.DOWNLOADING:
        _ring(pen, look.fraction, big)
    elif mark in _BADGES:
        _BADGES[mark](pen, big)


def _ring(pen: ImageDraw.ImageDraw, fraction: float, big: int) -> None:
    edge = big * 0.02
    box = (edge, edge, big - edge, big - edge)
    pen.arc(box, 0, 360, fill=70, width=round(big * 0.09))
    pen.arc(box, -90, -90 + 360 * min(max(fraction, 0.02), 1), fill=255, width=round(big * 0.09))


def _hole(pen: ImageDraw.ImageDraw, big: int) -> tuple[float, float, float, float]:
    """Clear the upper right corner for a badge; its box."""
    box = (big * 0.5, 0.0, big - 1.0, big * 0.5)
    pen.ellipse((box[0] - big * 0.05, -big * 0.06, big + big * 0.05, box[3] + big * 0.05), fill=0)
    return box


def _bubble(pen: ImageDraw.ImageDraw, big: int) -> None:
    left, top, right, low = _hole(pen, big)
    pen.rounded_rectangle((left, top, right, low * 0.8), radius=big // 12, fill=255)
    tail = (
        (left + big * 0.08, low * 0.7),
        (left + big * 0.06, low),
        (left + big * 0.26, low * 0.7),
    )
    pen.polygon(tail, fill=255)
    for number in range(3):
        x, y, radius = left + big * (0.115 + 0.125 * number), low * 0.4, big * 0.04
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)


def _alarm(pen: ImageDraw.ImageDraw, big: int) -> None:
    left, top, right, low = _hole(pen, big)
    pen.polygon((((left + right) / 2, top), (right, low), (left, low)), fill=255)
    middle, half = (left + right) / 2, big * 0.035
    pen.rectangle((middle - half, low * 0.36, middle + half, low * 0.68), fill=0)
    pen.rectangle((middle - half, low * 0.77, middle + half, low * 0.9), fill=0)


def _letter(pen: ImageDraw.ImageDraw, big: int) -> None:
    left, _, right, low = _hole(pen, big)
    left, top, right, low = left + big * 0.08, big * 0.05, right - big * 0.04, low - big * 0.06
    letter = ((left, top), (right, top), (left, low), (right, low))
    pen.line(letter, fill=255, width=round(big * 0.085))


def _bars(pen: ImageDraw.ImageDraw, big: int) -> None:
    left, _, right, low = _hole(pen, big)
    for x in (left + big * 0.1, right - big * 0.18):
        pen.rectangle((x, big * 0.04, x + big * 0.12, low - big * 0.05), fill=255)


def _strike(pen: ImageDraw.ImageDraw, big: int) -> None:
    stroke = ((big * 0.08, big * 0.95), (big * 0.95, big * 0.05))
    pen.line(stroke, fill=0, width=round(big * 0.22))
    pen.line(stroke, fill=255, width=round(big * 0.08))


_BADGES = {
    Mark.ANSWERING: _bubble,
    Mark.TROUBLE: _alarm,
    Mark.ASLEEP: _letter,
    Mark.PAUSED: _bars,
    Mark.AWAY: _strike,
}
