"""A desktop as its user has it: what is on the screen, where the icon is, what the mouse does.

Everything is found in pictures, so that the same contract holds for X11 panels, for a shell in a
window of its own and for compositors that show windows to nobody.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from galosh.tray.icons import INKS
from tests.desktop_kit import REPO, Desktop, wait_for

Box = tuple[int, int, int, int]
SCREENSHOTS = REPO / "docs/screenshots"
RIGHT = 3
_NEAR = 30  # panels scale icons, which blends their edges
_ICON_SIZE = 64
_MENU_SIZE = (150, 180)
_INK = 60  # how much text differs from what is behind it
_TEXT_HEIGHT = 5
_BESIDE = (200, 300)


def need(package_of: dict[str, str]) -> None:
    """Fail with the packages that are missing; programs -> Debian's packages."""
    missing = sorted({name for program, name in package_of.items() if not _is_there(program)})
    assert not missing, f"missing, so nothing is shown: apt-get install {' '.join(missing)}"


def _is_there(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else bool(shutil.which(program))


class Shell(ABC):
    """One desktop with its panel, as it is on an X screen."""

    name: str

    def __init__(self, here: Desktop) -> None:
        self.here = here

    @abstractmethod
    def start_panel(self) -> None:
        """Start what holds the tray, and wait until it does."""

    @abstractmethod
    def end_panel(self) -> None:
        """End it."""

    def photo(self) -> Image.Image:
        """The screen, straight from the X server: packing a wallpaper takes seconds."""
        from Xlib import X

        root = self.here.connection().screen().root
        at = root.get_geometry()
        data: Any = root.get_image(0, 0, at.width, at.height, X.ZPixmap, 0xFFFFFFFF).data
        return Image.frombytes("RGB", (at.width, at.height), data, "raw", "BGRX")

    def move(self, x: int, y: int) -> None:
        """Move the mouse."""
        self.here.xdo("mousemove", str(x), str(y))

    def click(self, x: int, y: int, button: int) -> None:
        """Click."""
        self.here.click(x, y, button)

    def press_hotkey(self) -> None:
        """Ctrl+Alt+Space."""
        self.here.keys("ctrl+alt+space")

    # -- what is seen

    def icon(self) -> tuple[int, int] | None:
        """The middle of our icon, found by its colour."""
        return find_icon(self.photo())

    def wait_icon(self, seconds: float = 20.0) -> tuple[int, int]:
        """The icon, as soon as it is there."""
        found = wait_for(self.icon, f"icon on {self.name}", seconds, every=0.05)
        assert found is not None
        return found

    def open_menu(self) -> Box:
        """Click the icon with the right button; where the menu is, once it stands still."""
        at = self.wait_icon()
        self.move(*at)
        before = self.photo()
        self.click(*at, RIGHT)
        seen: list[Box | None] = [None]

        def settled() -> Box | None:
            seen.append(appeared(before, self.photo()))
            return seen[-1] if seen[-1] == seen[-2] else None

        found = wait_for(settled, f"menu on {self.name}", 10.0, every=0.2)
        assert found is not None
        return found

    def close_menu(self) -> None:
        """Click beside it."""
        self.click(*_BESIDE, 1)

    def keep(self, box: Box, name: str = "") -> Path:
        """Save what is in and around the box as a small picture for docs/."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"desktop-{self.name}{name}.png"
        picture = self.photo()
        left, top, right, bottom = box
        # Down or up to the panel as well, so that the icon is in the picture.
        around = (max(0, left - 24), max(0, top - 36), min(picture.width, right + 24),
                  min(picture.height, bottom + 40))  # fmt: skip
        picture.crop(around).quantize(64).save(path, optimize=True)
        return path


def find_icon(picture: Image.Image) -> tuple[int, int] | None:
    """The middle of what has the icon's colour; None unless it is as small as an icon."""
    mask = _near(picture, INKS["auto"])
    box = mask.getbbox()
    if box is None or max(box[2] - box[0], box[3] - box[1]) > _ICON_SIZE:
        return None
    return (box[0] + box[2]) // 2, (box[1] + box[3]) // 2


def difference(before: Image.Image, after: Image.Image) -> Box | None:
    """The smallest box around all that has changed."""
    return ImageChops.difference(before, after).getbbox()


def appeared(before: Image.Image, after: Image.Image) -> Box | None:
    """The box of something as large as our menu that has come up; mouse, clock and the icon's own
    highlight are too small to count."""
    gray = ImageChops.difference(before, after).convert("L").point([0] + [255] * 255)
    columns = gray.resize((gray.width, 1), Image.Resampling.BOX)
    rows = gray.resize((1, gray.height), Image.Resampling.BOX)
    across = columns.point(_at_least(_MENU_SIZE[1] / gray.height)).getbbox()
    down = rows.point(_at_least(_MENU_SIZE[0] / gray.width)).getbbox()
    return None if across is None or down is None else (across[0], down[1], across[2], down[3])


def _at_least(share: float) -> list[int]:
    return [255 if level >= 255 * share else 0 for level in range(256)]


def changed_share(before: Image.Image, after: Image.Image, box: Box) -> float:
    """Which share of the box's points changed."""
    gray = ImageChops.difference(before.crop(box), after.crop(box)).convert("L")
    return 1.0 - gray.histogram()[0] / (gray.width * gray.height)


def text_rows(picture: Image.Image, box: Box) -> list[int]:
    """The height (y) of each line of text in the menu.

    A line of text is a band of rows of points in which something stands out from the row's own
    background; separators are too thin for one.
    """
    left, top, right, bottom = box
    gray = picture.crop((left + 12, top, right - 12, bottom)).convert("L")
    found: list[int] = []
    begin: int | None = None
    for y in range(gray.height + 1):
        inked = y < gray.height and _has_text(gray.crop((0, y, gray.width, y + 1)))
        if inked and begin is None:
            begin = y
        elif not inked and begin is not None:
            if y - begin >= _TEXT_HEIGHT:
                found.append(top + (begin + y) // 2)
            begin = None
    return found


def _has_text(row: Image.Image) -> bool:
    counts = row.histogram()
    paper = counts.index(max(counts))
    inked = sum(count for level, count in enumerate(counts) if abs(level - paper) > _INK)
    return 2 <= inked < row.width * 3 // 4


def _near(picture: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    parts = []
    for band, value in zip(picture.split(), colour, strict=True):
        low, high = value - _NEAR, value + _NEAR
        parts.append(band.point([255 if low <= level <= high else 0 for level in range(256)]))
    return ImageChops.multiply(ImageChops.multiply(parts[0], parts[1]), parts[2])


def load(path: Path) -> Image.Image:
    """A picture without what was transparent in it."""
    with Image.open(path) as picture:
        return picture.convert("RGB")
