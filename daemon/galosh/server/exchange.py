"""One HTTP exchange: reading a body within limits, writing answers and streams.

Rules: a body is at most 16 MiB and complete within 30 s; every answer carries the security
headers; a client that does not read for 30 s is cut off; an exception becomes a stated
error and its text never reaches a client or the log.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING

from aiohttp import web

from galosh.base.errors import GaloshError
from galosh.server import replies
from galosh.server.requests import parse_json

if TYPE_CHECKING:
    from galosh.server.page_files import PageFile

BODY_LIMIT_BYTES = 16 * 1024 * 1024
BODY_LIMIT_SECONDS = 30.0
WRITE_LIMIT_SECONDS = 30.0
_RETRY_AFTER_SECONDS = 2
_PIECE_BYTES = 256 * 1024
# Half of what asyncio and aiohttp take into an empty buffer before they make a writer wait.
_SURELY_BUFFERED_BYTES = 32 * 1024
_HEADERS = {**replies.SECURITY_HEADERS, "Server": "galosh"}

_log = logging.getLogger("galosh.server")


def answer(value: Mapping[str, object], status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=replies.to_bytes(value),
        status=status,
        headers=_HEADERS,
        content_type="application/json",
        charset="utf-8",
    )


async def large_answer(
    request: web.BaseRequest, value: Mapping[str, object], status: int = 200
) -> web.StreamResponse:
    """A JSON answer that may be megabytes: written beside the loop, and sent within limits."""
    data = await asyncio.to_thread(replies.to_bytes, value)
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return await send_whole(request, data, headers, status)


async def send_whole(
    request: web.BaseRequest, data: bytes, headers: Mapping[str, str], status: int = 200
) -> web.StreamResponse:
    """Send it piece by piece; a client that does not take one in time is cut off."""
    response = web.StreamResponse(
        status=status, headers={**_HEADERS, **_page_headers.get({}), **headers}
    )
    response.content_length = len(data)
    try:
        await response.prepare(request)
        for at in range(0, len(data), _PIECE_BYTES):
            piece = data[at : at + _PIECE_BYTES]
            await asyncio.wait_for(response.write(piece), WRITE_LIMIT_SECONDS)
        await asyncio.wait_for(response.write_eof(), WRITE_LIMIT_SECONDS)
    except asyncio.TimeoutError as error:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("client does not read") from error
    return response


def page_file(file: PageFile, known_mark: str, codings: str) -> web.Response:
    """A file of the notebook page, or that the browser has it already."""
    headers = {"ETag": file.mark, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    headers["Content-Security-Policy"] = replies.PAGE_POLICY
    if file.mark in known_mark:
        return web.Response(status=304, headers=headers)
    body = file.data
    if "gzip" in codings.lower():
        headers["Content-Encoding"] = "gzip"
        body = file.packed
    return web.Response(body=body, headers=headers, content_type=file.content_type, charset="utf-8")


# Set anew for every request, in the task that answers it.
_page_headers: ContextVar[Mapping[str, str]] = ContextVar("page headers")


def let_read(headers: Mapping[str, str]) -> None:
    """Whatever answers the request of this task is to carry these, streams included, and a
    name of the request: OpenAI's clients show the first, Anthropic's the second."""
    name = f"req_{secrets.token_hex(12)}"
    _page_headers.set({**headers, "X-Request-Id": name, "Request-Id": name})


def with_page_headers(response: web.StreamResponse) -> web.StreamResponse:
    """The answer, for the page that may read it if there is one."""
    if not response.prepared:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.update(_page_headers.get({}))
    return response


def refusal(error: GaloshError) -> web.Response:
    """The answer that states an error."""
    response = answer(replies.error_body(error), error.http_status)
    if error.http_status == 429:
        response.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    if error.http_status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.code == "server-method":
        response.headers["Allow"] = str(error.facts.get("allowed", ""))
    if error.http_status in (401, 403, 408, 413):
        response.force_close()  # the rest of such a request is not worth reading
    return response


def explain(error: Exception) -> GaloshError:
    """The error to show for an exception; one that is not ours is logged under a mark."""
    if isinstance(error, GaloshError):
        return error
    mark = secrets.token_hex(4)
    _log.error("internal error %s", mark, exc_info=error)
    return GaloshError("server-internal", kind=type(error).__name__, mark=mark)


async def read_object(
    request: web.BaseRequest, *, strict_type: bool, limit_bytes: int | None = None
) -> dict[str, object]:
    """The JSON object a client sent; an empty body is an empty object.

    strict_type: insist on application/json (a page's form cannot send that). limit_bytes: less
    than what all requests may have.
    Raises GaloshError `server-media-type`, `server-body-too-large`, `server-body-slow` or
    `server-bad-json`.
    """
    _check_type(request, strict_type)
    limit_bytes = limit_bytes or BODY_LIMIT_BYTES
    length = request.content_length
    if length is not None and length > limit_bytes:
        raise GaloshError("server-body-too-large", limit_bytes=limit_bytes)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    try:
        body = await asyncio.wait_for(_read_body(request, limit_bytes), BODY_LIMIT_SECONDS)
    except asyncio.TimeoutError as error:
        raise GaloshError("server-body-slow", limit_seconds=BODY_LIMIT_SECONDS) from error
    return parse_json(body) if body else {}


class EventStream:
    """A stream of server-sent events (or lines) to one client; a context that ends it well."""

    def __init__(
        self, request: web.BaseRequest, content_type: str = "text/event-stream; charset=utf-8"
    ) -> None:
        self._request = request
        self._response = web.StreamResponse(
            headers={
                **_HEADERS,
                **_page_headers.get({}),
                "Content-Type": content_type,
                "X-Accel-Buffering": "no",
            }
        )
        self.begun = False

    async def send(self, data: bytes) -> None:
        """Send whole events; raises ConnectionError when the client has gone or hangs."""
        try:
            if not self.begun:
                self.begun = True
                await self._response.prepare(self._request)
            if self._has_room(data):
                await self._response.write(data)
            else:
                await asyncio.wait_for(self._response.write(data), WRITE_LIMIT_SECONDS)
        except asyncio.TimeoutError as error:
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionResetError("client does not read") from error

    def _has_room(self, data: bytes) -> bool:
        """Whether a write cannot block; a time limit costs two turns of the loop a token."""
        transport = self._request.transport
        small = len(data) <= _SURELY_BUFFERED_BYTES
        return small and transport is not None and not transport.get_write_buffer_size()

    async def end(self) -> web.StreamResponse:
        """Say that nothing more comes."""
        await self._response.write_eof()
        return self._response

    async def __aenter__(self) -> EventStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and self.begun and self._request.transport is not None:
            self._request.transport.abort()  # a half answer must not look like a whole one


def _check_type(request: web.BaseRequest, strict_type: bool) -> None:
    coding = request.headers.get("Content-Encoding", "identity").lower()
    if coding != "identity":
        raise GaloshError("server-media-type", given=coding[:40])
    if strict_type and request.can_read_body and request.content_type != "application/json":
        raise GaloshError("server-media-type", given=request.content_type[:80])


async def _read_body(request: web.BaseRequest, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size_bytes = 0
    async for part in request.content.iter_any():
        size_bytes += len(part)
        if size_bytes > limit_bytes:
            raise GaloshError("server-body-too-large", limit_bytes=limit_bytes)
        parts.append(part)
    return b"".join(parts)
