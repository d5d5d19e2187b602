"""`/v1/embeddings`, `/api/embed` and `/api/embeddings`.

Texts go to the worker a few at a time, so that answers in words go on in between.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from galosh.server import exchange
from galosh.server.embedding_words import (
    TextsToEmbed,
    numbers,
    openai_embeddings,
    parse_embeddings,
    parse_ollama_embed,
    parse_ollama_embeddings,
)
from galosh.server.replies import beside
from galosh.server.routes_ollama import in_ollamas_words
from galosh.server.visit import Visit

_AT_A_TIME = 16


@dataclass(frozen=True)
class _Found:
    vectors: tuple[bytes, ...]
    tokens: int
    model_id: str
    dropped_tokens: int


async def embeddings(visit: Visit) -> web.StreamResponse:
    """`POST /v1/embeddings`."""
    wanted = parse_embeddings(await visit.body())
    found = await _embed(visit, wanted)
    return exchange.answer(
        openai_embeddings(
            found.vectors,
            found.model_id,
            found.tokens,
            packed=wanted.packed,
            dropped_tokens=found.dropped_tokens,
        )
    )


@in_ollamas_words
async def embed(visit: Visit) -> web.StreamResponse:
    """`POST /api/embed`."""
    began_seconds = visit.house.clock.monotonic_seconds()
    found = await _embed(visit, parse_ollama_embed(await visit.body()))
    took = visit.house.clock.monotonic_seconds() - began_seconds
    return exchange.answer(
        {
            "model": found.model_id,
            "embeddings": [numbers(vector) for vector in found.vectors],
            "total_duration": int(took * 1e9),
            "load_duration": 0,
            "prompt_eval_count": found.tokens,
            **beside(0, found.dropped_tokens, ()),
        }
    )


@in_ollamas_words
async def embed_one(visit: Visit) -> web.StreamResponse:
    """`POST /api/embeddings`."""
    found = await _embed(visit, parse_ollama_embeddings(await visit.body()))
    return exchange.answer({"embedding": numbers(found.vectors[0])})


async def _embed(visit: Visit, wanted: TextsToEmbed) -> _Found:
    vectors: list[bytes] = []
    tokens, dropped, model_id = 0, 0, ""
    alias = await asyncio.to_thread(visit.house.aliases.get, wanted.model_id)
    name = wanted.model_id if alias is None else alias.model_id
    with visit.house.answering():
        for start in range(0, len(wanted.texts), _AT_A_TIME):
            part = wanted.texts[start : start + _AT_A_TIME]
            found = await visit.house.supervisor.embed(part, name, truncate=wanted.truncate)
            vectors += found.vectors
            tokens += found.tokens
            dropped += found.dropped_tokens
            model_id = found.model_id
    return _Found(tuple(vectors), tokens, model_id, dropped)
