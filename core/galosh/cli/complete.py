"""`galosh complete KIND`: the names a shell offers, one a line. Hidden; must be quick.

Never starts the daemon and never fails aloud: where something cannot be told, nothing is.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.cli.output import Output


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Print the names of that kind; none for a kind nobody knows."""
    find = KINDS.get(arguments.kind)
    names: list[str] = []
    with contextlib.suppress(GaloshError, OSError, ValueError):
        names = list(dict.fromkeys(find(Paths.find()))) if find else []
    output.result({"names": names}, "\n".join(names))
    return 0


def _models(paths: Paths) -> Iterable[str]:
    """What the running daemon lists, else the files that lie there: both are accepted."""
    from galosh.api import Client, is_running

    if is_running(paths) is not None:
        return [str(model.get("id")) for model in Client(paths).models()]
    return sorted(file.name for file in paths.models.glob("**/*.gguf"))


def _downloads(paths: Paths) -> Iterable[str]:
    from galosh.api import Client, is_running

    if is_running(paths) is None:
        return []
    return [str(one.get("id")) for one in Client(paths).downloads()]


def _sources(paths: Paths) -> Iterable[str]:
    from galosh import catalogue

    return [entry.id for entry in catalogue.load(paths)]


def _engines(paths: Paths) -> Iterable[str]:
    return [folder.name for folder in _folders(paths.engines) if not folder.name.startswith(".")]


def _folders(parent: Path) -> list[Path]:
    return sorted(folder for folder in parent.iterdir() if folder.is_dir())


def _settings(_paths: Paths) -> Iterable[str]:
    from galosh.base.settings import DECLARED

    return DECLARED


def _of_shelf(*kinds: str) -> Callable[[Paths], Iterable[str]]:
    def find(paths: Paths) -> Iterable[str]:
        from galosh.presets.shelf import Shelf

        shelf = Shelf(paths)
        return [name for kind in kinds for name in shelf.names(kind)]

    return find


def _templates(paths: Paths) -> Iterable[str]:
    return ["auto", *_of_shelf("templates")(paths)]


KINDS: Mapping[str, Callable[[Paths], Iterable[str]]] = {
    "models": _models,
    "downloads": _downloads,
    "sources": _sources,
    "engines": _engines,
    "settings": _settings,
    "samplers": _of_shelf("samplers"),
    "presets": _of_shelf("prompts", "samplers"),
    "templates": _templates,
}
