"""`galosh presets`: the samplers, prompts and templates there are, and where to add one's own."""

from __future__ import annotations

import argparse

from galosh.base.paths import Paths
from galosh.base.texts import language, say
from galosh.cli.output import Output, render_error
from galosh.presets.shelf import Shelf


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """List them; a file of the user's that cannot be read is said, and hides no other."""
    paths = Paths.find()
    shelf, tongue = Shelf(paths), language()
    lines = [say("cli.presets-samplers")]
    lines += [_line(one.name, one.title(tongue), one.own) for one in shelf.samplers()]
    for one in shelf.samplers():
        if one.own and one.unknown:
            lines.append(say("cli.presets-unknown", name=one.name, keys=", ".join(one.unknown)))
    for kind in ("action", "starter"):
        lines += ["", say(f"cli.presets-{kind}s")]
        lines += [
            _line(one.name, one.title(tongue), one.own)
            for one in shelf.prompts()
            if one.kind == kind
        ]
    lines += ["", say("cli.presets-templates")]
    lines.append("  " + ", ".join(one.name for one in shelf.templates()))
    lines += ["", say("cli.presets-own", folder=paths.presets)]
    for trouble in shelf.troubles():
        output.note(render_error(trouble))
    output.result(shelf.to_json(), "\n".join(lines))
    return 0


def _line(name: str, title: str, own: bool) -> str:
    return f"  {name:<16} {title}{' *' if own else ''}"
