"""Sizes and letters of the window: made once, right after Tk itself.

Tk follows the dots per inch of the X server and passes over the desktop's own `Xft.dpi`, so
that is read here, before any widget is made. Widths are given at 96 dots per inch.
"""

from __future__ import annotations

import sys
import tkinter as tk
from tkinter import font

from galosh.popup.colours import DARK, LIGHT, Colours

_USUAL_DPI = 96.0
_POINTS_PER_INCH = 72.0
_SIZE_POINTS = 11


class Looks:
    """Fonts by name, colours, and how many dots a width is."""

    def __init__(self, root: tk.Tk, dpi: float | None) -> None:
        """dpi: what `read_xft_dpi` said."""
        if dpi is not None:
            root.tk.call("tk", "scaling", dpi / _POINTS_PER_INCH)
        self._scale = float(root.tk.call("tk", "scaling")) * _POINTS_PER_INCH / _USUAL_DPI
        self.colours: Colours = LIGHT
        family = font.nametofont("TkDefaultFont").actual("family")
        fixed = font.nametofont("TkFixedFont").actual("family")
        self.text = font.Font(root, family=family, size=_SIZE_POINTS, name="galosh-text")
        self.small = font.Font(root, family=family, size=_SIZE_POINTS - 2, name="galosh-small")
        self.fixed = font.Font(root, family=fixed, size=_SIZE_POINTS, name="galosh-fixed")
        self.styles = {
            "bold": self._like(weight="bold"),
            "italic": self._like(slant="italic"),
            "bold italic": self._like(weight="bold", slant="italic"),
            "h1": self._like(weight="bold", size=_SIZE_POINTS + 4),
            "h2": self._like(weight="bold", size=_SIZE_POINTS + 2),
            "h3": self._like(weight="bold", size=_SIZE_POINTS + 1),
        }

    def dots(self, width: float) -> int:
        """A width at 96 dots per inch in dots of this screen."""
        return max(1, round(width * self._scale))

    def choose(self, *, dark: bool) -> bool:
        """Light or dark; whether that changed anything."""
        before, self.colours = self.colours, DARK if dark else LIGHT
        return before is not self.colours

    def _like(self, **changes: object) -> font.Font:
        copy = self.text.copy()
        copy.configure(**changes)  # type: ignore[arg-type]
        return copy


def read_xft_dpi() -> float | None:
    """The desktop's dots per inch; None where it says nothing. To be called before Tk starts.

    X resources belong to the program they name. Only a program called Xft can ask for Xft's,
    so that is what another Tk, which shows nothing and ends at once, calls itself. The memory
    it leaves is what the real one then takes.
    """
    if sys.platform in ("win32", "darwin"):
        return None
    try:
        asker = tk.Tk(baseName="Xft", className="Xft")
    except tk.TclError:
        return None
    asker.withdraw()
    try:
        value = float(asker.tk.call("option", "get", ".", "dpi", "Dpi") or 0)
    except ValueError:
        value = 0.0
    finally:
        asker.destroy()
    return value if 48 <= value <= 960 else None


def be_sharp() -> None:
    """Windows scales up, blurred, what does not say that it knows the screen; before Tk."""
    if sys.platform == "win32":
        import contextlib
        import ctypes

        with contextlib.suppress(AttributeError, OSError):  # Windows 7
            ctypes.windll.shcore.SetProcessDpiAwareness(2)
