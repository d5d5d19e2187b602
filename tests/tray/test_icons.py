"""The icon: every state another shape, sharp and transparent, seen on light and on dark."""

from __future__ import annotations

from itertools import combinations

import pytest
from PIL import Image, ImageChops

from galosh.tray.icons import INKS, SIZES, Look, Mark, argb, draw


def alpha(mark: Mark, size: int, fraction: float = 0.4) -> Image.Image:
    return draw(Look(mark, fraction), size).getchannel("A")


@pytest.mark.parametrize("size", SIZES)
def test_states_differ_by_shape_alone(size: int) -> None:
    for one, other in combinations(Mark, 2):
        difference = ImageChops.difference(alpha(one, size), alpha(other, size))
        seen = sum(count for value, count in enumerate(difference.histogram()) if value > 100)
        assert seen >= size * size * 0.02, (one, other)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mark", Mark)
def test_corners_are_clear_and_something_is_drawn(mark: Mark, size: int) -> None:
    picture = alpha(mark, size)
    pixels = picture.tobytes()
    corners = (pixels[0], pixels[size - 1], pixels[-size], pixels[-1])
    assert max(corners) < 130
    assert picture.getextrema()[1] == 255


def test_the_ring_fills() -> None:
    amounts = [sum(alpha(Mark.DOWNLOADING, 32, n / 10).tobytes()) for n in range(11)]
    assert amounts == sorted(amounts)
    assert amounts[10] > amounts[0] * 1.3


def test_ink_is_told_apart_from_any_panel() -> None:
    def light(colour: tuple[int, ...]) -> float:
        parts = [c / 255 for c in colour]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
        high, low = sorted((light(one), light(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    assert contrast(INKS["auto"], (255, 255, 255)) >= 3
    assert contrast(INKS["auto"], (45, 45, 45)) >= 3
    assert contrast(INKS["light"], (45, 45, 45)) >= 10
    assert contrast(INKS["dark"], (246, 245, 244)) >= 10


def test_pixels_go_out_as_argb_in_network_order() -> None:
    picture = Image.new("RGBA", (2, 1))
    picture.putpixel((0, 0), (1, 2, 3, 4))
    picture.putpixel((1, 0), (250, 251, 252, 253))
    assert argb(picture) == (2, 1, bytes((4, 1, 2, 3, 253, 250, 251, 252)))
