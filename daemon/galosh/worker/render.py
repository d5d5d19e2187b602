"""Renders a conversation with the model's own chat template, within limits of time and size.

The template runs in a thread of its own. When its second is over it gets an exception at
its next bytecode; if that does not end it either, WorkerFault worker-template-endless is
raised with `fatal` set and the worker has to exit (its thread cannot be ended otherwise).
A native deadline behind all this kills the process where one single operation holds the
interpreter. On Linux memory is limited too while a template runs.

Templates of the file never see markers typed by the user: control tokens' texts in
messages are broken up before and come out as `Segment`s that are plain text.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from galosh.worker.fault import WorkerFault
from galosh.worker.host import Host
from galosh.worker.tool_form import form_of, thinks
from galosh.worker.tool_talk import taught, told
from galosh.worker.turn import Tool, Turn, changed, texts_of

if TYPE_CHECKING:
    import jinja2

LIMIT_SECONDS = 0.8
_GRACE_SECONDS = 0.3
_DEADLINE_SECONDS = 3.0
_EXTRA_CHARACTERS = 256 * 1024
_EXTRA_MEMORY_BYTES = 512 * 1024 * 1024
_FIRST_PRIVATE, _LAST_PRIVATE = 0xE000, 0xF8FF
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content"
    " + '<|im_end|>\n' }}{% endfor %}{{ '<|im_start|>assistant\n' }}"
)
PLAIN = (
    "{% for message in messages %}{{ message.role | capitalize }}: {{ message.content }}\n\n"
    "{% endfor %}Assistant:"
)
_SANDBOX = "galosh.worker.sandbox"
_PLAIN_STOPS = ("\nUser:", "\nSystem:")


class Segment(NamedTuple):
    """A part of a prompt; only in a `special` one may control tokens be recognised."""

    text: str
    special: bool


class Given(NamedTuple):
    """A template from outside the file."""

    name: str
    source: str
    stops: tuple[str, ...]


class _Asked(NamedTuple):
    """What one rendering is of. limit: characters it may have."""

    turns: list[Turn]
    think: bool | None
    tools: list[Tool]
    limit: int


class _Overtime(BaseException):
    """Thrown into a template that takes too long; no `except Exception` holds it up."""


class Template:
    """The chat template of one model.

    kind: own (from the file), the name of the given one, else chatml or plain (there is none).
    form: how this family of models writes calls; thinks: whether thoughts come first.
    stops: strings that end an answer where the template has no token for it.
    """

    def __init__(
        self,
        host: Host,
        source: str | None,
        bos: str,
        eos: str,
        controls: Sequence[str],
        given: Given | None = None,
    ) -> None:
        """source: of the file; given: goes before it."""
        self._host = host
        self._bos = bos
        self._eos = eos
        self._controls = tuple(controls)
        self.stops: tuple[str, ...] = ()
        self._compiled: jinja2.Template | None = None
        if given is not None:
            self.kind, source, self.stops = given
        elif source:
            self.kind = "own"
        elif "<|im_start|>" in controls and "<|im_end|>" in controls:
            self.kind, source = "chatml", CHATML
        else:
            self.kind, source, self.stops = "plain", PLAIN, _PLAIN_STOPS
        self._source = source
        self.form = form_of(source)
        self.thinks = thinks(self.form, source)

    def render(
        self,
        messages: Sequence[tuple[str, str] | Turn],
        think: bool | None = None,
        tools: Sequence[Tool] = (),
    ) -> list[Segment]:
        """The prompt for `messages`, ending where the answer begins.

        A system message the template refuses is put before the first message of the user.
        think: what a template that knows thinking is told of it. tools: what may be called.
        Raises WorkerFault worker-template-endless, -too-long, -broken, -refused.
        """
        turns = [Turn(*message) for message in messages]
        texts = texts_of(turns, tools)
        mark = _unused_character(texts)
        limit = 4 * sum(map(len, texts)) + _EXTRA_CHARACTERS
        asked = _Asked([self._turn(turn, mark) for turn in turns], think,
                       [self._tool(tool, mark) for tool in tools], limit)  # fmt: skip
        if tools and not self.form.teaches:
            asked = asked._replace(turns=taught(asked.turns, asked.tools), tools=[])
        try:
            text = self._guarded(asked)
        except WorkerFault as fault:
            merged = _without_system(asked.turns)
            if fault.code != "worker-template-refused" or merged is None:
                raise
            text = self._guarded(asked._replace(turns=merged))
        return self._segments(text, mark)

    def _turn(self, turn: Turn, mark: str) -> Turn:
        """The turn without a marker in any of its texts."""

        def clean(text: str) -> str:
            return self._broken_up(text, mark)

        calls = tuple(
            call._replace(id=clean(call.id), arguments=changed(call.arguments, clean))
            for call in turn.calls
        )
        whose = {"call_id": clean(turn.call_id), "name": clean(turn.name)}
        return turn._replace(content=clean(turn.content), calls=calls, **whose)

    def _tool(self, tool: Tool, mark: str) -> Tool:
        def clean(text: str) -> str:
            return self._broken_up(text, mark)

        described = clean(tool.description)
        return tool._replace(description=described, parameters=changed(tool.parameters, clean))

    def _guarded(self, asked: _Asked) -> str:
        prepare()  # before the limits count: what breaks off an import leaves half a module
        outcome: list[str | BaseException] = []

        def work() -> None:
            try:
                outcome.append(self._render(asked))
            except BaseException as error:
                outcome.append(error)

        thread = threading.Thread(target=work, name="template", daemon=True)
        self._host.kill_after(_DEADLINE_SECONDS)
        self._host.limit_memory(_EXTRA_MEMORY_BYTES)
        try:
            thread.start()
            thread.join(LIMIT_SECONDS)
            if thread.is_alive():
                _throw_into(thread)
                thread.join(_GRACE_SECONDS)
            if thread.is_alive():
                raise WorkerFault(
                    "worker-template-endless", limit_seconds=LIMIT_SECONDS, fatal=True
                )
        finally:
            self._host.unlimit_memory()
            self._host.kill_after(None)
        return _text_of(outcome[0])

    def _render(self, asked: _Asked) -> str:
        from galosh.worker.sandbox import compile_template, variables

        if self._compiled is None:
            self._compiled = compile_template(self._source)
        messages, more = told(self.form, self._source, asked.turns, asked.tools)
        pieces: list[str] = []
        length = 0
        seen = {**variables(messages, self._bos, self._eos, _now, asked.think), **more}
        for piece in self._compiled.generate(seen):
            length += len(piece)
            if length > asked.limit:
                raise WorkerFault("worker-template-too-long", characters=asked.limit)
            pieces.append(piece)
        return "".join(pieces)

    def _broken_up(self, content: str, mark: str) -> str:
        for control in self._controls:
            if control in content:
                content = content.replace(control, control[0] + mark + control[1:])
        return content

    def _segments(self, text: str, mark: str) -> list[Segment]:
        segments: list[Segment] = []
        start = 0
        while (place := text.find(mark, start)) >= 0:
            control = self._control_at(text, place)
            before = place - 1 if control else place
            segments.append(Segment(text[start : max(start, before)], True))
            if control:
                segments.append(Segment(control, False))
            start = place + max(1, len(control))
        segments.append(Segment(text[start:], True))
        return [segment for segment in segments if segment.text]

    def _control_at(self, text: str, place: int) -> str:
        for control in self._controls:
            if text[place - 1 : place] == control[0] and text.startswith(control[1:], place + 1):
                return control
        return ""


def prepare_first() -> None:
    """Import it at the first start in an engine: once confined, Python cannot keep what it
    has compiled, and would compile it at every start."""
    spec = importlib.util.find_spec(_SANDBOX)
    if spec is None or spec.cached is None or not Path(spec.cached).exists():
        prepare()


def prepare() -> None:
    """Import what rendering needs: as much as all the rest of a worker, and not for its start."""
    importlib.import_module(_SANDBOX)


def _text_of(outcome: str | BaseException) -> str:
    if isinstance(outcome, str):
        return outcome
    if isinstance(outcome, WorkerFault):
        raise outcome
    if isinstance(outcome, _Overtime):
        raise WorkerFault("worker-template-endless", limit_seconds=LIMIT_SECONDS)
    from galosh.worker.sandbox import RefusedError, broken_line

    if isinstance(outcome, RefusedError):
        raise WorkerFault("worker-template-refused", reason=str(outcome))
    reason, line = type(outcome).__name__, broken_line(outcome)
    if line is not None:
        reason = f"{reason}, line {line}"
    # The message of the exception may quote the conversation, so only its kind is told.
    raise WorkerFault("worker-template-broken", reason=reason)


def _throw_into(thread: threading.Thread) -> None:
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(_Overtime)
        )


def _now(pattern: str) -> str:
    import datetime

    return datetime.datetime.now().astimezone().strftime(pattern)


def _unused_character(texts: Sequence[str]) -> str:
    for code in range(_FIRST_PRIVATE, _LAST_PRIVATE):
        if not any(chr(code) in text for text in texts):
            return chr(code)
    raise WorkerFault("worker-template-broken", reason="private characters")


def _without_system(turns: Sequence[Turn]) -> list[Turn] | None:
    if len(turns) < 2 or turns[0].role != "system" or turns[1].role != "user":
        return None
    joined = f"{turns[0].content}\n\n{turns[1].content}"
    return [Turn("user", joined), *turns[2:]]
