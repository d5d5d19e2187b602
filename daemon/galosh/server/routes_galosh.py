"""`/galosh/v1/…`: state, events, models, settings. The management routes.

Rules: whatever touches the disk runs beside the event loop; nothing here names a file to
read or write but `POST models`, which enters a GGUF file of the same user in place.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import cast

from aiohttp import web

from galosh.base.errors import GaloshError
from galosh.base.settings import DECLARED
from galosh.server import exchange
from galosh.server.house import House
from galosh.server.requests import (
    parse_model_choice,
    parse_new_model,
    parse_new_setting,
    parse_tokenize,
)
from galosh.server.version import read_version
from galosh.server.visit import Visit
from galosh.supervisor.bus import BusEvent, Subscription

_HEARTBEAT_SECONDS = 20.0
_HEARTBEAT = b": still here\n\n"


async def health(visit: Visit) -> web.StreamResponse:
    """`GET health`: the loop turns; `status` says more."""
    return exchange.answer({"ok": not visit.house.stopping.is_set()})


async def openapi(_visit: Visit) -> web.StreamResponse:
    """`GET openapi.json`: every route, for programs that read such a document."""
    # Most daemons are never asked; the shapes cost memory.
    from galosh.server.api_document import document

    return exchange.answer(document(read_version()))


async def status(visit: Visit) -> web.StreamResponse:
    """`GET status`."""
    return exchange.answer(state_of(visit.house))


def state_of(house: House) -> dict[str, object]:
    """The daemon's and the worker's state, JSON-able."""
    facts = house.facts
    daemon: dict[str, object] = {} if facts is None else facts.to_json()
    if facts is not None:
        daemon["uptime_seconds"] = max(0.0, house.clock.wall_seconds() - facts.started_at)
    daemon["stopping"] = house.stopping.is_set()
    daemon["require_token"] = house.settings.flag("api.require_token")
    return {
        "daemon": daemon,
        "worker": house.supervisor.status(),
        "downloads": house.downloads.summary(),
        "desktop": house.desktop.facts(),
    }


async def models(visit: Visit) -> web.StreamResponse:
    """`GET models`: everything the store knows of each."""
    found = await asyncio.to_thread(visit.house.models.list)
    return exchange.answer({"models": [model.to_json() for model in found]})


async def add_model(visit: Visit) -> web.StreamResponse:
    """`POST models` {"path", "copy", "name"}."""
    wanted = parse_new_model(await visit.body())
    path = own_path(wanted.path)
    if path is None:
        expected, name = str(Path.home() / "…"), Path(wanted.path).name
        raise GaloshError("server-bad-request", field="path", value=name, expected=expected)
    model = await asyncio.to_thread(visit.house.models.add, path, wanted.copy, wanted.name)
    visit.house.supervisor.events.publish("models.changed", added=model.id)
    return exchange.answer({"model": model.to_json()}, 201)


def own_path(text: str) -> Path | None:
    """The file meant; None for a relative one, which would be the daemon's and not the
    caller's, and for the home of a user there is not."""
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        return None
    return path if path.is_absolute() else None


async def remove_model(visit: Visit) -> web.StreamResponse:
    """`DELETE models/{id}`."""
    await visit.house.supervisor.remove_model(visit.tail)
    visit.house.supervisor.events.publish("models.changed", removed=visit.tail)
    return exchange.answer({"removed": visit.tail})


async def use_model(visit: Visit) -> web.StreamResponse:
    """`PUT model` {"id"}: answers when that model stands ready."""
    model_id = parse_model_choice(await visit.body())
    supervisor = visit.house.supervisor
    model = await (supervisor.ready() if model_id is None else supervisor.want(model_id))
    return exchange.answer({"model": None if model is None else dict(vars(model))})


async def unload_model(visit: Visit) -> web.StreamResponse:
    """`DELETE model`: gives its memory back."""
    await visit.house.supervisor.unload()
    return exchange.answer({"model": None})


