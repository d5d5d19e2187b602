"""The answer of `galosh models recommend`, drawn for a terminal of 80 columns and 24 lines."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from galosh.base.texts import format_bytes, language, say
from galosh.cli.fit import rounded

if TYPE_CHECKING:
    from galosh.fit import Recommendation
    from galosh.fit.choice import Candidate

_COLUMNS = ("model", "size", "memory", "words", "first", "good-at")
# Rows of each verdict on one screen.
_SHOWN = {"fits": 6, "fits-after-closing": 3, "no": 2, "unknown": 4}
_USUAL_WIDTH = 80


def lines(found: Recommendation, *, whole: bool) -> Iterator[str]:
    """The table by verdict, the recommendation, what the numbers rest on, the swap.

    whole: every model, however many lines that takes.
    """
    groups = _groups(found, whole=whole)
    rows = {kind: [_row(one, found) for one in group] for kind, group in groups.items()}
    head = [say(f"fit.column.{name}") for name in _COLUMNS]
    widths = _widths([head, *(row for group in rows.values() for row in group)])
    yield _cropped(_line(head, widths))
    for kind, group in rows.items():
        yield say(f"fit.group.{kind}")
        yield from (_cropped(_line(row, widths)) for row in group)
    left = len(found.candidates) - sum(len(group) for group in groups.values())
    if left:
        yield say("fit.more", count=left)
    yield ""
    for text in (*_best(found), *_notes(found), *_swap(found)):
        yield from _wrapped(text)


def _groups(found: Recommendation, *, whole: bool) -> dict[str, list[Candidate]]:
    """What is shown, by verdict, best first."""
    groups: dict[str, list[Candidate]] = {}
    for kind, most in _SHOWN.items():
        group = [one for one in found.shown_first if one.kind == kind]
        if kind == "no" and not whole:
            # Of those the nearest: what a little more memory would bring.
            group.sort(key=lambda one: one.lasting_bytes or 0)
        if group:
            groups[kind] = group if whole else group[:most]
    return groups


def _row(one: Candidate, found: Recommendation) -> list[str]:
    entry = one.entry
    mark = "*" if one is found.best else "+" if one.on_disk else " "
    good_at = entry.strengths(language())
    if entry.gone and not one.on_disk:
        good_at = say("fit.gone")
    elif one.kind == "fits-after-closing" and one.verdict:
        good_at = f"{say('fit.close-first', close_bytes=one.verdict.close_bytes)} {good_at}"
    return [
        f"{mark}{entry.id}",
        _size(one.size_bytes, "" if entry.size_bytes or not one.estimated else "~"),
        _size(one.lasting_bytes, "~" if one.estimated else ""),
        "–" if one.words is None else f"{rounded(one.words.low)}–{rounded(one.words.high)}",
        "–" if one.first_word_seconds is None else _wait(one.first_word_seconds),
        good_at,
    ]


def _size(size_bytes: int | None, mark: str) -> str:
    return "–" if size_bytes is None else mark + format_bytes(size_bytes)


def _wait(seconds: float) -> str:
    """Two digits at most: `0.6 s`, `12 s`, `3 min`."""
    if seconds < 99.5:
        return say("fit.wait-seconds", count=rounded(seconds))
    return say("fit.wait-minutes", count=round(seconds / 60))


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right, the last column free."""
    cells = [row[0].ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=False)]
    return f"{' '.join(cells)}  {row[-1]}".rstrip()


def _width() -> int | None:
    """The terminal's columns; None where nobody looks at one."""
    try:
        width = int(os.environ.get("COLUMNS", "")) if os.environ.get("COLUMNS") else None
        width = width or os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError, AttributeError):
        return None
    return width if width >= 40 else None


def _cropped(line: str) -> str:
    """A line that does not wrap in the terminal."""
    width = _width()
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"


def _wrapped(text: str) -> list[str]:
    """A sentence in lines; commands (indented) stay whole, to be copied."""
    if text.startswith("  "):
        return [text]
    return textwrap.wrap(
        text, _width() or _USUAL_WIDTH, break_long_words=False, break_on_hyphens=False
    )


def _best(found: Recommendation) -> Iterator[str]:
    one = found.best
    if one is not None:
        facts = {"context": one.context_tokens, "cache": one.cache_type}
        yield say("fit.best", model=one.entry.title, **facts)
        yield say("fit.best-next", model_id=one.entry.id)
        return
    needs = [one.verdict.needed_bytes for one in found.candidates if one.verdict]
    yield say("fit.best-none", needed_bytes=min(needs, default=None))


def _notes(found: Recommendation) -> Iterator[str]:
    if any(one.estimated for one in found.candidates):
        yield say("fit.estimated")
    if found.bandwidth.refused is not None:
        yield say(f"fit.no-speed.{found.bandwidth.refused}")


def _swap(found: Recommendation) -> Iterator[str]:
    swap = found.swap
    yield say(
        f"fit.swap.{swap.state}",
        on_disk_bytes=swap.on_disk_bytes,
        in_ram_bytes=swap.in_ram_bytes,
        wanted_bytes=swap.wanted_bytes,
    )
    if swap.slow_disk:
        yield say("fit.swap-slow")
    if swap.fix is not None:
        yield from say(f"fit.swap-fix.{swap.fix}", gib=swap.wanted_gib).split("\n")
