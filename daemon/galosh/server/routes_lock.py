"""`/galosh/v1/token/…`: the key of the TCP door changed. A management route.

Rules: the answer does not hold the token; the page's sessions and links end with the old one.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from galosh.server import exchange
from galosh.server.visit import Visit


async def rotate_token(visit: Visit) -> web.StreamResponse:
    """`POST token/rotate`: from now on the old token is refused; answers under way go on."""
    token = visit.house.token
    assert token is not None  # it was there before the doors opened
    await asyncio.to_thread(token.rotate)
    await visit.house.sessions.end_all()
    return exchange.answer({"rotated": True, "file": str(visit.house.paths.token_file)})
