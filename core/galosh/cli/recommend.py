"""`galosh models recommend`: the catalogue on this PC, on one screen. Works offline.

Owns the questions: what this PC is, how fast its memory is, and with `--online` the headers
that settle which model is best. `recommend_screen` draws the answer.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.base.texts import say, spoken_language
from galosh.cli.fit import known_speed
from galosh.cli.output import Output
from galosh.cli.recommend_screen import lines

if TYPE_CHECKING:
    from galosh.catalogue import Entry
    from galosh.fit.suggest import HeaderReader
    from galosh.gguf import Header


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Judge and print. Raises GaloshError `catalogue-…` for the user's own entries."""
    from galosh import hardware
    from galosh.fit import recommend

    paths = Paths.find()
    machine = hardware.probe(paths)
    speed = known_speed(paths, machine, None)
    context = Settings.load(paths.settings_file).number("model.context_tokens")
    reader = _remote_reader(paths, output) if arguments.online else None
    found = recommend(paths, machine, speed, spoken_language(), context, reader)
    output.result(found.to_json(), "\n".join(lines(found, whole=arguments.all)))
    return 0


def _remote_reader(paths: Paths, output: Output) -> HeaderReader:
    """Reads the header of an entry at its source; what cannot be had is said once."""
    from galosh.download.ask import Asker
    from galosh.download.read_remote import read_remote_model
    from galosh.download.sources import resolve

    def read(entry: Entry) -> Header | None:
        try:
            with Asker() as asker:
                return read_remote_model(resolve(entry.id, paths, asker=asker), asker).header
        except GaloshError as error:
            output.note(say("fit.header-away", model=entry.id, why=f"{error.what} {error.why}"))
            return None

    return read
