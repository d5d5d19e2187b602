"""One admitted request on its way to its route."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from galosh.server import exchange
from galosh.server.house import House


@dataclass(frozen=True)
class Visit:
    """What a route gets. tail: the decoded rest of the path, for routes that take one.

    session: the page's session that asks, as the gate knows it.
    """

    house: House
    request: web.BaseRequest
    strict_type: bool
    tail: str = ""
    session: str | None = None

    async def body(self, limit_bytes: int | None = None) -> dict[str, object]:
        """The JSON object the client sent; see `exchange.read_object`."""
        return await exchange.read_object(
            self.request, strict_type=self.strict_type, limit_bytes=limit_bytes
        )
