"""One door of the server: connections, the gate before every route, the routing table.

Rules: the gate speaks first, for unknown addresses too; a connection from another user is
dropped before it says a word; a door holds a bounded number of connections, and when it is
full the oldest of those that never passed the gate makes room; a client that goes away
cancels its handler at once (`handler_cancellation`), also while nothing is being written.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from aiohttp import web

from galosh.base.errors import GaloshError
from galosh.server import (
    exchange,
    routes_aliases,
    routes_chats,
    routes_desktop,
    routes_downloads,
    routes_embeddings,
    routes_fit,
    routes_galosh,
    routes_llamacpp,
    routes_lock,
    routes_notebooks,
    routes_ollama,
    routes_ollama_pull,
    routes_openai,
    routes_page,
)
from galosh.server.gate import KEY_HEADER, Door, Knock, Verdict, is_open_to_all, page_headers
from galosh.server.house import House
from galosh.server.peers import is_own_user
from galosh.server.secret import Token
from galosh.server.visit import Visit

Route: TypeAlias = Callable[[Visit], Awaitable[web.StreamResponse]]

_CONNECTIONS = 400
_IDLE_SECONDS = 15.0  # also the time a client has for its headers
_LINGER_SECONDS = 1.0  # for a refused client to stop sending and read why
_HEADER_BYTES = 16 * 1024
_HEADERS = 100

_OURS = "/galosh/v1"
ROUTES: Mapping[str, Mapping[str, Route]] = {
    "/v1/models": {"GET": routes_openai.models},
    "/v1/chat/completions": {"POST": routes_openai.chat},
    "/v1/completions": {"POST": routes_openai.completion},
    "/v1/responses": {"POST": routes_openai.response},
    "/v1/messages": {"POST": routes_openai.message},
    "/v1/embeddings": {"POST": routes_embeddings.embeddings},
    "/completion": {"POST": routes_llamacpp.completion},
    "/infill": {"POST": routes_llamacpp.infill},
    "/tokenize": {"POST": routes_llamacpp.tokenize},
    "/detokenize": {"POST": routes_llamacpp.detokenize},
    "/health": {"GET": routes_llamacpp.health},
    "/props": {"GET": routes_llamacpp.props},
    f"{_OURS}/health": {"GET": routes_galosh.health},
    f"{_OURS}/openapi.json": {"GET": routes_galosh.openapi},
    f"{_OURS}/status": {"GET": routes_galosh.status},
    f"{_OURS}/events": {"GET": routes_galosh.events},
    f"{_OURS}/models": {"GET": routes_galosh.models, "POST": routes_galosh.add_model},
    f"{_OURS}/models/pause": {"POST": routes_galosh.pause_models},
    f"{_OURS}/models/resume": {"POST": routes_galosh.resume_models},
    f"{_OURS}/model": {"PUT": routes_galosh.use_model, "DELETE": routes_galosh.unload_model},
    f"{_OURS}/settings": {"GET": routes_galosh.settings, "PUT": routes_galosh.change_setting},
    f"{_OURS}/desktop": {"PUT": routes_desktop.set_desktop},
    f"{_OURS}/presets": {"GET": routes_galosh.presets},
    f"{_OURS}/fit": {"GET": routes_fit.fit},
    f"{_OURS}/recommend": {"GET": routes_fit.recommend},
    f"{_OURS}/notebooks": {"GET": routes_notebooks.sheets, "POST": routes_notebooks.add_sheet},
    f"{_OURS}/chats": {"GET": routes_chats.chats, "POST": routes_chats.add_chat},
    "/": {"GET": routes_page.page},
    f"{_OURS}/links": {"POST": routes_page.make_link, "DELETE": routes_page.end_links},
    f"{_OURS}/session": {"POST": routes_page.begin_session, "DELETE": routes_page.end_session},
    f"{_OURS}/access": {"GET": routes_page.access},
    f"{_OURS}/token/rotate": {"POST": routes_lock.rotate_token},
    f"{_OURS}/tokenize": {"POST": routes_galosh.tokenize},
    f"{_OURS}/popup": {"POST": routes_galosh.ask_for_popup},
    f"{_OURS}/shutdown": {"POST": routes_galosh.shutdown},
    f"{_OURS}/downloads": {
        "GET": routes_downloads.downloads,
        "POST": routes_downloads.add_download,
    },
    "/api/version": {"GET": routes_ollama.version},
    "/api/tags": {"GET": routes_ollama.tags},
    "/api/ps": {"GET": routes_ollama.running},
    "/api/show": {"POST": routes_ollama.show},
    "/api/chat": {"POST": routes_ollama.chat},
    "/api/generate": {"POST": routes_ollama.generate},
    "/api/copy": {"POST": routes_aliases.copy},
    "/api/create": {"POST": routes_aliases.create},
    "/api/delete": {"DELETE": routes_ollama.delete},
    "/api/embed": {"POST": routes_embeddings.embed},
    "/api/embeddings": {"POST": routes_embeddings.embed_one},
    "/api/pull": {"POST": routes_ollama_pull.pull},
}
TAILED: Mapping[str, Mapping[str, Route]] = {
    "/page/": {"GET": routes_page.page},
    "/v1/models/": {"GET": routes_openai.model},
    f"{_OURS}/models/": {"DELETE": routes_galosh.remove_model},
    f"{_OURS}/downloads/": {
        "GET": routes_downloads.download,
        "PUT": routes_downloads.change_download,
        "DELETE": routes_downloads.remove_download,
    },
}
# Addresses with names in them; a route gets these, a slash between two.
_SHEET, _CHAT = f"{_OURS}/notebooks/{{id}}", f"{_OURS}/chats/{{id}}"
NAMED: Mapping[str, Mapping[str, Route]] = {
    _SHEET: {
        "GET": routes_notebooks.sheet,
        "PATCH": routes_notebooks.rename_sheet,
        "DELETE": routes_notebooks.remove_sheet,
    },
    f"{_SHEET}/text": {"GET": routes_notebooks.sheet_text},
    f"{_SHEET}/edits": {"POST": routes_notebooks.edit_sheet},
    f"{_SHEET}/restore": {"POST": routes_notebooks.restore_sheet},
    _CHAT: {
        "GET": routes_chats.chat,
        "PATCH": routes_chats.change_chat,
        "DELETE": routes_chats.remove_chat,
    },
    f"{_CHAT}/nodes": {"POST": routes_chats.add_node},
    f"{_CHAT}/nodes/{{node}}": {"PATCH": routes_chats.change_node},
    f"{_CHAT}/restore": {"POST": routes_chats.restore_chat},
}
_log = logging.getLogger("galosh.server")


class Doorway:
    """Serves one listening socket. port None: the Unix socket."""

    def __init__(
        self, house: House, listener: socket.socket, port: int | None, token: Token
    ) -> None:
        self._house = house
        self._listener = listener
        self._port = port
        self._token = token
        self._server = _Server(self._handle, unix=port is None)
        self._accepting: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to accept."""
        loop = asyncio.get_running_loop()
        if self._port is None:
            self._accepting = await loop.create_unix_server(self._server, sock=self._listener)
        else:
            self._accepting = await loop.create_server(self._server, sock=self._listener)

    def shut(self) -> None:
        """Accept nobody new; connections that idle end, answers under way go on."""
        if self._accepting is not None:
            self._accepting.close()
        self._server.pre_shutdown()

    async def clear(self, patience_seconds: float) -> None:
        """End what is left."""
        await self._server.shutdown(patience_seconds)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        knock = knock_of(request, request.path)
        door = self._door()
        verdict = door.judge(knock)
        page = None if verdict is Verdict.FORBIDDEN else door.page_of(knock)
        exchange.let_read({} if page is None else page_headers(page, knock, verdict))
        if verdict is Verdict.PREFLIGHT:
            return exchange.with_page_headers(web.Response(status=204))
        try:
            session = door.session_of(knock) if verdict is Verdict.PASS else None
            if session is not None:
                self._house.sessions.use(session)
            visit, route = self._admit(request, verdict, session)
            response = await route(visit)
        except ConnectionError:
            raise
        except Exception as error:
            stated = exchange.explain(error)
            _log.debug("%s %s", stated.http_status, stated.code)
            response = exchange.refusal(stated)
        return exchange.with_page_headers(response)

    def _door(self) -> Door:
        settings = self._house.settings
        return Door(
            self._port,
            self._token.value,
            require_token=settings.flag("api.require_token"),
            origins=settings.texts("api.allowed_origins"),
            hosts=settings.texts("api.allowed_hosts"),
            sessions=self._house.sessions.known(),
        )

    def _admit(
        self, request: web.BaseRequest, verdict: Verdict, session: str | None
    ) -> tuple[Visit, Route]:
        if verdict is Verdict.FORBIDDEN:
            raise GaloshError("server-forbidden")
        if verdict is Verdict.UNAUTHORIZED:
            raise GaloshError("server-unauthorized")
        if isinstance(request.protocol, _Protocol) and not is_open_to_all(request.path):
            request.protocol.admitted = True
        methods, tail = _find(request.path)
        route = methods.get(request.method)
        if route is None:
            raise GaloshError(
                "server-method", method=request.method[:20], allowed=", ".join(methods)
            )
        return Visit(self._house, request, self._port is not None, tail, session), route


