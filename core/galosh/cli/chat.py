"""`galosh chat`: talk in the terminal.

Owns the conversation and its commands. What was said and typed reaches the disk only with the
setting history.keep, or where the user saves it.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from galosh.api import Client
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.answer import Answer
from galosh.cli.ask import ready_client
from galosh.cli.lines import Lines
from galosh.cli.output import Output, render_error
from galosh.cli.talk import Message, from_text, to_text

_THINKING: dict[str, bool | None] = {"on": True, "off": False, "auto": None}


@dataclass
class Talk:
    """One conversation. kept: where it is written after each answer; None: nowhere."""

    client: Client
    output: Output
    model: str | None
    max_tokens: int | None
    sampler: str | None = None
    think: bool | None = None
    kept: Path | None = None
    messages: list[Message] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    over: bool = False

    @property
    def system(self) -> Message | None:
        """What the model is told before everything else."""
        first = self.messages[0] if self.messages else None
        return first if first is not None and first["role"] == "system" else None

    def take_back(self) -> str | None:
        """Remove the last question and its answer; the question."""
        while self.messages and self.messages[-1]["role"] != "system":
            last = self.messages.pop()
            if last["role"] == "user":
                return str(last["content"])
        return None


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Read lines and answer them until the input ends.

    With --json: one document with the whole conversation at the end.
    """
    client, paths = ready_client(output), Paths.find()
    keep = client.settings().get("history.keep") is True
    folder = paths.state / "chat"
    talk = Talk(client, output, arguments.model, arguments.max_tokens, arguments.preset)
    talk.kept = folder / "last.md" if keep else None
    lines = Lines(folder / "lines" if keep else None, lambda command: _names(talk, command))
    if lines.person:
        output.note(say("cli.chat-hello"))
    if arguments.go_on:
        _load(talk, "")
    try:
        while not talk.over:
            try:
                line = lines.read()
            except EOFError:
                break
            except KeyboardInterrupt:
                output.note("")
                continue
            _take(talk, line)
    finally:
        lines.close()
    output.result({"messages": talk.messages}, "")
    return 0


def _take(talk: Talk, line: str) -> None:
    """One message or command; Ctrl-C ends what it does, not the talk."""
    try:
        if line.startswith("/"):
            _command(talk, line)
        elif line:
            _answer(talk, line)
    except KeyboardInterrupt:
        talk.output.note(say("cli.chat-stopped"))
    except GaloshError as error:
        talk.output.note(render_error(error))


def _answer(talk: Talk, line: str) -> None:
    """One turn; an answer that was ended early counts as far as it came."""
    question: Message = {"role": "user", "content": line}
    answer = Answer(talk.told, "/think off")
    deltas = talk.client.ask(
        [*talk.messages, question],
        model=talk.model,
        max_tokens=talk.max_tokens,
        preset=talk.sampler,
        think=talk.think,
    )
    whole = False
    try:
        answer.show(deltas, talk.output)
        whole = True
    finally:
        if answer.pieces:
            talk.output.piece("" if answer.text.endswith("\n") else "\n")
        if whole or answer.pieces:
            talk.messages += [question, {"role": "assistant", "content": answer.text}]
            _keep(talk)


def _keep(talk: Talk) -> None:
    if talk.kept is None:
        return
    from galosh.base import durable

    talk.kept.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(GaloshError):  # a full disk must not end the talk
        durable.write_text(talk.kept, to_text(talk.messages), mode=0o600)


def _command(talk: Talk, line: str) -> None:
    word, _, rest = line.partition(" ")
    command = _COMMANDS.get(word)
    if command is None:
        talk.output.note(say("cli.chat-unknown", word=word))
    else:
        command(talk, rest.strip())


def _model(talk: Talk, name: str) -> None:
    if name:
        talk.client.use_model(name)
        talk.model = name
    talk.output.note(say("cli.chat-model", model=talk.model or say("cli.chat-default-model")))
    if not name:
        talk.output.note("  " + ", ".join(_names(talk, "/model")))


def _preset(talk: Talk, name: str) -> None:
    from galosh.presets.shelf import Shelf  # YAML, which a plain talk does not need

    if name:
        talk.sampler = Shelf(Paths.find()).sampler(name).name
    talk.output.note(say("cli.chat-preset", preset=talk.sampler or "–"))
    if not name:
        talk.output.note("  " + ", ".join(_names(talk, "/preset")))


def _think(talk: Talk, word: str) -> None:
    talk.think = _THINKING.get(word, talk.think)
    now = next(name for name, value in _THINKING.items() if value is talk.think)
    talk.output.note(say("cli.chat-think", now=now))


def _system(talk: Talk, text: str) -> None:
    if text:
        if talk.system is not None:
            del talk.messages[0]
        if text != "-":
            talk.messages.insert(0, {"role": "system", "content": text})
    told = "–" if talk.system is None else talk.system["content"]
    talk.output.note(say("cli.chat-system", text=told))


def _undo(talk: Talk, _: str) -> None:
    question = talk.take_back()
    told = say("cli.chat-nothing") if question is None else say("cli.chat-undone", text=question)
    talk.output.note(told)


def _retry(talk: Talk, _: str) -> None:
    before = list(talk.messages)
    question = talk.take_back()
    if question is None:
        talk.output.note(say("cli.chat-nothing"))
        return
    try:
        _answer(talk, question)
    finally:
        if len(talk.messages) < len(before):  # no new answer came: the old one stands
            talk.messages = before


def _save(talk: Talk, name: str) -> None:
    """The talk as a text file; an existing file is never written over."""
    target = Path(name or "galosh-chat.md").expanduser()
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(to_text(talk.messages))
    except OSError as error:
        reason = error.strerror or str(error)
        raise GaloshError("cli-not-saved", path=str(target), reason=reason) from error
    talk.output.note(say("cli.chat-saved", path=target))


def _load(talk: Talk, name: str) -> None:
    """A saved talk, or the last one that was kept, in place of this one."""
    source = Path(name).expanduser() if name else talk.kept or Paths.find().state / "chat/last.md"
    try:
        talk.messages = from_text(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GaloshError("cli-not-loaded", path=str(source), reason=reason) from error
    talk.output.note(say("cli.chat-loaded", turns=len(talk.messages), path=source))


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
    "/think": _think,
    "/system": _system,
    "/undo": _undo,
    "/retry": _retry,
    "/save": _save,
    "/load": _load,
    "/clear": _clear,
    "/help": _help,
    "/exit": _leave,
    "/quit": _leave,
}


def _names(talk: Talk, command: str) -> Sequence[str]:
    """What may stand at this place, for lists and completion."""
    if not command:
        return tuple(_COMMANDS)
    if command == "/think":
        return tuple(_THINKING)
    try:
        if command == "/model":
            return [str(one.get("id")) for one in talk.client.models() if not one.get("problem")]
        if command == "/preset":
            return [str(one.get("name")) for one in talk.client.presets().get("samplers", [])]
    except GaloshError:
        return ()
    return ()
