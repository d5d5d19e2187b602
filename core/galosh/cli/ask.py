"""`galosh ask`: one question, one answer, streamed; works in pipes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from contextlib import closing

from galosh.api import Client, Delta, is_running, start_daemon
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.daemon import WAIT_SECONDS
from galosh.cli.output import Output


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Ask and print the answer as it comes.

    Raises GaloshError `cli-nothing-asked`, or the daemon's own errors.
    """
    question = read_question(arguments.text)
    client = ready_client(output)
    deltas = client.ask(
        [{"role": "user", "content": question}],
        model=arguments.model,
        max_tokens=arguments.max_tokens,
    )
    return print_answer(deltas, output)


def read_question(words: list[str]) -> str:
    """The question: the words, then what is piped in."""
    parts = [" ".join(words).strip()]
    if sys.stdin is not None and not sys.stdin.isatty():
        parts.append(sys.stdin.read().strip())
    question = "\n\n".join(part for part in parts if part)
    if not question:
        raise GaloshError("cli-nothing-asked")
    return question


def ready_client(output: Output) -> Client:
    """A client of the running daemon, which is started if need be."""
    paths = Paths.find()
    if is_running(paths) is None:
        if output.interactive:
            output.note(say("cli.starting"))
        start_daemon(paths, WAIT_SECONDS)
    return Client(paths)


def print_answer(deltas: Generator[Delta, None, None], output: Output) -> int:
    """Print pieces as they come; leaving early closes the stream, which ends the answer."""
    pieces: list[str] = []
    last = Delta()
    with closing(deltas) as stream:
        for delta in stream:
            # Models like to begin with a line break that nobody asked for.
            text = delta.text if pieces else delta.text.lstrip()
            if text:
                pieces.append(text)
                output.piece(text)
            last = delta if delta.finish_reason or delta.usage else last
    output.piece("" if pieces and pieces[-1].endswith("\n") else "\n")
    if output.as_json:
        output.result(_document("".join(pieces), last), "")
    elif last.finish_reason == "length" and output.interactive:
        output.note(say("cli.cut-short"))
    return 0


def _document(text: str, last: Delta) -> dict[str, object]:
    usage = last.usage
    return {
        "answer": text,
        "model": last.model_id,
        "finish_reason": last.finish_reason,
        "usage": None
        if usage is None
        else {**vars(usage), "tokens_per_second": usage.tokens_per_second},
    }