def knock_of(request: web.BaseRequest, path: str) -> Knock:
    """What the gate looks at in a request."""
    headers = request.headers
    return Knock(
        path=path,
        host=headers.getall("Host", []),
        origin=headers.getall("Origin", []),
        referer=headers.getall("Referer", []),
        fetch_site=headers.getall("Sec-Fetch-Site", []),
        authorization=headers.getall("Authorization", []),
        method=request.method,
        api_key=headers.getall("X-Api-Key", []),
        asks_method=headers.getall("Access-Control-Request-Method", []),
        asks_headers=headers.getall("Access-Control-Request-Headers", []),
        cookie=headers.getall("Cookie", []),
        page_key=headers.getall(KEY_HEADER, []),
    )


def _find(path: str) -> tuple[Mapping[str, Route], str]:
    found = ROUTES.get(path)
    if found is not None:
        return found, ""
    for start, methods in TAILED.items():
        if path.startswith(start) and len(path) > len(start):
            return methods, path[len(start) :]
    parts = path.split("/")
    for address, methods in NAMED.items():
        pairs = list(zip(address.split("/"), parts, strict=False))
        names = [given for known, given in pairs if known.startswith("{")]
        fits = all(known == given or known.startswith("{") for known, given in pairs)
        if fits and len(parts) == address.count("/") + 1 and all(names):
            return methods, "/".join(names)
    raise GaloshError("server-not-found")


