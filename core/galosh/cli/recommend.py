"""`galosh models recommend`: the catalogue on this PC, on one screen. Works offline."""

from __future__ import annotations

import argparse
import locale
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.base.texts import format_bytes, language, say
from galosh.cli.fit import rounded
from galosh.cli.output import Output, table

if TYPE_CHECKING:
    from galosh.fit import Recommendation
    from galosh.fit.choice import Candidate

_COLUMNS = ("model", "size", "memory", "verdict", "words", "languages", "licence", "good-at")
_LANGUAGES_SHOWN = 3


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Judge and print. Raises GaloshError `catalogue-…` for the user's own entries."""
    from galosh import hardware
    from galosh.fit import measure_bandwidth, recommend

    paths = Paths.find()
    machine = hardware.probe(paths)
    bandwidth = measure_bandwidth(machine.threads, machine.memory.available_bytes.value)
    context = Settings.load(paths.settings_file).number("model.context_tokens")
    found = recommend(paths, machine, bandwidth, spoken_language(), context)
    output.result(found.to_json(), "\n".join(_lines(found)))
    return 0


def spoken_language(environ: Mapping[str, str] | None = None) -> str:
    """The two letters of the user's own language, which texts may not be there in."""
    environ = os.environ if environ is None else environ
    values = [environ.get(name, "") for name in ("GALOSH_LANG", "LC_ALL", "LC_MESSAGES", "LANG")]
    if sys.platform in ("win32", "darwin"):
        values.append(locale.getlocale()[0] or "")
    tag = next((value for value in values if value), "").lower()
    letters = tag.replace("-", "_").split(".")[0].split("_")[0]
    # Windows writes the name out: Russian_Russia.
    return letters if len(letters) == 2 and letters.isalpha() else language(environ)


def _lines(found: Recommendation) -> Iterator[str]:
    head = [say(f"fit.column.{name}") for name in _COLUMNS]
    for line in table([_row(one, found) for one in found.candidates], head).splitlines():
        yield _cropped(line)
    yield ""
    if any(one.estimated for one in found.candidates):
        yield say("fit.estimated")
    if found.bandwidth.refused is not None:
        yield say(f"fit.no-speed.{found.bandwidth.refused}")
    yield _best(found)
    yield from _swap(found)


def _cropped(line: str) -> str:
    """A line that does not wrap in the terminal; whole where nobody looks at one."""
    try:
        width = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError, AttributeError):
        return line
    return line if len(line) <= width or width < 40 else f"{line[: width - 1]}…"


def _row(one: Candidate, found: Recommendation) -> list[str]:
    entry, verdict = one.entry, one.verdict
    mark = "~" if one.estimated else ""
    tags = sorted(entry.languages, key=lambda tag: tag != found.language)
    more = len(tags) - _LANGUAGES_SHOWN
    words = "–" if one.words is None else f"{rounded(one.words.low)}–{rounded(one.words.high)}"
    return [
        f"{'*' if one is found.best else ' '} {entry.id}",
        _size(one.size_bytes, "" if entry.size_bytes else mark),
        _size(one.lasting_bytes, mark),
        say(f"fit.short.{verdict.kind}", close_bytes=verdict.close_bytes)
        if verdict
        else say("fit.short.unknown"),
        words,
        " ".join(tags[:_LANGUAGES_SHOWN]) + (f" +{more}" if more > 0 else ""),
        entry.licence or "–",
        entry.strengths(language()),
    ]


def _size(size_bytes: int | None, mark: str) -> str:
    return "–" if size_bytes is None else mark + format_bytes(size_bytes)


def _best(found: Recommendation) -> str:
    if found.best is not None:
        return say("fit.best", model=found.best.entry.title)
    needs = [one.verdict.needed_bytes for one in found.candidates if one.verdict]
    return say("fit.best-none", needed_bytes=min(needs, default=None))


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
        yield say(f"fit.swap-fix.{swap.fix}", gib=swap.wanted_gib)
