"""A text editor of the usual kind: a Tk text that writes what it holds into a file.

editor.py TITLE FILE TEXT-FILE [--all] [--terminal] [--hidden]

--all: everything is selected at the start. --terminal: pastes as xterm does, what is selected
elsewhere, with Shift+Insert. --hidden: withdraws its window after a moment.
"""

from __future__ import annotations

import sys
import tkinter
from pathlib import Path


def main(title: str, out: str, source: str, *options: str) -> None:
    window = tkinter.Tk(className=title)
    window.title(title)
    text = tkinter.Text(window, width=40, height=8)
    text.pack()
    text.insert("1.0", Path(source).read_text(encoding="utf-8"))
    if "--all" in options:
        text.tag_add("sel", "1.0", "end-1c")

    def save(_: object = None) -> None:
        held = text.get("1.0", "end-1c").encode("utf-8", "surrogatepass")
        Path(out).write_bytes(held)
        text.edit_modified(False)

    def paste(_: object) -> str:
        """Over the selection, as everywhere else; Tk on X11 would insert beside it."""
        if text.tag_ranges("sel"):
            text.delete("sel.first", "sel.last")
        text.insert("insert", text.clipboard_get())
        return "break"

    if "--terminal" in options:

        def paste_selected(_: object) -> None:
            text.insert("insert", window.tk.call("selection", "get", "-type", "UTF8_STRING"))

        text.bind("<Shift-Insert>", paste_selected)
    else:
        text.bind("<<Paste>>", paste)
    text.bind("<<Modified>>", save)
    text.focus_set()
    window.after(50, save)
    if "--hidden" in options:
        window.after(1500, window.withdraw)
    window.mainloop()


main(*sys.argv[1:])
