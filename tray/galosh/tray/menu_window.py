"""The menu for trays that have none: drawn with Tk at the pointer, by a process of a moment.

A process of its own, because Tk costs more memory than the whole tray and takes the keyboard
while the menu is open. Reads the rows on stdin, prints the key that was chosen, and ends.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from galosh.tray.children import own_command
from galosh.tray.menu import DIRECTIONS
from galosh.tray.rows import Kind, Row


def ask_menu(rows: Sequence[Row], x: int, y: int) -> str | None:
    """Show the rows there and wait; the key that was chosen, None for none."""
    import subprocess  # here: a tray with menus of its own never needs it

    document = json.dumps({"rows": [_to_json(row) for row in rows], "x": x, "y": y})
    command = own_command("galosh.tray.menu_window")
    done = subprocess.run(command, input=document.encode(), capture_output=True, check=False)
    chosen = done.stdout.decode("utf-8", "replace").strip()
    return chosen or None


def _to_json(row: Row) -> dict[str, Any]:
    return {
        "key": row.key,
        # Tk would draw a box for each of these.
        "text": "".join(letter for letter in row.text if letter not in DIRECTIONS),
        "kind": row.kind.value,
        "ticked": row.ticked,
        "enabled": row.enabled,
        "rows": [_to_json(child) for child in row.rows],
    }


def main() -> int:
    """Draw it."""
    import tkinter

    asked = json.load(sys.stdin)
    root = tkinter.Tk(className="galosh")
    root.withdraw()
    chosen: list[str] = []
    keep: list[tkinter.Variable] = []

    def choose(key: str) -> Callable[[], None]:
        return lambda: chosen.append(key)

    def fill(menu: tkinter.Menu, rows: Sequence[dict[str, Any]]) -> None:
        for row in rows:
            common: dict[str, Any] = {
                "label": row["text"],
                "state": "normal" if row["enabled"] else "disabled",
            }
            if row["kind"] == Kind.LINE.value:
                menu.add_separator()
            elif row["kind"] == Kind.MENU.value:
                child = tkinter.Menu(menu, tearoff=False)
                fill(child, row["rows"])
                menu.add_cascade(menu=child, **common)
            elif row["kind"] == Kind.ACTION.value:
                menu.add_command(command=choose(row["key"]), **common)
            else:
                ticked = tkinter.BooleanVar(root, value=row["ticked"])
                keep.append(ticked)
                menu.add_checkbutton(variable=ticked, command=choose(row["key"]), **common)

    menu = tkinter.Menu(root, tearoff=False)
    fill(menu, asked["rows"])
    # A choice is told after the menu has gone: leave only then.
    menu.bind("<Unmap>", lambda event: root.after(50, root.quit) if event.widget is menu else None)
    menu.tk_popup(asked["x"], asked["y"])
    root.mainloop()
    root.destroy()
    if chosen:
        sys.stdout.buffer.write((chosen[0] + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
