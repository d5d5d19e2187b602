"""`/galosh/v1/desktop`: the agent tells what the desktop granted. A management route."""

from __future__ import annotations

from aiohttp import web

from galosh.server import exchange
from galosh.server.desktop_state import parse_desktop
from galosh.server.visit import Visit


async def set_desktop(visit: Visit) -> web.StreamResponse:
    """`PUT desktop`: kept while the agent lives, told to everybody who watches."""
    facts = parse_desktop(await visit.body())
    house = visit.house
    if facts != house.desktop.facts():
        house.desktop.set(facts)
        house.supervisor.events.publish("desktop.changed", **facts)
    return exchange.answer({"desktop": house.desktop.facts()})
