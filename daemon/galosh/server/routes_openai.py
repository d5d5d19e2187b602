"""`/v1/…` as OpenAI documents it: models, chat completions, completions.

Rules: an error before the first word is an HTTP status; after it, an error object in the
stream and then the end, without [DONE]. Leaving a handler, for whatever reason, closes the
supervisor's iterator, and that stops the generation.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from aiohttp import web

from galosh.base.errors import GaloshError
from galosh.server import exchange, replies
from galosh.server.house import House
from galosh.server.replies import Ending, Heading
from galosh.server.requests import Question, parse_chat, parse_completion
from galosh.server.visit import Visit
from galosh.supervisor.request import Done, Event, GenerationRequest, Started, TextPiece

_log = logging.getLogger("galosh.server.answers")


async def models(visit: Visit) -> web.StreamResponse:
    """`GET /v1/models`."""
    known = await asyncio.to_thread(visit.house.models.list)
    facts = visit.house.facts
    created = 0 if facts is None else int(facts.started_at)
    sound = [model.id for model in known if model.problem is None]
    return exchange.answer(replies.model_list(sound, created))


async def chat(visit: Visit) -> web.StreamResponse:
    """`POST /v1/chat/completions`."""
    return await _reply(visit, parse_chat(await visit.body()), chat=True)


async def completion(visit: Visit) -> web.StreamResponse:
    """`POST /v1/completions`."""
    return await _reply(visit, parse_completion(await visit.body()), chat=False)


async def _reply(visit: Visit, question: Question, *, chat: bool) -> web.StreamResponse:
    house = visit.house
    if house.stopping.is_set():
        raise GaloshError("server-stopping")
    answer = _Answer(house, question, chat)
    with house.answering():
        # Both kinds of iterator that a supervisor may hand out can be closed.
        events = cast("AsyncGenerator[Event, None]", house.supervisor.generate(wish(question)))
        async with aclosing(events):
            if question.stream:
                return await answer.stream(visit.request, events)
            return await answer.whole(events)


def wish(question: Question) -> GenerationRequest:
    """The same question in the supervisor's words."""
    talk = tuple(
        {"role": message.role, "content": message.content} for message in question.messages
    )
    return GenerationRequest(
        messages=talk or None,
        prompt=question.prompt,
        model_id=question.model_id,
        max_tokens=question.max_tokens,
        stop=question.stop,
        sampling=question.sampling,
    )


class _Answer:
    """One answer on its way to one client."""

    def __init__(self, house: House, question: Question, chat: bool) -> None:
        self._house = house
        self._question = question
        self._chat = chat
        kind = "chatcmpl" if chat else "cmpl"
        self._id = f"{kind}-{secrets.token_hex(12)}"
        self._began_seconds = house.clock.monotonic_seconds()

    async def whole(self, events: AsyncIterator[Event]) -> web.StreamResponse:
        """In one piece."""
        heading, done = self._heading(""), None
        parts: list[str] = []
        async for event in events:
            if isinstance(event, Started):
                heading = self._heading(event.model_id)
            elif isinstance(event, TextPiece):
                parts.append(event.text)
            elif isinstance(event, Done):
                done = event
        if done is None:
            raise GaloshError("server-stopping")
        self._note(done)
        return exchange.answer(replies.whole(heading, "".join(parts), ending_of(done)))

    async def stream(
        self, request: web.BaseRequest, events: AsyncIterator[Event]
    ) -> web.StreamResponse:
        """Word by word."""
        async with exchange.EventStream(request) as out:
            try:
                await self._pass_on(events, out)
            except ConnectionError:
                raise  # nobody is there to be told
            except Exception as error:
                stated = exchange.explain(error)
                if not out.begun:
                    raise stated from error
                _log.info("answer %s ended by %s", self._id, stated.code)
                await out.send(replies.sse(replies.error_body(stated)))
            return await out.end()

    async def _pass_on(self, events: AsyncIterator[Event], out: exchange.EventStream) -> None:
        heading, done = self._heading(""), None
        texts = replies.TextEvents(heading)
        async for event in events:
            if isinstance(event, TextPiece):
                await out.send(texts.event(event.text))
            elif isinstance(event, Started):
                heading = self._heading(event.model_id)
                texts = replies.TextEvents(heading)
                await out.send(replies.sse(replies.chunk(heading, "", first=True)))
            elif isinstance(event, Done):
                done = event
        if done is None:
            raise GaloshError("server-stopping")
        self._note(done)
        last = replies.sse(replies.chunk(heading, None, done.finish_reason))
        if self._question.include_usage:
            last += replies.sse(replies.usage_chunk(heading, ending_of(done)))
        await out.send(last + replies.SSE_DONE)

    def _heading(self, model_id: str) -> Heading:
        created = int(self._house.clock.wall_seconds())
        return Heading(self._id, created, model_id, self._chat)

    def _note(self, done: Done) -> None:
        took_seconds = self._house.clock.monotonic_seconds() - self._began_seconds
        _log.info(
            "answer %s model=%s prompt=%d cached=%d completion=%d finish=%s seconds=%.2f",
            self._id,
            done.model_id,
            done.prompt_tokens,
            done.cached_tokens,
            done.completion_tokens,
            done.finish_reason,
            took_seconds,
        )


def ending_of(done: Done) -> Ending:
    """The counts of a finished answer."""
    return Ending(
        finish_reason=done.finish_reason,
        prompt_tokens=done.prompt_tokens,
        completion_tokens=done.completion_tokens,
        cached_tokens=done.cached_tokens,
        prefill_seconds=done.prefill_seconds,
        decode_seconds=done.decode_seconds,
    )