class _Server(web.Server):
    """aiohttp's low-level server with our protocol."""

    def __init__(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], *, unix: bool
    ) -> None:
        super().__init__(handler, handler_cancellation=True)
        self.unix = unix

    def least_known(self) -> web.RequestHandler:
        """The oldest connection that never passed the gate; if all did, the newest."""
        connections = self.connections  # in the order in which they came
        unknown = (one for one in connections if isinstance(one, _Protocol) and not one.admitted)
        return next(unknown, connections[-1])

    def __call__(self) -> web.RequestHandler:
        return _Protocol(
            self,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=_IDLE_SECONDS,
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
            max_headers=_HEADERS,
            lingering_time=_LINGER_SECONDS,
            access_log=None,
            auto_decompress=False,
        )


class _Protocol(web.RequestHandler):
    """One connection: turned away if it is another user's or one too many.

    admitted: a request of it has passed the gate where that takes more than knowing our name.
    """

    __slots__ = ("_server", "admitted")

    def __init__(self, server: _Server, **options: object) -> None:
        super().__init__(server, **options)  # type: ignore[arg-type]
        self._server = server
        self.admitted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        if self._server.unix and not is_own_user(peer):
            _log.warning("connection refused: other user")
            self.force_close()
        elif len(self._server.connections) > _CONNECTIONS:
            self._server.least_known().force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's own signature
    ) -> web.StreamResponse:
        """What could not even be read as HTTP, stated like every other error."""
        if request.writer.output_size > 0 or isinstance(exc, ConnectionError):
            raise ConnectionError("no answer possible")
        response = exchange.refusal(GaloshError("server-bad-http", status=status))
        response.force_close()
        return response
