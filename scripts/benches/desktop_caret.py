"""From the hotkey going down to the quick prompt's caret on the screen, with the keyboard.

An editor has the keyboard before each press: with nothing marked in it, and with other words
marked at each press, so that the quick prompt must show them.
"""

from __future__ import annotations

import statistics
import time

from tests.desktop_kit import REPO, Desktop, end
from tests.tray.caret import Hands

_WORDS = "The quick brown fox jumps over the lazy dog, and the user asks why it did. " * 4


def press_to_caret(here: Desktop, presses: int) -> dict[str, float]:
    """p95 and median; a tray with its hotkey must be there."""
    source = here.folder / "words.txt"
    source.write_text(_WORDS, encoding="utf-8")
    program = str(REPO / "tests/selection/programs/editor.py")
    editor = here.python(program, "letter", str(here.folder / "words.out"), str(source))
    window = here.wait_window("--name", "^letter$")
    here.xdo("windowactivate", "--sync", window)
    hands = Hands(here)
    figures: dict[str, float] = {}
    for name in ("press_to_caret", "press_to_caret_marked"):
        times = [_once(hands, marked=name.endswith("marked")) for _ in range(presses)]
        figures[f"{name}_seconds"] = statistics.quantiles(times, n=20)[-1]
        figures[f"{name}_median_seconds"] = statistics.median(times)
    end(editor)
    return figures


def _once(hands: Hands, *, marked: bool) -> float:
    before = hands.keyboard()
    if marked:
        hands.mark_more()
    time.sleep(0.2)  # whoever has just got the keyboard, or has marked, has done with it
    seconds = hands.press()
    hands.leave(lambda: hands.keyboard() == before)
    return seconds
