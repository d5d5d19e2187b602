"""Answers a question in whichever dialect the client speaks, whole or word by word.

Rules: an error before the first word is an HTTP status; after it, whatever the dialect says
at the end of a stream that failed. Leaving, for whatever reason, closes the supervisor's
iterator, and that stops the generation. Of an answer only counts are logged.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol, cast, runtime_checkable

from aiohttp import web

from galosh.base.errors import GaloshError
from galosh.server import exchange
from galosh.server.house import House
from galosh.server.requests import Question
from galosh.server.sorting import Sorter
from galosh.server.visit import Visit
from galosh.server.words import Words, joined, words_of
from galosh.supervisor.request import (
    Done,
    Event,
    GenerationRequest,
    Notice,
    Priority,
    Queued,
    Started,
    TextPiece,
)

_log = logging.getLogger("galosh.server.answers")
AUTO_PRESET = "auto"
CONTEXT_FULL = "server.notice-context-full"


class Dialect(Protocol):
    """The words of one API around one answer. Bytes are whole events or lines of a stream."""

    @property
    def content_type(self) -> str:
        """Of the stream."""

    def begin(self, started: Started) -> bytes:
        """The model has taken the question; may be empty."""

    def piece(self, words: Words) -> bytes:
        """The next piece."""

    def end(self, done: Done) -> bytes:
        """The answer is complete."""

    def failure(self, error: GaloshError) -> bytes:
        """The answer ended in an error after it had begun."""

    def whole(self, words: Words, done: Done) -> Mapping[str, object]:
        """The answer in one piece."""


@runtime_checkable
class Telling(Protocol):
    """A dialect that can say what happens beside the answer."""

    def notice(self, notice: Notice) -> bytes:
        """What the asker should know meanwhile; empty where it does not want to be told."""


async def reply(visit: Visit, question: Question, dialect: Dialect) -> web.StreamResponse:
    """The answer to `question`, streamed where it asks for that. Raises GaloshError."""
    house = visit.house
    if house.stopping.is_set():
        raise GaloshError("server-stopping")
    began_seconds = house.clock.monotonic_seconds()
    with house.answering():
        # Both kinds of iterator that a supervisor may hand out can be closed.
        request = wish(await _with_preset(house, await _by_its_name(house, question)))
        events = cast("AsyncGenerator[Event, None]", house.supervisor.generate(request))
        async with aclosing(events) as answer:
            words = _sorted(answer, question)
            if question.stream:
                response, done = await _stream(visit.request, words, dialect)
            else:
                response, done = await _whole(words, dialect)
    if done is not None:
        _note(house, done, began_seconds)
    return response


def wish(question: Question) -> GenerationRequest:
    """The same question in the supervisor's words."""
    talk = tuple(message.to_json() for message in question.messages)
    tools = {} if question.tools is None else question.tools.options()
    return GenerationRequest(
        messages=talk or None,
        prompt=question.prompt,
        model_id=question.model_id,
        max_tokens=question.max_tokens,
        stop=question.stop,
        sampling=question.sampling,
        options={**question.options, **tools},
        priority=Priority[question.priority.upper()],
        announce_queue=question.notices,
        override_memory=question.override_memory,
    )


async def _sorted(events: AsyncIterator[Event], question: Question) -> AsyncIterator[Event | Words]:
    """The events with their text as `Words`: thoughts and calls told apart, an echo put
    before."""
    sorter: Sorter | None = None
    async for event in events:
        if isinstance(event, Started):
            yield event
            if question.messages:
                sorter = Sorter(event.form, question.tools, _call_id, thinking=event.thinking)
            if question.echo and question.prompt:
                yield Words(question.prompt)
        elif isinstance(event, TextPiece):
            words = words_of(event)
            sorted_out = words if sorter is None else sorter.feed(words)
            if sorted_out is not None:
                yield sorted_out
        elif isinstance(event, Done):
            for last in _ended(event, question, sorter):
                yield last
        else:
            yield event


