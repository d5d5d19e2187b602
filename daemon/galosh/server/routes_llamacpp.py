"""llama.cpp's own addresses, for programs written for its server."""

from __future__ import annotations

from aiohttp import web

from galosh.server import exchange
from galosh.server.answering import reply
from galosh.server.llamacpp_requests import (
    parse_detokenize,
    parse_infill,
    parse_llamacpp_completion,
    parse_llamacpp_tokenize,
)
from galosh.server.llamacpp_words import LlamaCppDialect
from galosh.server.version import read_version
from galosh.server.visit import Visit


async def completion(visit: Visit) -> web.StreamResponse:
    """`POST /completion`."""
    question = parse_llamacpp_completion(await visit.body())
    return await reply(visit, question, LlamaCppDialect(question.prompt or ""))


async def infill(visit: Visit) -> web.StreamResponse:
    """`POST /infill`."""
    question = parse_infill(await visit.body())
    return await reply(visit, question, LlamaCppDialect(question.prompt or ""))


async def tokenize(visit: Visit) -> web.StreamResponse:
    """`POST /tokenize`."""
    wanted = parse_llamacpp_tokenize(await visit.body())
    tokens = await visit.house.supervisor.tokenize(wanted.text, wanted.model_id)
    return exchange.answer({"tokens": list(tokens)})


async def detokenize(visit: Visit) -> web.StreamResponse:
    """`POST /detokenize`."""
    tokens, model_id = parse_detokenize(await visit.body())
    return exchange.answer({"content": await visit.house.supervisor.detokenize(tokens, model_id)})


async def health(_visit: Visit) -> web.StreamResponse:
    """`GET /health`: models load by themselves, so there is never "loading" to report."""
    return exchange.answer({"status": "ok"})


async def props(visit: Visit) -> web.StreamResponse:
    """`GET /props`."""
    status = visit.house.supervisor.status()
    context, slots = status.get("context_tokens"), status.get("answers_at_a_time")
    return exchange.answer(
        {
            "default_generation_settings": {"n_ctx": context if isinstance(context, int) else 0},
            "total_slots": slots if isinstance(slots, int) else 1,
            "model_alias": status.get("model") or "",
            "model_path": "",
            "build_info": f"galosh {read_version()}",
            "modalities": {"vision": False, "audio": False},
        }
    )
