"""`galosh status`: whether the daemon runs, where it listens, which model is loaded."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from galosh.api import Client, Notice, is_running
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.output import Output, sentence
from galosh.cli.template import in_words


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Print the state; a daemon that is not running is an answer, not a failure."""
    paths = Paths.find()
    facts = is_running(paths)
    if facts is None:
        output.result({"running": False}, say("cli.status-away"))
        return 0
    status = Client(paths).status()
    lines = [say("cli.status-running", pid=facts.pid)]
    if facts.socket:
        lines.append(say("cli.status-socket", socket=facts.socket))
    if facts.port:
        lines.append(say("cli.status-port", port=facts.port, token=paths.token_file))
    lines.append(_model_line(status))
    lines += _template_lines(status)
    lines += _draft_lines(status)
    lines += _notice_lines(status)
    lines += _download_lines(status)
    output.result({"running": True, **status}, "\n".join(lines))
    return 0


def _model_line(status: Mapping[str, object]) -> str:
    """The model that is loaded, in words."""
    worker = status.get("worker")
    if not isinstance(worker, Mapping) or worker.get("model") is None:
        return say("cli.status-no-model")
    return say(
        "cli.status-model",
        model=worker.get("title") or worker.get("model"),
        state=worker.get("state"),
        memory_bytes=worker.get("worker_memory_bytes"),
    )


def _template_lines(status: Mapping[str, object]) -> list[str]:
    """The prompt template, where it is not the model's own."""
    worker = status.get("worker")
    told = in_words(worker.get("template")) if isinstance(worker, Mapping) else None
    return [] if told is None else [say("cli.status-template", template=told)]


def _draft_lines(status: Mapping[str, object]) -> list[str]:
    """The small model that guesses ahead, or why the one that was named does not."""
    worker = status.get("worker")
    worker = worker if isinstance(worker, Mapping) else {}
    refused = worker.get("draft_refused")
    if isinstance(refused, Mapping):
        error = GaloshError.from_json(refused)
        return [f"{error.what} {error.why}"]
    draft = worker.get("draft_model")
    return [say("cli.status-draft", draft=draft)] if draft else []


def _notice_lines(status: Mapping[str, object]) -> list[str]:
    """What was given up for the model that is loaded."""
    worker = status.get("worker")
    notice = Notice.from_json(worker.get("notice")) if isinstance(worker, Mapping) else None
    return [] if notice is None else [sentence(notice)]


def _download_lines(status: Mapping[str, object]) -> list[str]:
    """What is being downloaded, and the model that took over last."""
    facts = status.get("downloads")
    if not isinstance(facts, Mapping):
        return []
    lines = []
    running, waiting = facts.get("running"), facts.get("waiting")
    if running or waiting:
        lines.append(say("cli.status-downloads", running=running, waiting=waiting))
    swapped = facts.get("swapped_in")
    if isinstance(swapped, Mapping):
        lines.append(say("cli.status-swapped", model=swapped.get("title")))
    return lines
