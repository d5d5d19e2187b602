"""`/api/copy` and `/api/create`: a model under another name, with settings of its own.

Management routes: always authenticated. Nothing is copied on disk.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiohttp import web

from galosh.base.errors import GaloshError
from galosh.server import exchange, replies
from galosh.server.alias_requests import parse_copy, parse_create
from galosh.server.aliases import Alias
from galosh.server.routes_galosh import own_path
from galosh.server.routes_ollama import in_ollamas_words
from galosh.server.visit import Visit


@in_ollamas_words
async def copy(visit: Visit) -> web.StreamResponse:
    """`POST /api/copy` {"source", "destination"}."""
    source, name = parse_copy(await visit.body())
    await asyncio.to_thread(_point, visit, Alias(name, source))
    visit.house.supervisor.events.publish("models.changed", added=name)
    return exchange.answer({})


@in_ollamas_words
async def create(visit: Visit) -> web.StreamResponse:
    """`POST /api/create`: from a model, or from a GGUF file used in place."""
    wanted = parse_create(await visit.body())
    await asyncio.to_thread(_make, visit, wanted.alias)
    visit.house.supervisor.events.publish("models.changed", added=wanted.alias.name)
    if not wanted.stream:
        return exchange.answer({"status": "success"})
    async with exchange.EventStream(visit.request, "application/x-ndjson") as out:
        for status in ("writing manifest", "success"):
            await out.send(replies.to_bytes({"status": status}) + b"\n")
        return await out.end()


def _make(visit: Visit, alias: Alias) -> None:
    path = own_path(alias.model_id)
    if path is not None:
        model = visit.house.models.add(path, False, alias.name)
        if model.id == alias.name and not alias.system and not alias.sampling:
            return
        alias = replace(alias, model_id=model.id)
    _point(visit, alias)


def _point(visit: Visit, alias: Alias) -> None:
    """Keep an alias of a model that there is, or of what another alias points to."""
    house = visit.house
    known = {model.id: model for model in house.models.list()}
    if alias.name in known:
        raise GaloshError("server-name-taken", name=alias.name)
    found = house.aliases.get(alias.model_id)
    if found is not None:
        alias = Alias(
            alias.name,
            found.model_id,
            alias.system or found.system,
            {**found.sampling, **alias.sampling},
        )
    if alias.model_id not in known:
        names = ", ".join(known) or "–"
        raise GaloshError("store-model-unknown", model_id=alias.model_id[:100], known=names)
    house.aliases.put(alias)
