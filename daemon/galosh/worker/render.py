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
import datetime
import threading
from collections.abc import Sequence
from typing import NamedTuple

import jinja2

from galosh.worker.fault import WorkerFault
from galosh.worker.host import Host
from galosh.worker.sandbox import RefusedError, compile_template, variables

LIMIT_SECONDS = 1.0
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


class _Overtime(BaseException):
    """Thrown into a template that takes too long; no `except Exception` holds it up."""


class Template:
    """The chat template of one model.

    kind: own (from the file), the name of the given one, else chatml or plain (there is none).
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

    def render(
        self, messages: Sequence[tuple[str, str]], think: bool | None = None
    ) -> list[Segment]:
        """The prompt for `messages`, ending where the answer begins.

        A system message the template refuses is put before the first message of the user.
        think: what a template that knows thinking is told of it.
        Raises WorkerFault worker-template-endless, -too-long, -broken, -refused.
        """
        mark = _unused_character(messages)
        marked = [(role, self._broken_up(content, mark)) for role, content in messages]
        try:
            text = self._guarded(marked, think)
        except WorkerFault as fault:
            merged = _without_system(marked)
            if fault.code != "worker-template-refused" or merged is None:
                raise
            text = self._guarded(merged, think)
        return self._segments(text, mark)

    def _guarded(self, messages: Sequence[tuple[str, str]], think: bool | None) -> str:
        outcome: list[str | BaseException] = []

        def work() -> None:
            try:
                outcome.append(self._render(messages, think))
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

    def _render(self, messages: Sequence[tuple[str, str]], think: bool | None) -> str:
        if self._compiled is None:
            self._compiled = compile_template(self._source)
        limit = 4 * sum(len(content) for _, content in messages) + _EXTRA_CHARACTERS
        pieces: list[str] = []
        length = 0
        seen = variables(messages, self._bos, self._eos, _now, think)
        for piece in self._compiled.generate(seen):
            length += len(piece)
            if length > limit:
                raise WorkerFault("worker-template-too-long", characters=limit)
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


def _text_of(outcome: str | BaseException) -> str:
    if isinstance(outcome, str):
        return outcome
    if isinstance(outcome, WorkerFault):
        raise outcome
    if isinstance(outcome, _Overtime):
        raise WorkerFault("worker-template-endless", limit_seconds=LIMIT_SECONDS)
    if isinstance(outcome, RefusedError):
        raise WorkerFault("worker-template-refused", reason=str(outcome))
    reason = type(outcome).__name__
    if isinstance(outcome, jinja2.TemplateSyntaxError):
        reason = f"{reason}, line {outcome.lineno}"
    # The message of the exception may quote the conversation, so only its kind is told.
    raise WorkerFault("worker-template-broken", reason=reason)


def _throw_into(thread: threading.Thread) -> None:
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(_Overtime)
        )


def _now(pattern: str) -> str:
    return datetime.datetime.now().astimezone().strftime(pattern)


def _unused_character(messages: Sequence[tuple[str, str]]) -> str:
    for code in range(_FIRST_PRIVATE, _LAST_PRIVATE):
        if not any(chr(code) in content for _, content in messages):
            return chr(code)
    raise WorkerFault("worker-template-broken", reason="private characters")


def _without_system(messages: Sequence[tuple[str, str]]) -> list[tuple[str, str]] | None:
    if len(messages) < 2 or messages[0][0] != "system" or messages[1][0] != "user":
        return None
    joined = f"{messages[0][1]}\n\n{messages[1][1]}"
    return [("user", joined), *messages[2:]]
