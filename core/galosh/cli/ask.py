"""`galosh ask`: one question, one answer, streamed; works in pipes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from galosh.api import Client, Delta, Notice, is_running, start_daemon
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import language, say
from galosh.cli.daemon import WAIT_SECONDS
from galosh.cli.output import Output, sentence


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Ask and print the answer as it comes.

    Raises GaloshError `cli-nothing-asked`, or the daemon's own errors.
    """
    wish = read_wish(arguments.text, arguments.preset)
    client = ready_client(output)
    deltas = client.ask(
        wish.messages, model=arguments.model, max_tokens=arguments.max_tokens, preset=wish.sampler
    )
    return print_answer(deltas, output)


@dataclass(frozen=True)
class Wish:
    """What is asked, and the sampler preset it is asked with."""

    messages: list[dict[str, object]]
    sampler: str | None = None


def read_wish(words: list[str], preset: str | None) -> Wish:
    """The question: the words, then what is piped in; or a prompt preset filled with both.

    preset: a prompt (`fix-grammar`) or a sampler (`precise`). Raises GaloshError
    `cli-nothing-asked` or `presets-unknown`.
    """
    typed = " ".join(words).strip()
    piped = ""
    if sys.stdin is not None and not sys.stdin.isatty():
        piped = sys.stdin.read().strip()
    if not typed and not piped:
        raise GaloshError("cli-nothing-asked")
    plain = Wish([{"role": "user", "content": "\n\n".join(filter(None, (typed, piped)))}])
    return plain if preset is None else _with_preset(preset, typed, piped, plain)


def _with_preset(name: str, typed: str, piped: str, plain: Wish) -> Wish:
    from galosh.presets.shelf import Shelf  # YAML, which a plain question does not need

    shelf = Shelf(Paths.find())
    prompts = {prompt.name.lower(): prompt for prompt in shelf.prompts()}
    prompt = prompts.get(name.lower())
    if prompt is None:
        return Wish(plain.messages, shelf.sampler(name).name)
    # Words alone are what the prompt is about; beside a piped text they say how.
    text = prompt.fill(language(), selection=piped or typed, typed=typed if piped else "")
    messages: list[dict[str, object]] = [{"role": "user", "content": text}]
    if prompt.system:
        messages.insert(0, {"role": "system", "content": prompt.system})
    return Wish(messages, prompt.sampler)


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
    notices: list[Notice] = []
    last = Delta()
    with closing(deltas) as stream:
        for delta in stream:
            if delta.notice is not None:
                notices.append(delta.notice)
                output.note(sentence(delta.notice))
            # Models like to begin with a line break that nobody asked for.
            text = delta.text if pieces else delta.text.lstrip()
            if text:
                pieces.append(text)
                output.piece(text)
            last = delta if delta.finish_reason or delta.usage else last
    output.piece("" if pieces and pieces[-1].endswith("\n") else "\n")
    if output.as_json:
        output.result(_document("".join(pieces), last, notices), "")
    elif last.finish_reason == "length" and output.interactive:
        output.note(say("cli.cut-short"))
    return 0


def _document(text: str, last: Delta, notices: Sequence[Notice]) -> dict[str, object]:
    usage = last.usage
    return {
        "answer": text,
        "model": last.model_id,
        "finish_reason": last.finish_reason,
        "notices": [{"key": notice.key, "text": sentence(notice)} for notice in notices],
        "usage": None
        if usage is None
        else {**vars(usage), "tokens_per_second": usage.tokens_per_second},
    }
