"""`/galosh/v1/downloads`: the download queue. Management routes: always authenticated."""

from __future__ import annotations

from aiohttp import web

from galosh.server import exchange
from galosh.server.download_requests import parse_keep, parse_new_download, parse_wanted
from galosh.server.visit import Visit
from galosh.supervisor.download_entry import Wish


async def downloads(visit: Visit) -> web.StreamResponse:
    """`GET downloads`: what runs, waits, is paused or needs somebody, and the last done."""
    return exchange.answer({"downloads": await visit.house.downloads.views()})


async def add_download(visit: Visit) -> web.StreamResponse:
    """`POST downloads` {"source", …}: queued at once; what follows is on the event stream."""
    wanted = parse_new_download(await visit.body())
    view = await visit.house.downloads.add(Wish(**vars(wanted)))
    return exchange.answer({"download": view}, 201)


async def download(visit: Visit) -> web.StreamResponse:
    """`GET downloads/{id}`."""
    return exchange.answer({"download": await visit.house.downloads.view(visit.tail)})


async def change_download(visit: Visit) -> web.StreamResponse:
    """`PUT downloads/{id}` {"state": "running" | "paused"}."""
    queue = visit.house.downloads
    change = queue.resume if parse_wanted(await visit.body()) else queue.pause
    return exchange.answer({"download": await change(visit.tail)})


async def remove_download(visit: Visit) -> web.StreamResponse:
    """`DELETE downloads/{id}?keep=partial|remove`: ends it; partial leaves what was fetched."""
    keep = parse_keep(dict(visit.request.query))
    return exchange.answer({"download": await visit.house.downloads.remove(visit.tail, keep=keep)})
