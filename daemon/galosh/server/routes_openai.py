"""`/v1/…` as OpenAI and Anthropic document it: models, chat, completions, responses, messages."""

from __future__ import annotations

import asyncio
import secrets

from aiohttp import web

from galosh.base.errors import GaloshError
from galosh.server import exchange, replies
from galosh.server.answering import reply
from galosh.server.anthropic_words import MessageDialect, error_body, parse_message
from galosh.server.openai_words import OpenAiDialect
from galosh.server.requests import Question, parse_chat, parse_completion
from galosh.server.responses_words import ResponseDialect, parse_response
from galosh.server.visit import Visit


async def models(visit: Visit) -> web.StreamResponse:
    """`GET /v1/models`."""
    house = visit.house
    known = await asyncio.to_thread(lambda: house.aliases.listed(house.models.list()))
    facts = visit.house.facts
    created = 0 if facts is None else int(facts.started_at)
    sound = [model.id for model in known if model.problem is None]
    return exchange.answer(replies.model_list(sound, created))


async def model(visit: Visit) -> web.StreamResponse:
    """`GET /v1/models/{id}`."""
    house = visit.house
    known = await asyncio.to_thread(lambda: house.aliases.listed(house.models.list()))
    sound = [one.id for one in known if one.problem is None]
    if visit.tail not in sound:
        names = ", ".join(sound) or "–"
        raise GaloshError("store-model-unknown", model_id=visit.tail[:100], known=names)
    created = 0 if house.facts is None else int(house.facts.started_at)
    return exchange.answer(replies.model_facts(visit.tail, created))


async def chat(visit: Visit) -> web.StreamResponse:
    """`POST /v1/chat/completions`."""
    question = parse_chat(await visit.body())
    return await reply(visit, question, _dialect(visit, "chatcmpl-", question))


async def completion(visit: Visit) -> web.StreamResponse:
    """`POST /v1/completions`."""
    question = parse_completion(await visit.body())
    return await reply(visit, question, _dialect(visit, "cmpl-", question))


async def response(visit: Visit) -> web.StreamResponse:
    """`POST /v1/responses`."""
    question = parse_response(await visit.body())
    return await reply(visit, question, ResponseDialect(_name(""), _created(visit), question))


async def message(visit: Visit) -> web.StreamResponse:
    """`POST /v1/messages`, Anthropic's."""
    try:
        question = parse_message(await visit.body())
        return await reply(visit, question, MessageDialect(_name("msg_")))
    except ConnectionError:
        raise
    except Exception as error:
        stated = exchange.explain(error)
        return exchange.answer(error_body(stated), stated.http_status)


def _dialect(visit: Visit, kind: str, question: Question) -> OpenAiDialect:
    return OpenAiDialect(
        _name(kind),
        _created(visit),
        chat=question.prompt is None,
        usage=question.include_usage,
        notices=question.notices,
    )


def _name(kind: str) -> str:
    return kind + secrets.token_hex(12)


def _created(visit: Visit) -> int:
    return int(visit.house.clock.wall_seconds())
