"""`/galosh/v1/token/…`: the key of the TCP door changed. A management route.

Rules: the answer does not hold the token; the page's sessions and links end with the old one.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from galosh.server import exchange
from galosh.server.routes_page import with_session
from galosh.server.visit import Visit


async def rotate_token(visit: Visit) -> web.StreamResponse:
    """`POST token/rotate`: from now on the old token is refused; answers under way go on.

    A page that asks for it gets the two halves of a fresh session with the answer.
    """
    token = visit.house.token
    assert token is not None  # it was there before the doors opened
    await asyncio.to_thread(token.rotate)
    await visit.house.sessions.end_all()
    told: dict[str, object] = {"rotated": True, "file": str(visit.house.paths.token_file)}
    if visit.session is None:
        return exchange.answer(told)
    halves = await visit.house.sessions.add(token.value)
    return with_session({**told, "key": halves.key}, halves)
