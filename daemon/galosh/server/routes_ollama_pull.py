"""`/api/pull` as Ollama documents it, on top of the download queue.

Rules: lines of JSON, each with `status`; an error is one line `{"error"}` in a stream that
has begun and a status code before. A client that goes away pauses what it alone had started;
the next pull goes on. Always authenticated: it fills the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.server import exchange, replies
from galosh.server.download_requests import parse_ollama_pull
from galosh.server.visit import Visit
from galosh.supervisor.bus import DROPPED, Subscription
from galosh.supervisor.download_entry import Wish

_View = Mapping[str, object]
_ENDS = ("download.done", "download.failed", "download.paused", "download.removed")


async def pull(visit: Visit) -> web.StreamResponse:
    """`POST /api/pull` {"model" | "name", "stream"}."""
    house = visit.house
    try:
        wanted = parse_ollama_pull(await visit.body())
    except GaloshError as error:
        return _refusal(error)
    with house.supervisor.events.subscribe() as view:
        known = {str(one["source"]) for one in await house.downloads.views()
                 if one.get("wanted") == "running" and one.get("state") != "done"}  # fmt: skip
        job = await house.downloads.add(Wish(wanted.source))
        lines = _lines(view, job)
        try:
            if wanted.stream:
                return await _stream(visit, lines)
            last = [line async for line in lines][-1]
            failed = "error" in last
            return exchange.answer(last, 500 if failed else 200)
        except (ConnectionError, asyncio.CancelledError):
            if wanted.source not in known:
                await asyncio.shield(house.downloads.pause(str(job["id"])))
            raise


async def _stream(visit: Visit, lines: AsyncIterator[dict[str, object]]) -> web.StreamResponse:
    async with exchange.EventStream(visit.request, "application/x-ndjson") as out:
        async for line in lines:
            await out.send(replies.to_bytes(line) + b"\n")
        return await out.end()


async def _lines(view: Subscription, job: Mapping[str, object]) -> AsyncIterator[dict[str, object]]:
    yield {"status": "pulling manifest"}
    if job.get("state") == "done":
        yield {"status": "success"}
        return
    shown: dict[str, object] = {}
    async for event in view:
        if event.name == DROPPED:
            yield {"error": str(GaloshError("server-stopping"))}
            return
        if event.facts.get("id") != job["id"]:
            continue
        if event.name in _ENDS:
            for line in _end(event.name, event.facts):
                yield line
            return
        found = _line(event.facts)
        if found is not None and found != shown:
            shown = found
            yield found
    yield {"error": str(GaloshError("server-stopping"))}


def _line(facts: _View) -> dict[str, object] | None:
    waiting = facts.get("waiting")
    if isinstance(waiting, Mapping):
        return {"status": f"waiting: {waiting.get('what')} {waiting.get('why')}"}
    if facts.get("state") in ("verifying", "repairing"):
        return {"status": "verifying sha256 digest"}
    if facts.get("state") == "sealing":
        return {"status": "writing manifest"}
    total = facts.get("size_bytes")
    if facts.get("state") != "fetching" or not isinstance(total, int):
        return None
    keys = facts.get("keys")
    key = str(keys[0]) if isinstance(keys, list) and keys else str(facts.get("id"))
    return {
        "status": f"downloading {key[:12]}",
        "digest": f"sha256:{key}",
        "total": total,
        "completed": facts.get("kept_bytes"),
    }


def _end(name: str, facts: _View) -> list[dict[str, object]]:
    if name == "download.done":
        return [
            {"status": "verifying sha256 digest"},
            {"status": "writing manifest"},
            {"status": "success"},
        ]
    error = facts.get("error")
    if isinstance(error, Mapping):
        return [{"error": str(GaloshError.from_json(error))}]
    return [{"error": say("server.pull-ended", state=facts.get("state"))}]


def _refusal(error: GaloshError) -> web.Response:
    return exchange.answer({"error": str(error)}, error.http_status)
