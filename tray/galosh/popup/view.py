"""The window's parts and how they lie. Shows; decides nothing: every deed is a call to `Deeds`.

Rules: a normal, decorated window of the kind dialog that stays on top. Never one without a
frame (override-redirect): some desktops then give its keys to another program.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from typing import Protocol

from galosh.base.texts import say
from galosh.popup.answer_view import AnswerView
from galosh.popup.chips import Chips, make_button, paint_button
from galosh.popup.looks import Looks

_WIDTH_CHARACTERS = 74
_MOST_FIELD_LINES = 6
BUTTONS = ("insert", "copy", "changes", "notebook", "new", "stop")
# Tk knows keys by their letters; in a Russian layout the same keys have others.
_RUSSIAN_KEYS = {
    "Cyrillic_es": "copy", "Cyrillic_em": "paste", "Cyrillic_che": "cut", "Cyrillic_ef": "all",
    "Cyrillic_te": "new", "Cyrillic_ya": "undo",
}  # fmt: skip
_BACK_TAB = ("<Shift-Tab>", "<ISO_Left_Tab>")
_LATIN_KEYS = {"c": "copy", "a": "all", "n": "new"}  # where Tk's own meaning is another


class Deeds(Protocol):
    """What the user can do."""

    def ask(self) -> None:
        """Send what is in the field."""

    def act(self, number: int) -> None:
        """Take the action with this number, counted from 0."""

    def press(self, button: str) -> None:
        """One of `BUTTONS`."""

    def leave(self) -> None:
        """Hide and stop."""

    def walk(self, *, older: bool) -> bool:
        """Step through the history; False: there was nowhere to go."""

    def typed(self) -> None:
        """The field holds something else now."""


class View:
    """See the module."""

    def __init__(self, root: tk.Tk, looks: Looks, deeds: Deeds) -> None:
        self._root, self._looks, self._deeds = root, looks, deeds
        root.title(say("popup.title"))
        root.attributes("-topmost", True)
        self._x11 = root.tk.call("tk", "windowingsystem") == "x11"
        if self._x11:
            root.attributes("-type", "dialog")
        root.protocol("WM_DELETE_WINDOW", deeds.leave)
        self._body = tk.Frame(root, padx=looks.dots(10), pady=looks.dots(10))
        self._body.pack(fill="both", expand=True)
        self._make_field()
        self.chips = Chips(self._body, looks, self.field.winfo_reqwidth())
        self.chips.pack(side="top", fill="x", pady=(looks.dots(6), 0))
        self._status = tk.Label(self._body, font=looks.small, anchor="w", justify="left")
        self._status.configure(wraplength=self.field.winfo_reqwidth())
        self._status.pack(side="top", fill="x", pady=(looks.dots(4), 0))
        self.answer = AnswerView(self._body, looks)
        self._foot = tk.Frame(self._body, borderwidth=0)
        self.buttons = {name: self._button(name) for name in BUTTONS}
        self._bind()
        self.paint()

    # -- what is shown

    def paint(self) -> None:
        """Use the colours of `looks`."""
        colours = self._looks.colours
        for part in (self._root, self._body, self._foot):
            part.configure(background=colours.paper)
        self.field.configure(
            background=colours.field, foreground=colours.ink, insertbackground=colours.ink,
            highlightbackground=colours.edge, highlightcolor=colours.accent,
            selectbackground=colours.accent, selectforeground=colours.accent_ink,
        )  # fmt: skip
        self._hint.configure(background=colours.field, foreground=colours.faint)
        self._status.configure(background=colours.paper, foreground=colours.faint)
        for button in self.buttons.values():
            paint_button(button, colours)
        self.chips.paint(colours)
        self.answer.paint(colours)

    def say(self, sentence: str) -> None:
        """The line below the field."""
        if self._status.cget("text") != sentence:
            self._status.configure(text=sentence)

    def hint(self, text: str) -> None:
        """What an empty field says."""
        self._hint.configure(text=text)

    def offer(self, *names: str) -> None:
        """Show these buttons, and the talk above them; none: hide both."""
        for button in self.buttons.values():
            button.pack_forget()
        for name in BUTTONS:
            if name in names:
                self.buttons[name].pack(side="left", padx=(0, self._looks.dots(6)))
        gap = self._looks.dots(6)
        if names:
            self._foot.pack(side="bottom", fill="x", pady=(gap, 0))
            self.answer.pack(side="top", fill="both", expand=True, pady=(gap, 0))
        else:
            self._foot.pack_forget()
            self.answer.pack_forget()

    def place(self, screen: tuple[int, int, int, int] | None) -> None:
        """Where the user is looking; a desktop may have its own mind (Wayland has)."""
        root = self._root
        root.update_idletasks()
        x, y, width, height = screen or (0, 0, root.winfo_screenwidth(), root.winfo_screenheight())
        wide = min(root.winfo_reqwidth(), width)
        root.maxsize(width, max(1, round(height * 0.9)))
        root.geometry(f"+{x + (width - wide) // 2}+{y + round(height * 0.16)}")

    # -- the field

    @property
    def typed(self) -> str:
        """What is in the field."""
        return self.field.get("1.0", "end-1c")

    @typed.setter
    def typed(self, text: str) -> None:
        self.field.delete("1.0", "end")
        self.field.insert("1.0", text)
        self.field.mark_set("insert", "end-1c")
        self.fit_field()

    def fit_field(self) -> None:
        """As high as what is in it, within reason."""
        counted = self.field.count("1.0", "end", "displaylines")
        lines = counted[0] if isinstance(counted, tuple) else counted or 1
        lines = max(1, min(_MOST_FIELD_LINES, lines))
        if int(self.field.cget("height")) != lines:
            self.field.configure(height=lines)
        self.field.see("insert")
        if self.typed:
            self._hint.place_forget()
        else:
            self._hint.place(x=self._looks.dots(2), y=0)

    def _make_field(self) -> None:
        looks = self._looks
        self.field = tk.Text(
            self._body, width=_WIDTH_CHARACTERS, height=1, font=looks.text, wrap="word", undo=True,
            borderwidth=0, padx=looks.dots(8), pady=looks.dots(6),
            highlightthickness=looks.dots(1),
        )  # fmt: skip
        self.field.pack(side="top", fill="x")
        self._hint = tk.Label(self.field, font=looks.text, borderwidth=0, padx=0, pady=0)
        self._hint.bind("<Button-1>", lambda _event: self.field.focus_set())

    def _button(self, name: str) -> tk.Button:
        text = say(f"popup.{'show-changes' if name == 'changes' else name}")
        return make_button(self._foot, self._looks, text, lambda: self._deeds.press(name))

    # -- the keys

    def _bind(self) -> None:
        deeds, field = self._deeds, self.field
        for key in ("<Return>", "<KP_Enter>"):
            field.bind(key, _then_stop(deeds.ask))
        for key in ("<Shift-Return>", "<Shift-KP_Enter>"):
            field.bind(key, _then_stop(self._break_line))
        for key in ("<Control-Return>", "<Control-KP_Enter>"):
            self._root.bind_all(key, _then_stop(lambda: deeds.press("insert")))
            field.bind(key, _then_stop(lambda: deeds.press("insert")))
        field.bind("<Up>", lambda _event: self._walk(older=True))
        field.bind("<Down>", lambda _event: self._walk(older=False))
        for widget in (field, self.answer.text):
            widget.bind("<Tab>", _then_stop(_focus(widget.tk_focusNext)))
            for key in _BACK_TAB if self._x11 else ("<Shift-Tab>",):
                widget.bind(key, _then_stop(_focus(widget.tk_focusPrev)))
        field.bind("<<Modified>>", self._modified)
        self._root.bind("<Escape>", _then_stop(deeds.leave))
        for widget in (field, self.answer.text):
            widget.bind("<Control-KeyPress>", self._control)
        self._root.bind("<Alt-KeyPress>", self._alt)

    def _break_line(self) -> None:
        self.field.insert("insert", "\n")
        self.field.see("insert")

    def _walk(self, *, older: bool) -> str | None:
        """Up and down move the cursor first; from the edge of the text, through the history."""
        edge = "1.0" if older else "end-1c"
        low, high = sorted((edge, "insert"), key=lambda place: place != "1.0")
        counted = self.field.count(low, high, "displaylines")
        between = counted[0] if isinstance(counted, tuple) else counted
        if between:
            return None
        return "break" if self._deeds.walk(older=older) else None

    def _modified(self, _event: object) -> None:
        if self.field.edit_modified():
            self.field.edit_modified(False)
            self.fit_field()
            self._deeds.typed()

    def _control(self, event: tk.Event[tk.Text]) -> str | None:
        """Ctrl with a letter, by what the key is and not by what the layout makes of it."""
        deed = _RUSSIAN_KEYS.get(event.keysym) or _LATIN_KEYS.get(event.keysym.lower())
        if deed == "copy":
            if event.widget is self.field and self.field.tag_ranges("sel"):
                self.field.event_generate("<<Copy>>")
            else:
                self._deeds.press("copy")
        elif deed == "new":
            self._deeds.press("new")
        elif deed == "all":
            event.widget.tag_add("sel", "1.0", "end-1c")
        elif deed is not None:
            event.widget.event_generate(f"<<{deed.title()}>>")
        return None if deed is None else "break"

    def _alt(self, event: tk.Event[tk.Misc]) -> str | None:
        if event.keysym in tuple("123456789"):
            self._deeds.act(int(event.keysym) - 1)
            return "break"
        return None


def _then_stop(work: Callable[[], object]) -> Callable[[object], str]:
    """A binding that does this, and Tk nothing of its own."""

    def bound(_event: object) -> str:
        work()
        return "break"

    return bound


def _focus(find: Callable[[], tk.Misc | None]) -> Callable[[], None]:
    def go() -> None:
        if (widget := find()) is not None:
            widget.focus_set()

    return go
