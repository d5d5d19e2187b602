"""`/api/…` as Ollama documents it, for programs that know no other server.

Rules: NDJSON streams; an error is `{"error": text}`, with a status before the first line
and as a last line after it. Leaving a handler stops the generation, as with OpenAI's routes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import cast

from aiohttp import web

from galosh import gguf
from galosh.base.errors import GaloshError
from galosh.server import exchange, ollama_replies
from galosh.server.ollama_requests import (
    OllamaQuestion,
    parse_ollama_chat,
    parse_ollama_generate,
    parse_ollama_name,
)
from galosh.server.ports import Model
from galosh.server.routes_openai import ending_of, wish
from galosh.server.visit import Visit
from galosh.supervisor.request import Done, Event, Started, TextPiece

_LINES = "application/x-ndjson"
# What galosh decides by itself is shown as far away: clients read it as "stays loaded".
_FAR_SECONDS = 365 * 86400.0
_LONG_LIST = 64
Route = Callable[[Visit], Awaitable[web.StreamResponse]]


def _stated(route: Route) -> Route:
    """Errors in Ollama's shape."""

    async def stated(visit: Visit) -> web.StreamResponse:
        try:
            return await route(visit)
        except ConnectionError:
            raise
        except Exception as error:
            found = exchange.explain(error)
            return exchange.answer({"error": str(found)}, found.http_status)

    return stated


@_stated
async def version(_visit: Visit) -> web.StreamResponse:
    """`GET /api/version`: of the API, not of galosh."""
    return exchange.answer({"version": ollama_replies.API_VERSION})


@_stated
async def tags(visit: Visit) -> web.StreamResponse:
    """`GET /api/tags`."""
    models = [model for model in await _models(visit) if model.problem is None]
    times = await asyncio.to_thread(lambda: {model.id: _changed(model) for model in models})
    return exchange.answer(ollama_replies.tags(models, times))


@_stated
async def running(visit: Visit) -> web.StreamResponse:
    """`GET /api/ps`."""
    status = visit.house.supervisor.status()
    found = None
    if status.get("state") in ("ready", "busy"):
        found = next((m for m in await _models(visit) if m.id == status.get("model")), None)
    memory, context = status.get("worker_memory_bytes"), status.get("context_tokens")
    until = visit.house.clock.wall_seconds() + _FAR_SECONDS
    return exchange.answer(
        ollama_replies.running(
            found,
            memory if isinstance(memory, int) else None,
            context if isinstance(context, int) else None,
            until,
        )
    )


@_stated
async def show(visit: Visit) -> web.StreamResponse:
    """`POST /api/show`."""
    name = parse_ollama_name(await visit.body(), "verbose", "system", "template", "options")
    model = next((m for m in await _models(visit) if m.id == name), None)
    if model is None:
        known = ", ".join(one.id for one in await _models(visit)) or "–"
        raise GaloshError("store-model-unknown", model_id=name[:100], known=known)
    info, template = await asyncio.to_thread(_metadata, model)
    return exchange.answer(ollama_replies.shown(model, _changed(model), template, info))


@_stated
async def delete(visit: Visit) -> web.StreamResponse:
    """`DELETE /api/delete`."""
    name = parse_ollama_name(await visit.body())
    await visit.house.supervisor.remove_model(name)
    visit.house.supervisor.events.publish("models.changed", removed=name)
    return exchange.answer({})


@_stated
async def chat(visit: Visit) -> web.StreamResponse:
    """`POST /api/chat`."""
    return await _Reply(visit, parse_ollama_chat(await visit.body()), chat=True).give()


@_stated
async def generate(visit: Visit) -> web.StreamResponse:
    """`POST /api/generate`."""
    return await _Reply(visit, parse_ollama_generate(await visit.body()), chat=False).give()


