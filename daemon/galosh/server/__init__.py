"""The daemon's doors: HTTP over a private Unix socket and over loopback TCP.

A request passes the gate (`gate`, `doorway`), is read into a checked value (`requests`),
and is answered by a route (`routes_openai`, `routes_galosh`) out of what the supervisor
says. `serve` runs it all in the foreground; `claim` makes sure there is only one.
"""

from __future__ import annotations

from galosh.server import lean_aiohttp

lean_aiohttp.enter()

from galosh.server.daemon import serve  # noqa: E402

__all__ = ["serve"]
