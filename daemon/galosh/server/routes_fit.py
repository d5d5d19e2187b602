"""`/galosh/v1/fit` and `/galosh/v1/recommend`: what would run here, and how, before it runs."""

from __future__ import annotations

import asyncio

from aiohttp import web

from galosh.base.errors import GaloshError
from galosh.base.texts import spoken_language
from galosh.server import exchange
from galosh.server.page_requests import parse_fit, parse_language
from galosh.server.visit import Visit
from galosh.supervisor.memory import own_bytes

# A change of any of these changes a forecast.
_SETTINGS = ("model.context_tokens", "engine.threads")


async def fit(visit: Visit) -> web.StreamResponse:
    """`GET fit?model=ID`: a model of the store on this PC now; without `model`: each of them."""
    house, wanted = visit.house, parse_fit(dict(visit.request.query))
    models = await asyncio.to_thread(house.models.list)
    chosen = [one for one in models if (one.id == wanted if wanted else one.problem is None)]
    if wanted and not chosen:
        known = ", ".join(one.id for one in models) or "–"
        raise GaloshError("store-model-unknown", model_id=wanted, known=known)
    state = house.supervisor.status()
    pid = state.get("worker_pid")
    held = await asyncio.to_thread(own_bytes, pid) if isinstance(pid, int) else 0
    found = await house.forecasts.of_models(
        chosen,
        _settings(visit),
        extra_bytes=held or 0,
        measure=not house.is_answering,
    )
    told = [{**one, "loaded": one["id"] == state.get("model")} for one in found]
    if not wanted:
        return exchange.answer({"forecasts": told})
    error = told[0].get("error")
    if isinstance(error, dict):
        raise GaloshError.from_json(error)
    return exchange.answer(told[0])


async def recommend(visit: Visit) -> web.StreamResponse:
    """`GET recommend?language=ru`: the catalogue on this PC, and the model to take."""
    language = parse_language(dict(visit.request.query)) or spoken_language()
    house = visit.house
    found = await house.forecasts.recommend(
        language, _settings(visit), measure=not house.is_answering
    )
    return exchange.answer(found)


def _settings(visit: Visit) -> dict[str, object]:
    return {name: visit.house.settings.get(name) for name in _SETTINGS}
