"""`/api/…` as Ollama documents it, for programs that know no other server.

An error is `{"error": text}`: with a status before the first line, as a last line after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web

from galosh import gguf
from galosh.base.errors import GaloshError
from galosh.presets import InstructionTemplate, find_template
from galosh.presets.shelf import Shelf
from galosh.server import exchange, ollama_replies
from galosh.server.answering import reply
from galosh.server.ollama_replies import OllamaDialect
from galosh.server.ollama_requests import (
    OllamaQuestion,
    parse_ollama_chat,
    parse_ollama_generate,
    parse_ollama_name,
)
from galosh.server.ports import Model
from galosh.server.visit import Visit

# What galosh decides by itself is shown as far away: clients read it as "stays loaded".
_FAR_SECONDS = 365 * 86400.0
_LONG_LIST = 64
Route = Callable[[Visit], Awaitable[web.StreamResponse]]


def in_ollamas_words(route: Route) -> Route:
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


@in_ollamas_words
async def version(_visit: Visit) -> web.StreamResponse:
    """`GET /api/version`: of the API, not of galosh."""
    return exchange.answer({"version": ollama_replies.API_VERSION})


@in_ollamas_words
async def tags(visit: Visit) -> web.StreamResponse:
    """`GET /api/tags`."""
    models = [model for model in await _models(visit) if model.problem is None]
    times = await asyncio.to_thread(lambda: {model.id: _changed(model) for model in models})
    return exchange.answer(ollama_replies.tags(models, times))


@in_ollamas_words
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


@in_ollamas_words
async def show(visit: Visit) -> web.StreamResponse:
    """`POST /api/show`."""
    name = parse_ollama_name(await visit.body(), "verbose", "system", "template", "options")
    model = next((m for m in await _models(visit) if m.id == name), None)
    if model is None:
        known = ", ".join(one.id for one in await _models(visit)) or "–"
        raise GaloshError("store-model-unknown", model_id=name[:100], known=known)
    info, template = await asyncio.to_thread(_metadata, model)
    chosen = await asyncio.to_thread(_template_of, visit.house.presets, model)
    if chosen is not None:
        template = chosen.source
        info["galosh.template"] = chosen.name
    return exchange.answer(ollama_replies.shown(model, _changed(model), template, info))


@in_ollamas_words
async def delete(visit: Visit) -> web.StreamResponse:
    """`DELETE /api/delete`."""
    name = parse_ollama_name(await visit.body())
    if not await asyncio.to_thread(visit.house.aliases.remove, name):
        await visit.house.supervisor.remove_model(name)
    visit.house.supervisor.events.publish("models.changed", removed=name)
    return exchange.answer({})


@in_ollamas_words
async def chat(visit: Visit) -> web.StreamResponse:
    """`POST /api/chat`."""
    return await _give(visit, parse_ollama_chat(await visit.body()), chat=True)


@in_ollamas_words
async def generate(visit: Visit) -> web.StreamResponse:
    """`POST /api/generate`."""
    return await _give(visit, parse_ollama_generate(await visit.body()), chat=False)


async def _give(visit: Visit, asked: OllamaQuestion, *, chat: bool) -> web.StreamResponse:
    """An answer, or only a model that comes or goes."""
    supervisor, clock = visit.house.supervisor, visit.house.clock
    talk = () if asked.question is None else asked.question.messages
    dialect = OllamaDialect(asked.model_id, clock, chat=chat, talk=talk)
    unload = asked.keep_seconds == 0
    if asked.question is not None:
        response = await reply(visit, asked.question, dialect)
        if unload:
            await supervisor.unload()
        return response
    if unload:
        await supervisor.unload()
    else:
        alias = await asyncio.to_thread(visit.house.aliases.get, asked.model_id)
        await supervisor.ready(asked.model_id if alias is None else alias.model_id)
    return exchange.answer(dialect.moved("unload" if unload else "load"))


async def _models(visit: Visit) -> tuple[Model, ...]:
    house = visit.house
    return await asyncio.to_thread(lambda: house.aliases.listed(house.models.list()))


def _changed(model: Model) -> float:
    try:
        return Path(str(model.to_json().get("path") or "")).stat().st_mtime
    except (OSError, ValueError):
        return 0.0


def _template_of(shelf: Shelf, model: Model) -> InstructionTemplate | None:
    """What a model uses in place of a template of its own."""
    told = model.to_json().get("template")
    name = told.get("name") if isinstance(told, Mapping) else None
    return None if name is None else find_template(shelf.templates(), str(name))


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
