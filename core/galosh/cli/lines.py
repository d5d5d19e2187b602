"""Reads what a person types in `galosh chat`: editing, history, several lines.

Uses readline where the system has it (Windows' console edits lines by itself). What was typed
is kept on disk only where the caller says so.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_PROMPT, _MORE = "> ", "… "
BLOCK = '"""'
_MOST_LINES = 1000


class Lines:
    """history: the file that what was typed is kept in; None: nowhere. names: what may follow
    a command, for completion."""

    def __init__(
        self, history: Path | None, names: Callable[[str], Sequence[str]] = lambda _: ()
    ) -> None:
        self.person = sys.stdin.isatty()
        self._history = history
        self._names = names
        if self.person:
            self._set_up()

    def read(self) -> str:
        """One message. A backslash at the end of a line, or a block in \"\"\", makes it longer.

        Raises EOFError at the end of the input, KeyboardInterrupt for Ctrl-C.
        """
        line = self._line(_PROMPT)
        if line.strip() == BLOCK:
            return self._block()
        while line.endswith("\\"):
            line = f"{line[:-1]}\n{self._line(_MORE)}"
        return line.strip()

    def close(self) -> None:
        """Keep what was typed, where that is wanted."""
        readline = _readline()
        if not self.person or self._history is None or readline is None:
            return
        with contextlib.suppress(OSError):
            self._history.parent.mkdir(parents=True, exist_ok=True)
            self._history.touch(mode=0o600)
            readline.set_history_length(_MOST_LINES)
            readline.write_history_file(self._history)

    def _block(self) -> str:
        lines = []
        with contextlib.suppress(EOFError):
            while (line := self._line(_MORE)).strip() != BLOCK:
                lines.append(line)
        return "\n".join(lines).strip("\n")

    def _line(self, prompt: str) -> str:
        if not self.person:
            return input()
        if sys.stdout.isatty():
            return input(prompt)  # readline has to know how long the prompt is
        # stdout holds answers only.
        sys.stderr.write(prompt)
        sys.stderr.flush()
        return input()

    def _set_up(self) -> None:
        readline = _readline()
        if readline is None:
            return
        if self._history is not None and os.path.exists(self._history):  # noqa: PTH110
            with contextlib.suppress(OSError):
                readline.read_history_file(self._history)
        readline.set_completer_delims(" ")
        readline.set_completer(self._complete)
        readline.parse_and_bind("tab: complete")

    def _complete(self, text: str, number: int) -> str | None:
        begun = str(_readline().get_line_buffer())
        command = begun.split(" ", 1)[0] if " " in begun else ""
        found = [name for name in self._names(command) if name.startswith(text)]
        return f"{found[number]} " if number < len(found) else None


def _readline() -> Any:
    """The module, by name because a checker for Windows knows that it is not there."""
    try:
        return importlib.import_module("readline")
    except ImportError:
        return None
