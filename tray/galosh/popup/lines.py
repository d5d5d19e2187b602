"""What the tray tells the quick prompt and what it hears back: one JSON object a line. Pure.

Tray to popup: `{"do": "show" | "toggle", "selection": {"text", "cut", "can_insert"} | null,
"hotkey": str | null, "screen": [x, y, width, height] | null}`, `{"do": "hide"}`,
`{"do": "inserted", "how": "inserted" | "copied" | "refused"}`, `{"do": "moved", "text": str}`,
`{"do": "quit"}`.

Popup to tray: `{"event": "ready" | "shown" | "hidden"}`, `{"event": "insert" | "notebook",
"text": str}`, and, as its last words, `{"event": "failed", "error": {code, what, why, …}}`.

Rules: a line that is not understood is passed over, so that neighbouring versions get along;
what is missing has a harmless meaning. Text is UTF-8; ours goes out as ASCII with escapes,
which no half character can break.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

HOWS = ("inserted", "copied", "refused")


@dataclass(frozen=True)
class Chosen:
    """What the user had marked. cut: there was more of it. can_insert: the answer can take its
    place. An empty text with can_insert: nothing is marked, but there is a place to write to."""

    text: str
    cut: bool = False
    can_insert: bool = False


@dataclass(frozen=True)
class Show:
    """Show the window. screen: x, y, width and height of where the user is looking.

    toggle: hide it instead, if the user is in it.
    """

    selection: Chosen | None = None
    hotkey: str | None = None
    screen: tuple[int, int, int, int] | None = None
    toggle: bool = False


@dataclass(frozen=True)
class Hide:
    """Hide the window."""


@dataclass(frozen=True)
class Inserted:
    """What became of the text that was to be inserted."""

    how: str


@dataclass(frozen=True)
class Moved:
    """The talk with this text is a sheet of the notebook now."""

    text: str


@dataclass(frozen=True)
class Quit:
    """End the process."""


Order = Show | Hide | Inserted | Moved | Quit


def parse_order(line: bytes) -> Order | None:
    """The order in one line; None for one that is not understood."""
    try:
        data: object = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, Mapping):
        return None
    what = data.get("do")
    if what in ("show", "toggle"):
        hotkey = data.get("hotkey")
        return Show(
            selection=_chosen(data.get("selection")),
            hotkey=hotkey if isinstance(hotkey, str) and hotkey else None,
            screen=_screen(data.get("screen")),
            toggle=what == "toggle",
        )
    if what == "inserted":
        how = data.get("how")
        return Inserted(str(how)) if how in HOWS else None
    if what == "moved":
        text = data.get("text")
        return Moved(text) if isinstance(text, str) else None
    return Hide() if what == "hide" else Quit() if what == "quit" else None


def event_line(event: str, **facts: object) -> bytes:
    """One line for the tray."""
    return json.dumps({"event": event, **facts}).encode("ascii") + b"\n"


def _chosen(value: object) -> Chosen | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("text"), str):
        return None
    can_insert = value.get("can_insert") is True
    if not value["text"].strip() and not can_insert:
        return None
    return Chosen(value["text"], value.get("cut") is True, can_insert)


def _screen(value: object) -> tuple[int, int, int, int] | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    numbers = [n for n in value if isinstance(n, int) and not isinstance(n, bool)]
    if len(numbers) != 4 or numbers[2] < 1 or numbers[3] < 1:
        return None
    return numbers[0], numbers[1], numbers[2], numbers[3]
