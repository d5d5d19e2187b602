"""`galosh hardware`: the probe alone, each value with its source."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence

from galosh import hardware
from galosh.base.paths import Paths
from galosh.base.texts import format_bytes, say
from galosh.cli.output import Output, table


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Probe and print; never fails, what is not known is said to be unknown."""
    document = hardware.probe(Paths.find()).to_json()
    rows = [[name, f"{value}  ({source})"] for name, value, source in _rows(document, "")]
    output.result(document, table(rows))
    return 0


def _rows(value: object, name: str) -> Iterator[tuple[str, str, str]]:
    """Every leaf {"value", "source"} below `value` as name, text, source."""
    if isinstance(value, Mapping):
        if set(value) == {"value", "source"}:
            yield name, _show(value["value"], name), str(value["source"])
            return
        for key, inner in value.items():
            yield from _rows(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, inner in enumerate(value):
            yield from _rows(inner, f"{name}.{number}")


def _show(value: object, name: str) -> str:
    if value is None:
        return say("cli.unknown")
    if isinstance(value, bool):
        return say("cli.yes") if value else say("cli.no")
    if isinstance(value, (int, float)) and name.endswith("_bytes"):
        return format_bytes(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(str(item) for item in value)
    return str(value)