async def pause_models(visit: Visit) -> web.StreamResponse:
    """`POST models/pause`: no memory is held and nothing answered until `models/resume`."""
    await visit.house.supervisor.pause()
    return exchange.answer({"paused": True})


async def resume_models(visit: Visit) -> web.StreamResponse:
    """`POST models/resume`."""
    await visit.house.supervisor.resume()
    return exchange.answer({"paused": False})


async def settings(visit: Visit) -> web.StreamResponse:
    """`GET settings`: the values, and what each setting is and means."""
    declared = [one.to_json() for one in DECLARED.values()]
    values = visit.house.settings.as_json()
    return exchange.answer({"settings": values, "declared": declared})


async def change_setting(visit: Visit) -> web.StreamResponse:
    """`PUT settings` {"name", "value"}: written at once."""
    house = visit.house
    wanted = parse_new_setting(await visit.body())
    await house.change_setting(wanted.name, wanted.value)
    return exchange.answer({"settings": house.settings.as_json()})


async def presets(visit: Visit) -> web.StreamResponse:
    """`GET presets`: samplers, prompts and templates, shipped and the user's own."""
    return exchange.answer(await asyncio.to_thread(visit.house.presets.to_json))


async def tokenize(visit: Visit) -> web.StreamResponse:
    """`POST tokenize` {"text", "model"}."""
    wanted = parse_tokenize(await visit.body())
    tokens = await visit.house.supervisor.tokenize(wanted.text, wanted.model_id)
    return exchange.answer({"tokens": list(tokens), "count": len(tokens)})


async def ask_for_popup(visit: Visit) -> web.StreamResponse:
    """`POST popup`: the tray shows the quick prompt. Not remembered for one that comes later:
    a window that opens by itself is no help."""
    events = visit.house.supervisor.events
    events.flash("popup.asked")
    return exchange.answer({"heard": events.watchers > 0})


async def shutdown(visit: Visit) -> web.StreamResponse:
    """`POST shutdown`: answers, then stops."""
    visit.house.stopping.set()
    return exchange.answer({"stopping": True})


async def events(visit: Visit) -> web.StreamResponse:
    """`GET events`: the state now, then every change; `Last-Event-ID` goes on after one,
    with the state first where what came between is no longer known."""
    house = visit.house
    after = _last_seen(visit.request)
    stop: asyncio.Future[object] = asyncio.ensure_future(house.stopping.wait())
    try:
        with house.supervisor.events.subscribe(after) as view:
            async with exchange.EventStream(visit.request) as out:
                if after is None or not house.supervisor.events.remembers(after):
                    await out.send(_sse("status", state_of(house), None))
                else:
                    await out.send(_HEARTBEAT)
                await _pass_on(view, out, stop)
                return await out.end()
    finally:
        stop.cancel()


async def _pass_on(
    view: Subscription, out: exchange.EventStream, stop: asyncio.Future[object]
) -> None:
    """Until the view ends, the daemon stops or the client goes."""
    coming = asyncio.ensure_future(_next(view))
    try:
        while True:
            both: set[asyncio.Future[object]] = {stop, cast("asyncio.Future[object]", coming)}
            await asyncio.wait(
                both, timeout=_HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if coming.done():
                event = coming.result()
                if event is None:
                    return
                coming = asyncio.ensure_future(_next(view))
                await out.send(_sse(event.name, event.to_json(), event.number))
            elif stop.done():
                return
            else:
                await out.send(_HEARTBEAT)
    finally:
        coming.cancel()


async def _next(view: Subscription) -> BusEvent | None:
    try:
        return await view.__anext__()
    except StopAsyncIteration:
        return None


def _last_seen(request: web.BaseRequest) -> int | None:
    value = request.headers.get("Last-Event-ID", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None


def _sse(name: str, value: dict[str, object], number: int | None) -> bytes:
    text = json.dumps(value, ensure_ascii=False, default=str)
    mark = "" if number is None else f"id: {number}\n"
    return f"{mark}event: {name}\ndata: {text}\n\n".encode("utf-8", "replace")
