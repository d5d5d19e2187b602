"""Rows of buttons that wrap: the chosen text, which can be taken off, and what to do with it."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence

from galosh.popup.colours import Colours
from galosh.popup.looks import Looks

_SHOWN_CHARACTERS = 60
_NUMBERED = 9


class Chips(tk.Frame):
    """See the module. width: dots a row may take."""

    def __init__(self, parent: tk.Misc, looks: Looks, width: int) -> None:
        super().__init__(parent, borderwidth=0)
        self._looks, self._width = looks, width
        self._made: list[tk.Widget] = []

    def show(
        self,
        chosen: str,
        note: str,
        drop: Callable[[], None],
        actions: Sequence[tuple[str, Callable[[], None]]],
    ) -> None:
        """note: said of the chosen text, if anything. actions: their names and what they do."""
        self.clear()
        items = [(label(chosen, note), drop)]
        for number, (name, work) in enumerate(actions, 1):
            items.append((f"{number} {name}" if number <= _NUMBERED else name, work))
        row, used = self._row(), 0
        for number, (text, work) in enumerate(items):
            button = make_button(row, self._looks, text, work)
            wide = button.winfo_reqwidth() + self._looks.dots(6)
            if used and (used + wide > self._width or number == 1):
                button.destroy()
                row, used = self._row(), 0
                button = make_button(row, self._looks, text, work)
            button.pack(side="left", padx=(0, self._looks.dots(6)), pady=(0, self._looks.dots(4)))
            used += wide
        self.paint(self._looks.colours)

    def clear(self) -> None:
        """No buttons."""
        for row in self._made:
            row.destroy()
        self._made.clear()

    def paint(self, colours: Colours) -> None:
        """Use these colours."""
        self.configure(background=colours.paper)
        for row in self._made:
            row.configure(background=colours.paper)  # type: ignore[call-arg]
            for button in row.winfo_children():
                paint_button(button, colours)

    def _row(self) -> tk.Frame:
        row = tk.Frame(self, borderwidth=0)
        row.pack(side="top", fill="x", anchor="w")
        self._made.append(row)
        return row


def make_button(parent: tk.Misc, looks: Looks, text: str, work: Callable[[], None]) -> tk.Button:
    """A flat button that shows where the keyboard is and answers to Return."""
    button = tk.Button(
        parent, text=text, command=work, font=looks.small, relief="flat", borderwidth=0,
        padx=looks.dots(8), pady=looks.dots(2), highlightthickness=looks.dots(1), takefocus=True,
    )  # fmt: skip
    button.bind("<Return>", lambda _event: work())
    return button


def paint_button(button: tk.Misc, colours: Colours) -> None:
    """Use these colours."""
    button.configure(  # type: ignore[call-arg]
        background=colours.chip, foreground=colours.ink, activebackground=colours.accent,
        activeforeground=colours.accent_ink, highlightbackground=colours.paper,
        highlightcolor=colours.accent, disabledforeground=colours.faint,
    )  # fmt: skip


def label(chosen: str, note: str) -> str:
    """What stands on the chip of the chosen text, which takes itself off."""
    return f"“{shortened(chosen)}”" + (f" ({note})" if note else "") + "  ✕"


def shortened(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text[: 4 * _SHOWN_CHARACTERS].split())
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 1] + "…"
