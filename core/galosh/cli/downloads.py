"""`galosh downloads list / pause / resume / cancel / remove`: in the daemon, or on the folders."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from galosh.api import Client, is_running
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.output import Output, table
from galosh.cli.pull_screen import line_of

_View = Mapping[str, object]


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Run one action; raises GaloshError `download-…`."""
    paths = Paths.find()
    if is_running(paths) is not None:
        return _in_daemon(arguments, output, Client(paths))
    return _on_disk(arguments, output, paths)


def _in_daemon(arguments: argparse.Namespace, output: Output, client: Client) -> int:
    action = arguments.action
    if action == "list":
        _show(client.downloads(), output)
    elif action in ("pause", "resume"):
        _tell(client.set_download(arguments.id, running=action == "resume"), action, output)
    else:
        _tell(client.remove_download(arguments.id), "cancel", output)
    return 0


def _on_disk(arguments: argparse.Namespace, output: Output, paths: Paths) -> int:
    """No daemon runs: the folders are all there is, and nobody goes on by himself."""
    from galosh.download import manage

    found = [_view(status.to_json()) for status in manage.downloads(paths)]
    if arguments.action == "list":
        _show(found, output)
        return 0
    view = _find(found, arguments.id)
    key = str(view["key"])
    acts: dict[str, Callable[[], object]] = {
        "pause": lambda: manage.pause(paths, key),
        "resume": lambda: manage.resume(paths, key),
        "cancel": lambda: manage.cancel(paths, key),
        "remove": lambda: manage.remove(paths, key),
    }
    acts[arguments.action]()
    if arguments.action == "resume":
        source = str(view.get("source"))
        output.result({"download": view}, say("cli.downloads-resume-here", source=source))
    else:
        _tell(view, "pause" if arguments.action == "pause" else "cancel", output)
    return 0


def _view(status: _View) -> dict[str, object]:
    key = str(status.get("key"))
    return {**status, "id": key[:10], "keys": [key], "source": status.get("origin")}


def _find(found: list[dict[str, object]], name: str) -> dict[str, object]:
    fits = [
        view
        for view in found
        if view["source"] == name or (len(name) >= 4 and str(view["key"]).startswith(name))
    ]
    if len(fits) != 1:
        known = ", ".join(str(view["id"]) for view in found) or "–"
        raise GaloshError("download-unknown", key=name[:80], known=known)
    return fits[0]


def _show(views: list[_View] | list[dict[str, object]], output: Output) -> None:
    rows = []
    for view in views:
        name = view.get("file_name") or view.get("source") or "?"
        rows.append([str(view.get("id")), str(name), line_of(view)])
        error = view.get("error")
        if isinstance(error, Mapping):
            rows.append(["", "", f"{error.get('what')} {error.get('next_step')}"])
    text = table(rows) if rows else say("cli.downloads-none")
    output.result({"downloads": [dict(view) for view in views]}, text)


def _tell(view: _View, action: str, output: Output) -> None:
    name = view.get("file_name") or view.get("source")
    output.result({"download": dict(view)}, say(_DONE[action], name=name))


_DONE = {
    "pause": "cli.downloads-paused",
    "resume": "cli.downloads-resumed",
    "cancel": "cli.downloads-cancelled",
}
