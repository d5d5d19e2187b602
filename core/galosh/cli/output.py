"""The one place that prints. Results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.texts import say

if TYPE_CHECKING:
    from galosh.api.wire import Notice


class Output:
    """Where a command's words go.

    as_json: stdout gets exactly one JSON document and no text.
    """

    def __init__(self, *, as_json: bool, debug: bool) -> None:
        self.as_json = as_json
        self.debug = debug

    def result(self, document: Mapping[str, object], text: str) -> None:
        """A command's result: the document with --json, else the text."""
        if self.as_json:
            json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
            sys.stdout.write("\n")
        elif text:
            sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def piece(self, text: str) -> None:
        """A piece of an answer as it comes (nothing with --json)."""
        if not self.as_json:
            sys.stdout.write(text)
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """One line for the person at the terminal."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def error(self, error: GaloshError) -> int:
        """Render an error; returns the exit status it asks for."""
        if self.as_json:
            self.result({"error": error.to_json()}, "")
        self.note(render_error(error))
        return error.exit_code

    @property
    def interactive(self) -> bool:
        """Whether a person watches stderr."""
        return sys.stderr.isatty()


def sentence(notice: Notice) -> str:
    """A notice in the user's language; in the daemon's where ours has no such text."""
    try:
        return say(notice.key, **notice.facts)
    except (KeyError, ImportError):
        return notice.text


def render_error(error: GaloshError) -> str:
    """What happened, why, what was kept, what to do: one line each."""
    lines = [error.what, f"  {say('cli.label-why')} {error.why}"]
    if error.kept:
        lines.append(f"  {say('cli.label-kept')} {error.kept}")
    lines.append(f"  {say('cli.label-next')} {error.next_step}")
    return "\n".join(lines)


def table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Columns as wide as their widest cell, the last one free."""
    whole = [list(head), *map(list, rows)] if head else [list(row) for row in rows]
    if not whole:
        return ""
    widths = [max(len(row[column]) for row in whole) for column in range(len(whole[0]) - 1)]
    lines = []
    for row in whole:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)