class _Reply:
    """One request for an answer, or for a model to come or go."""

    def __init__(self, visit: Visit, asked: OllamaQuestion, *, chat: bool) -> None:
        self._visit = visit
        self._house = visit.house
        self._asked = asked
        self._chat = chat
        self._model_id = asked.model_id
        self._began_seconds = self._now()
        self._started_seconds = self._began_seconds

    async def give(self) -> web.StreamResponse:
        if self._house.stopping.is_set():
            raise GaloshError("server-stopping")
        if self._asked.question is None:
            return await self._load_only()
        with self._house.answering():
            events = self._house.supervisor.generate(wish(self._asked.question))
            async with aclosing(cast("AsyncGenerator[Event, None]", events)) as answer:
                response = await (
                    self._stream(answer) if self._asked.stream else self._whole(answer)
                )
        if self._asked.keep_seconds == 0:
            await self._house.supervisor.unload()
        return response

    async def _load_only(self) -> web.StreamResponse:
        unload = self._asked.keep_seconds == 0
        if unload:
            await self._house.supervisor.unload()
        else:
            await self._house.supervisor.ready(self._model_id)
        value = self._last("", None, "unload" if unload else "load")
        return exchange.answer(value)

    async def _whole(self, events: AsyncIterator[Event]) -> web.StreamResponse:
        parts: list[str] = []
        done: Done | None = None
        async for event in events:
            if isinstance(event, TextPiece):
                parts.append(event.text)
            elif isinstance(event, Done):
                done = event
            else:
                self._note(event)
        if done is None:
            raise GaloshError("server-stopping")
        return exchange.answer(self._last("".join(parts), done))

    async def _stream(self, events: AsyncIterator[Event]) -> web.StreamResponse:
        async with exchange.EventStream(self._visit.request, _LINES) as out:
            try:
                await self._pass_on(events, out)
            except ConnectionError:
                raise
            except Exception as error:
                stated = exchange.explain(error)
                if not out.begun:
                    raise stated from error
                await out.send(ollama_replies.line({"error": str(stated)}))
            return await out.end()

    async def _pass_on(self, events: AsyncIterator[Event], out: exchange.EventStream) -> None:
        done: Done | None = None
        async for event in events:
            if isinstance(event, TextPiece):
                at = self._house.clock.wall_seconds()
                piece = ollama_replies.piece(self._model_id, at, event.text, chat=self._chat)
                await out.send(ollama_replies.line(piece))
            elif isinstance(event, Done):
                done = event
            else:
                self._note(event)
        if done is None:
            raise GaloshError("server-stopping")
        await out.send(ollama_replies.line(self._last("", done)))

    def _note(self, event: Event) -> None:
        if isinstance(event, Started):
            self._model_id, self._started_seconds = event.model_id, self._now()

    def _last(self, text: str, done: Done | None, reason: str | None = None) -> dict[str, object]:
        times = {
            "total": self._now() - self._began_seconds,
            "load": self._started_seconds - self._began_seconds,
        }
        at = self._house.clock.wall_seconds()
        ending = None if done is None else ending_of(done)
        return ollama_replies.last(
            self._model_id, at, text, ending, times, chat=self._chat, reason=reason
        )

    def _now(self) -> float:
        return self._house.clock.monotonic_seconds()


async def _models(visit: Visit) -> tuple[Model, ...]:
    return tuple(await asyncio.to_thread(visit.house.models.list))


def _changed(model: Model) -> float:
    try:
        return Path(str(model.to_json().get("path") or "")).stat().st_mtime
    except (OSError, ValueError):
        return 0.0


def _metadata(model: Model) -> tuple[dict[str, object], str]:
    """What the file says of itself, and its chat template. Raises GaloshError gguf-…"""
    with gguf.open_file(Path(str(model.to_json().get("path") or ""))) as source:
        header = gguf.read_header(source)
    info: dict[str, object] = {}
    for name, value in header.metadata.items():
        short = isinstance(value, (str, int, float)) or (
            isinstance(value, tuple) and len(value) <= _LONG_LIST
        )
        info[name] = value if short else None
    template = info.pop("tokenizer.chat_template", None)
    return info, template if isinstance(template, str) else ""
