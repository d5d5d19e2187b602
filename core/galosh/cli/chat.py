"""`galosh chat`: talk in the terminal. The conversation lives only as long as the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from galosh.api import Client
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.ask import ready_client
from galosh.cli.output import Output, render_error, sentence


@dataclass
class Talk:
    """One conversation."""

    client: Client
    output: Output
    model: str | None
    max_tokens: int | None
    sampler: str | None = None
    messages: list[dict[str, object]] = field(default_factory=list)
    over: bool = False


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Read lines and answer them until the input ends.

    With --json: one document with the whole conversation at the end.
    """
    client = ready_client(output)
    talk = Talk(client, output, arguments.model, arguments.max_tokens, arguments.preset)
    person = sys.stdin.isatty()
    if person:
        _load_line_editing()
        output.note(say("cli.chat-hello"))
    while not talk.over:
        try:
            line = _read_line(person).strip()
        except EOFError:
            break
        except KeyboardInterrupt:
            output.note("")
            continue
        if line.startswith("/"):
            _command(talk, line)
        elif line:
            _answer(talk, line)
    output.result({"messages": talk.messages}, "")
    return 0


def _read_line(person: bool) -> str:
    if person:
        # The prompt goes to stderr: stdout holds answers only.
        sys.stderr.write("> ")
        sys.stderr.flush()
    return input()


def _load_line_editing() -> None:
    try:
        import readline  # noqa: F401 - importing it gives input() history and editing
    except ImportError:
        return  # Windows' console edits lines by itself


def _answer(talk: Talk, line: str) -> None:
    """One turn; Ctrl-C ends the answer, an error ends neither the talk nor its memory."""
    question: dict[str, object] = {"role": "user", "content": line}
    pieces: list[str] = []
    deltas = talk.client.ask(
        [*talk.messages, question],
        model=talk.model,
        max_tokens=talk.max_tokens,
        preset=talk.sampler,
    )
    try:
        with closing(deltas) as stream:
            for delta in stream:
                if delta.notice is not None:
                    talk.output.note(sentence(delta.notice))
                text = delta.text if pieces else delta.text.lstrip()
                if text:
                    pieces.append(text)
                    talk.output.piece(text)
    except KeyboardInterrupt:
        talk.output.note(say("cli.chat-stopped"))
    except GaloshError as error:
        talk.output.note(render_error(error))
        if not pieces:
            return
    talk.output.piece("\n")
    talk.messages += [question, {"role": "assistant", "content": "".join(pieces)}]


def _command(talk: Talk, line: str) -> None:
    word, _, rest = line.partition(" ")
    command = _COMMANDS.get(word)
    if command is None:
        talk.output.note(say("cli.chat-unknown", word=word))
        return
    try:
        command(talk, rest.strip())
    except GaloshError as error:
        talk.output.note(render_error(error))


def _model(talk: Talk, name: str) -> None:
    if name:
        talk.client.use_model(name)
        talk.model = name
    talk.output.note(say("cli.chat-model", model=talk.model or say("cli.chat-default-model")))


def _preset(talk: Talk, name: str) -> None:
    from galosh.presets.shelf import Shelf  # YAML, which a plain talk does not need

    if name:
        talk.sampler = Shelf(Paths.find()).sampler(name).name
    talk.output.note(say("cli.chat-preset", preset=talk.sampler or "–"))


def _save(talk: Talk, name: str) -> None:
    """The talk as a text file; an existing file is never written over."""
    target = Path(name or "galosh-chat.md").expanduser()
    text = "\n\n".join(f"**{turn['role']}:** {turn['content']}" for turn in talk.messages)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        reason = error.strerror or str(error)
        raise GaloshError("cli-not-saved", path=str(target), reason=reason) from error
    talk.output.note(say("cli.chat-saved", path=target))


def _clear(talk: Talk, _: str) -> None:
    talk.messages.clear()
    talk.output.note(say("cli.chat-cleared"))


def _help(talk: Talk, _: str) -> None:
    talk.output.note(say("cli.chat-help"))


def _leave(talk: Talk, _: str) -> None:
    talk.over = True


_COMMANDS: dict[str, Callable[[Talk, str], None]] = {
    "/model": _model,
    "/preset": _preset,
    "/save": _save,
    "/clear": _clear,
    "/help": _help,
    "/exit": _leave,
    "/quit": _leave,
}
