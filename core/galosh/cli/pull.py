"""`galosh pull`: a download with progress; in the daemon if one runs, else in this process.

Ctrl-C ends it with everything kept and says how to go on. With --json stdout gets one JSON
line per event, the last one being the result.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from galosh.api import Client, is_running
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.output import Output, render_error
from galosh.cli.pull_screen import Screen, View

INTERRUPTED = 130
# The shell's own; the daemon may have been started without them.
_ENVIRONMENT = ("HF_ENDPOINT", "HF_TOKEN", "PIP_INDEX_URL")


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Fetch it; returns the exit status."""
    paths = Paths.find()
    screen = Screen(as_json=output.as_json)
    try:
        if arguments.output is None and (arguments.detach or is_running(paths) is not None):
            return _in_daemon(arguments, output, screen, paths)
        from galosh.cli.pull_here import pull_here

        return pull_here(arguments, output, screen, paths)
    except GaloshError as error:
        screen.close()
        write_result(output, {"error": error.to_json()}, "")
        output.note(render_error(error))
        return error.exit_code


def write_result(output: Output, document: Mapping[str, object], text: str) -> None:
    """The last line: one JSON line with --json, else the text."""
    if output.as_json:
        line = json.dumps({"event": "result", **document}, ensure_ascii=False, default=str)
        sys.stdout.write(line + "\n")
    else:
        output.result(document, text)


def _in_daemon(arguments: argparse.Namespace, output: Output, screen: Screen, paths: Paths) -> int:
    if is_running(paths) is None:
        from galosh.cli.ask import ready_client

        ready_client(output)
    client = Client(paths)
    if arguments.detach:
        view = _ask(client, arguments)
        name = str(view.get("id"))
        write_result(output, {"download": dict(view)}, say("cli.pull-detached", id=name))
        return 0
    # Listen first: what happens between the question and the first event is not missed.
    with closing(client.events()) as events:
        next(events)
        view = _ask(client, arguments)
        name = str(view.get("id"))
        try:
            screen.event("download.added", view)
            for event in events:
                facts = event.facts.get("facts")
                if not isinstance(facts, Mapping) or facts.get("id") != name:
                    continue
                if event.name in _ENDS:
                    screen.close()
                    return _end(event.name, facts, output)
                if event.name != "download.added":  # the answer above has said it
                    screen.event(event.name, facts)
        except KeyboardInterrupt:
            screen.close()
            kept = client.set_download(name, running=False)
            return tell_interrupted(output, kept, say("cli.pull-go-on", source=arguments.source))
    raise GaloshError("cli-pull-cut-off", id=name, source=arguments.source)


def _ask(client: Client, arguments: argparse.Namespace) -> View:
    environ = {name: os.environ[name] for name in _ENVIRONMENT if os.environ.get(name)}
    source = arguments.source
    if Path(source).expanduser().is_file():
        source = str(Path(source).expanduser().absolute())  # the daemon lives elsewhere
    return client.pull(
        source,
        sha256=arguments.sha256,
        connections=arguments.connections,
        max_rate_bytes=arguments.max_rate,
        environ=environ or None,
    )


def _end(name: str, facts: View, output: Output) -> int:
    if name == "download.done":
        model = facts.get("model_id")
        text = (
            say("cli.pull-done", file=facts.get("path"))
            if model is None
            else say("cli.pull-done-model", model=model)
        )
        write_result(output, {"download": dict(facts)}, text)
        return 0
    error = facts.get("error")
    if isinstance(error, Mapping):
        raise GaloshError.from_json(error)
    code = "download-paused" if name == "download.paused" else "download-cancelled"
    raise GaloshError(
        code, key=facts.get("id"), kept_bytes=facts.get("kept_bytes"),
        file_name=facts.get("file_name") or facts.get("source"), origin=facts.get("source"),
    )  # fmt: skip


def tell_interrupted(output: Output, view: View, go_on: str) -> int:
    """What is kept and how to go on; the exit status of an interruption."""
    kept, size = view.get("kept_bytes") or 0, view.get("size_bytes")
    key = "cli.pull-kept" if size is None else "cli.pull-kept-of"
    text = say(key, kept_bytes=kept, size_bytes=size) if size else say(key, kept_bytes=kept)
    if output.as_json:
        write_result(output, {"interrupted": True, "download": dict(view)}, "")
    output.note(f"{text} {go_on}")
    return INTERRUPTED


_ENDS = ("download.done", "download.failed", "download.paused", "download.removed")
