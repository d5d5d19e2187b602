"""`galosh ask`: one question, one answer, streamed; works in pipes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from dataclasses import dataclass

from galosh.api import Client, Delta, is_running, start_daemon
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import language, say
from galosh.cli.answer import Answer
from galosh.cli.daemon import WAIT_SECONDS
from galosh.cli.output import Output, sentence


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Ask and print the answer as it comes.

    Raises GaloshError `cli-nothing-asked`, or the daemon's own errors.
    """
    wish = read_wish(arguments.text, arguments.preset)
    return print_answer(_deltas(wish, arguments, output), output, arguments.max_tokens)


def _deltas(
    wish: Wish, arguments: argparse.Namespace, output: Output
) -> Generator[Delta, None, None]:
    """The pieces of the answer. A daemon killed a moment ago takes connections until the
    system has cleared it away: where it is gone before the first piece, the next one is asked.
    """
    for last in (False, True):
        client, began = ready_client(output), False
        try:
            for delta in client.ask(
                wish.messages,
                model=arguments.model,
                max_tokens=arguments.max_tokens,
                preset=wish.sampler,
                think=wish.think if arguments.think is None else arguments.think,
            ):
                began = True
                yield delta
            return
        except GaloshError as error:
            gone = error.code == "api-daemon-lost" and is_running(Paths.find()) is None
            if last or began or not gone:
                raise


@dataclass(frozen=True)
class Wish:
    """What is asked, with which sampler preset, and whether the model shall think aloud."""

    messages: list[dict[str, object]]
    sampler: str | None = None
    think: bool | None = None


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
    return Wish(messages, prompt.sampler, prompt.think)


def ready_client(output: Output) -> Client:
    """A client of the running daemon, which is started if need be."""
    paths = Paths.find()
    if is_running(paths) is None:
        if output.interactive:
            output.note(say("cli.starting"))
        start_daemon(paths, WAIT_SECONDS)
    return Client(paths)


def print_answer(deltas: Generator[Delta, None, None], output: Output, most: int | None) -> int:
    """The whole answer; most: how many tokens the user wanted at most."""
    answer = Answer(hint="galosh ask --no-think")
    answer.show(deltas, output)
    output.piece("" if answer.text.endswith("\n") else "\n")
    if output.as_json:
        output.result(_document(answer), "")
    elif answer.last.finish_reason == "length" and most is not None and output.interactive:
        output.note(say("cli.cut-short"))
    return 0


def _document(answer: Answer) -> dict[str, object]:
    last, usage = answer.last, answer.last.usage
    return {
        "answer": answer.text,
        "model": last.model_id,
        "finish_reason": last.finish_reason,
        "notices": [{"key": notice.key, "text": sentence(notice)} for notice in answer.notices],
        "thought_seconds": answer.thought_seconds,
        "usage": None
        if usage is None
        else {**vars(usage), "tokens_per_second": usage.tokens_per_second},
    }
