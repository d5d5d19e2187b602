"""The notebook page: its files, the link that opens it, its session, the addresses to copy.

Rules: the files hold no secret; a code is traded only for a session of the page's own origin,
and, where the system tells, only to a browser of the same user (a browser's command line,
with the link in it, is there for every user to read); `access` is the one answer that holds
the token, for whoever passed the gate already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from galosh.base.errors import GaloshError
from galosh.server import exchange, gate
from galosh.server.page_requests import parse_code
from galosh.server.peers import is_other_user_at
from galosh.server.secret import Token
from galosh.server.sessions import LINK_SECONDS, Halves
from galosh.server.visit import Visit

_COOKIE_END = "; HttpOnly; SameSite=Strict; Path=/; Max-Age="
_CODE_BODY_BYTES = 4096  # whoever knows our name may send one
# As long as browsers allow: how long a session nobody uses counts is for `Sessions` to say.
_COOKIE_SECONDS = 400 * 86_400


async def page(visit: Visit) -> web.StreamResponse:
    """`GET /` and `GET /page/NAME`."""
    # Most daemons never show the page.
    from galosh.server import page_files

    request = visit.request
    found = await asyncio.to_thread(page_files.find, visit.tail or page_files.INDEX)
    return exchange.page_file(
        found, request.headers.get("If-None-Match", ""), request.headers.get("Accept-Encoding", "")
    )


async def make_link(visit: Visit) -> web.StreamResponse:
    """`POST links`: an address that opens the page once, within a minute."""
    code = visit.house.sessions.make_link()
    url = f"{_address(visit)}/#code={code}"
    return exchange.answer({"url": url, "expires_seconds": LINK_SECONDS})


async def end_links(visit: Visit) -> web.StreamResponse:
    """`DELETE links`: those that nobody opened yet open nothing any more."""
    return exchange.answer({"ended": visit.house.sessions.end_links()})


async def begin_session(visit: Visit) -> web.StreamResponse:
    """`POST session` {"code"}: the cookie, and the key that the page keeps.

    A browser that has a session keeps it. With another, a tab that is open already would show
    the new cookie beside the old key until it hears of the new one, and be locked out.
    """
    transport = visit.request.transport
    if transport is None or await asyncio.to_thread(is_other_user_at, transport):
        raise GaloshError("server-forbidden")
    code = parse_code(await visit.body(_CODE_BODY_BYTES))
    visit.house.sessions.spend(code)
    if visit.session is not None:
        return exchange.answer({"key": visit.request.headers[gate.KEY_HEADER]})
    halves = await visit.house.sessions.add(_token(visit).value)
    return with_session({"key": halves.key}, halves)


def with_session(told: Mapping[str, object], halves: Halves) -> web.Response:
    """An answer that leaves the cookie in the browser."""
    response = exchange.answer(told)
    cookie = f"{gate.COOKIE}={halves.cookie}{_COOKIE_END}{_COOKIE_SECONDS}"
    response.headers["Set-Cookie"] = cookie
    return response


async def end_session(visit: Visit) -> web.StreamResponse:
    """`DELETE session`: the one that asks."""
    if visit.session is not None:
        await visit.house.sessions.end(visit.session)
    response = exchange.answer({"ended": visit.session is not None})
    response.headers["Set-Cookie"] = f"{gate.COOKIE}={_COOKIE_END}0"
    return response


async def access(visit: Visit) -> web.StreamResponse:
    """`GET access`: what other programs are told, to copy."""
    address = _address(visit)
    return exchange.answer(
        {
            "addresses": {"openai": f"{address}/v1", "anthropic": address, "ollama": address},
            "token": _token(visit).value,
            "token_file": str(visit.house.paths.token_file),
            "token_needed": visit.house.settings.flag("api.require_token"),
            "presets_folder": str(visit.house.paths.presets),
        }
    )


def _address(visit: Visit) -> str:
    facts = visit.house.facts
    if facts is None or facts.port is None:
        raise GaloshError("server-no-tcp", settings=str(visit.house.paths.settings_file))
    return f"http://127.0.0.1:{facts.port}"


def _token(visit: Visit) -> Token:
    assert visit.house.token is not None  # it was there before the doors opened
    return visit.house.token
