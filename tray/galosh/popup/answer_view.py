"""The part of the window that shows the talk: streams in, stays put where the user scrolled.

Shows; decides nothing. What is shown is made readable (`markdown`); the exact words are kept by
`conversation`.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence

from galosh.popup.colours import Colours
from galosh.popup.difference import ADDED, REMOVED, SAME, Change
from galosh.popup.looks import Looks
from galosh.popup.markdown import Piece, Reader

_LINES = 14
_BLOCKS = ("h1", "h2", "h3", "quote", "pre", "item0", "item1", "item2", "item3")


class AnswerView(tk.Frame):
    """See the module."""

    def __init__(self, parent: tk.Misc, looks: Looks) -> None:
        super().__init__(parent, borderwidth=0)
        self._looks = looks
        self._reader = Reader()
        self.text = tk.Text(
            self, wrap="word", height=_LINES, font=looks.text, borderwidth=0, padx=looks.dots(8),
            pady=looks.dots(6), highlightthickness=looks.dots(1), state="disabled", takefocus=True,
            spacing3=looks.dots(2), cursor="arrow", insertwidth=0,
        )  # fmt: skip
        self._bar = tk.Scrollbar(self, orient="vertical", command=self.text.yview, takefocus=False)
        self.text.configure(yscrollcommand=self._bar.set)
        self._bar.pack(side="right", fill="y")
        self.text.pack(side="left", fill="both", expand=True)
        self._shape()
        self.text.mark_set("tail", "end-1c")
        self.text.mark_set("answer", "end-1c")
        for mark in ("tail", "answer"):
            self.text.mark_gravity(mark, "left")

    def paint(self, colours: Colours) -> None:
        """Use these colours."""
        text = self.text
        self.configure(background=colours.paper)
        text.configure(
            background=colours.field, foreground=colours.ink, highlightbackground=colours.edge,
            highlightcolor=colours.accent, selectbackground=colours.accent,
            selectforeground=colours.accent_ink, inactiveselectbackground=colours.accent,
        )  # fmt: skip
        self._bar.configure(
            background=colours.chip, troughcolor=colours.paper, activebackground=colours.edge,
            highlightthickness=0, borderwidth=0,
        )  # fmt: skip
        for tag in ("quote", "link", "rule"):
            text.tag_configure(tag, foreground=colours.faint)
        for tag in ("code", "pre"):
            text.tag_configure(tag, background=colours.code)
        text.tag_configure("question", foreground=colours.accent)
        text.tag_configure("wrong", foreground=colours.wrong)
        # Two signs each: nobody has to tell red from green.
        text.tag_configure(ADDED, foreground=colours.added, underline=True)
        text.tag_configure(REMOVED, foreground=colours.removed, overstrike=True)
        text.tag_raise("sel")

    def _shape(self) -> None:
        """What does not change with the colours."""
        text, looks = self.text, self._looks
        for tag in ("bold", "italic", "bold italic", "h1", "h2", "h3"):
            text.tag_configure(tag, font=looks.styles[tag])
        for tag in ("code", "pre"):
            text.tag_configure(tag, font=looks.fixed)
        text.tag_configure("pre", lmargin1=looks.dots(10), lmargin2=looks.dots(10))
        text.tag_configure("struck", overstrike=True)
        text.tag_configure("question", font=looks.styles["bold"], spacing1=looks.dots(6))
        text.tag_configure("quote", lmargin1=looks.dots(14), lmargin2=looks.dots(14))
        for depth in range(4):
            left = looks.dots(8 + 16 * depth)
            text.tag_configure(f"item{depth}", lmargin1=left, lmargin2=left + looks.dots(14))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is shown."""
        return bool(self.text.compare("end-1c", "==", "1.0"))

    def clear(self) -> None:
        """An empty page."""
        self._write(lambda: self.text.delete("1.0", "end"))
        self._reader = Reader()

    def begin(self, question: str) -> None:
        """A question, and room for its answer."""
        text = self.text
        self._reader = Reader()
        start = "" if self.is_empty else "\n"

        def write() -> None:
            text.insert("end", f"{start}{question.strip()}\n", ("question",))
            text.mark_set("answer", "end-1c")
            text.mark_set("tail", "end-1c")

        self._write(write)
        text.see("end")

    def feed(self, words: str) -> None:
        """More of the answer."""
        grown = self._reader.tail
        pieces = self._reader.feed(words)
        tail = self._reader.tail
        follow = self._at_end()

        def write() -> None:
            if not pieces and tail.startswith(grown):
                self.text.insert("end-1c", tail[len(grown) :])
                return
            self.text.delete("tail", "end-1c")
            self._put(pieces)
            self.text.insert("end-1c", tail)

        self._write(write)
        if follow:
            self.text.see("end")

    def finish(self) -> None:
        """The answer is over; its last line is made readable too."""
        pieces, follow = self._reader.finish(), self._at_end()

        def write() -> None:
            self.text.delete("tail", "end-1c")
            self._put(pieces)
            if self.text.compare("end-1c", "!=", "answer") and self.text.get("end-2c") != "\n":
                self.text.insert("end-1c", "\n")

        self._write(write)
        if follow:
            self.text.see("end")

    def replace(self, answer: str) -> None:
        """Show the newest answer afresh."""

        def write() -> None:
            self.text.delete("answer", "end-1c")
            self.text.mark_set("tail", "end-1c")

        self._write(write)
        self._reader = Reader()
        self.feed(answer)
        self.finish()

    def show_changes(self, changes: Sequence[Change]) -> None:
        """Show the newest answer as what was changed."""

        def write() -> None:
            self.text.delete("answer", "end-1c")
            for change in changes:
                self.text.insert("end-1c", change.text, () if change.kind == SAME else change.kind)
            self.text.insert("end-1c", "\n")
            self.text.mark_set("tail", "end-1c")

        self._write(write)

    def say(self, sentences: Sequence[str]) -> None:
        """What went wrong, and what to do."""
        self._write(lambda: self.text.insert("end-1c", "\n".join(sentences) + "\n", ("wrong",)))
        self.text.see("end")

    def selected(self) -> str | None:
        """What is marked here, without the breaks that were put into long paragraphs."""
        if not self.text.tag_ranges("sel"):
            return None
        parts = []
        place, end = self.text.index("sel.first"), self.text.index("sel.last")
        while found := self.text.tag_nextrange("soft", place, end):
            parts += [self.text.get(place, found[0]), " "]
            place = str(found[1])
        return "".join([*parts, self.text.get(place, end)])

    def _put(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            block = "pre" if piece.block == "code" else piece.block
            own = (block,) if block in (*_BLOCKS, "rule") else ()
            for span in piece.spans:
                styles = span.styles
                if "bold" in styles and "italic" in styles:
                    styles = (*styles, "bold italic")
                self.text.insert("end-1c", span.text, (*own, *styles))
            self.text.insert("end-1c", "\n", (*own, "soft") if piece.soft else own)
        self.text.mark_set("tail", "end-1c")

    def _at_end(self) -> bool:
        return float(self.text.yview()[1]) >= 0.9999

    def _write(self, work: Callable[[], None]) -> None:
        """A widget that may be written to can be typed into as well: only for a moment."""
        self.text.configure(state="normal")
        work()
        self.text.configure(state="disabled")
