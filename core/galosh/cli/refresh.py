"""`galosh models refresh`: sizes and hashes of the catalogue read anew at their sources.

What was read is kept in the user's data folder; the shipped catalogue is never edited.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import format_bytes, say
from galosh.cli.output import Output

if TYPE_CHECKING:
    from galosh.download.refresh import Look, Refreshed

_HASH_SHOWN = 12


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Look, keep, print. Status 1 when a file is gone or could not be read.

    Raises GaloshError `catalogue-…`; `catalogue-refresh-offline` when nothing answered.
    """
    from galosh import catalogue
    from galosh.download.ask import Asker
    from galosh.download.refresh import refresh

    paths = Paths.find()
    entries = catalogue.load(paths)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    with Asker() as asker:
        found = refresh(entries, today, asker=asker, tell=lambda one: _tell(output, one.id))
    if found.away is not None and not found.looks:
        raise GaloshError(
            "catalogue-refresh-offline",
            reason=found.away.why,
            dated=max((entry.checked or entry.dated for entry in entries), default="?"),
        )
    catalogue.save_readings(paths, {**catalogue.load_readings(paths), **found.readings})
    output.result(_document(found, str(paths.catalogue_readings)), "\n".join(_lines(found)))
    bad = any(look.state in ("gone", "failed") for look in found.looks)
    return 1 if bad or found.away is not None else 0


def _tell(output: Output, model_id: str) -> None:
    if output.interactive:
        output.note(say("catalogue.refresh-looking", model=model_id))


def _document(found: Refreshed, kept_in: str) -> dict[str, object]:
    return {
        "models": [_row(look) for look in found.looks],
        "passed_over": list(found.passed_over),
        "interrupted": found.away.to_json() if found.away else None,
        "kept_in": kept_in,
    }


def _row(look: Look) -> dict[str, object]:
    reading, before = look.reading, look.before
    return {
        "id": before.id,
        "state": look.state,
        "size_bytes": reading.size_bytes if reading else None,
        "sha256": reading.sha256 if reading else None,
        "commit": reading.commit if reading else None,
        "size_bytes_before": before.size_bytes,
        "sha256_before": before.sha256,
        "error": look.error.to_json() if look.error else None,
    }


def _lines(found: Refreshed) -> Iterator[str]:
    for look in found.looks:
        if look.state == "same":
            continue
        yield f"{look.before.id}: {say(f'catalogue.refresh-{look.state}')}"
        if look.error is not None:
            yield f"  {look.error.what} {look.error.why}"
        else:
            yield from _differences(look)
    counts = {state: sum(look.state == state for look in found.looks) for state in _STATES}
    yield say("catalogue.refresh-sum", count=len(found.looks), **counts)
    if found.passed_over:
        yield say("catalogue.refresh-passed", models=", ".join(found.passed_over))
    if found.away is not None:
        yield say("catalogue.refresh-away", why=found.away.why)


_STATES = ("same", "new", "changed", "gone", "failed")


def _differences(look: Look) -> Iterator[str]:
    before, reading = look.before, look.reading
    if reading is None:
        return
    if reading.size_bytes is not None and reading.size_bytes != before.size_bytes:
        old = "–" if before.size_bytes is None else _size(before.size_bytes)
        yield f"  {old} → {_size(reading.size_bytes)}"
    if reading.sha256 is not None and reading.sha256 != before.sha256:
        old = (before.sha256 or "–")[:_HASH_SHOWN]
        yield f"  SHA-256 {old} → {reading.sha256[:_HASH_SHOWN]}…"


def _size(size_bytes: int) -> str:
    """Exact: two sizes that round alike would show no change."""
    return f"{format_bytes(size_bytes)} ({size_bytes:,})".replace(",", "\u00a0")