def _ended(done: Done, question: Question, sorter: Sorter | None) -> Iterator[Event | Words]:
    """The end, after what was held back and what the asker should know of it."""
    if sorter is not None:
        if rest := sorter.finish():
            yield rest
        if sorter.broken:
            yield Notice("server.notice-call-broken")
        if sorter.called and done.finish_reason == "stop":
            done = replace(done, finish_reason="tool_calls")
    most = question.max_tokens
    # No room for another word, and not that the asker wanted it no longer.
    if done.finish_reason == "length" and (most is None or done.completion_tokens < most):
        # The last word needs no place: none comes after it.
        yield Notice(CONTEXT_FULL, {"tokens": done.prompt_tokens + done.completion_tokens - 1})
    yield done


def _call_id() -> str:
    """Nine letters and digits: the only ids that every family's template takes."""
    return secrets.token_hex(5)[:9]


async def _by_its_name(house: House, question: Question) -> Question:
    """An alias stands for a model and settings; what the client gave goes before them."""
    alias = await asyncio.to_thread(house.aliases.get, question.model_id)
    return question if alias is None else alias.filled_in(question)


async def _with_preset(house: House, question: Question) -> Question:
    """What the client gave goes before what its preset says, or the user's usual one. Raises
    `presets-…`."""
    name = question.preset or house.settings.text("model.preset")
    if name == AUTO_PRESET:
        return question  # what the model's authors advise, else the default: the store knows
    preset = await asyncio.to_thread(house.presets.sampler, name)
    return replace(question, sampling={**preset.sampling, **question.sampling})


async def _whole(
    events: AsyncIterator[Event | Words], dialect: Dialect
) -> tuple[web.StreamResponse, Done | None]:
    parts: list[Words] = []
    async for event in events:
        if isinstance(event, Started):
            dialect.begin(event)
        elif isinstance(event, Words):
            parts.append(event)
        elif isinstance(event, Notice):
            _aside(event, dialect)
        elif isinstance(event, Done):
            return exchange.answer(dialect.whole(joined(parts), event)), event
    raise GaloshError("server-stopping")


async def _stream(
    request: web.BaseRequest, events: AsyncIterator[Event | Words], dialect: Dialect
) -> tuple[web.StreamResponse, Done | None]:
    done: Done | None = None
    async with exchange.EventStream(request, dialect.content_type) as out:
        try:
            done = await _pass_on(events, dialect, out)
        except ConnectionError:
            raise  # nobody is there to be told
        except Exception as error:
            stated = exchange.explain(error)
            if not out.begun:
                raise stated from error
            _log.info("an answer ended by %s", stated.code)
            await out.send(dialect.failure(stated))
        return await out.end(), done


async def _pass_on(
    events: AsyncIterator[Event | Words], dialect: Dialect, out: exchange.EventStream
) -> Done:
    async for event in events:
        if isinstance(event, Words):
            await out.send(dialect.piece(event))
        elif isinstance(event, (Started, Notice, Queued)):
            if words := _aside(event, dialect):
                await out.send(words)
        elif isinstance(event, Done):
            await out.send(dialect.end(event))
            return event
    raise GaloshError("server-stopping")


def _aside(event: Started | Notice | Queued, dialect: Dialect) -> bytes:
    """What a stream says beside the text itself; may be nothing."""
    if isinstance(event, Started):
        return dialect.begin(event)
    if not isinstance(dialect, Telling):
        return b""
    if isinstance(event, Notice):
        return dialect.notice(event)
    if not event.before:
        return b""
    return dialect.notice(Notice("supervisor.notice-queue", {"before": event.before}))


def _note(house: House, done: Done, began_seconds: float) -> None:
    _log.info(
        "answer model=%s prompt=%d cached=%d completion=%d finish=%s seconds=%.2f",
        done.model_id,
        done.prompt_tokens,
        done.cached_tokens,
        done.completion_tokens,
        done.finish_reason,
        house.clock.monotonic_seconds() - began_seconds,
    )
