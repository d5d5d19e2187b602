"""A loopback server with switches: model hub, file server and package index in one.

The real `huggingface_hub` client accepts it as a hub. It listens on 127.0.0.1 and is also
reached as `localhost`, so redirects lead to another host name as on the real hub. Faults are
put in force per path, also while it runs. Never used outside tests and benchmarks; never
logs a token anywhere but in memory.

    with FaultHub() as hub:
        hub.add_repo("owner/name", {"model.gguf": data})
        hub.faults.add("/cdn/*", Fault(cut_every_bytes=3 * MIB))

`python -m tests.fakes.hub` runs it in a process of its own; see `hub_process.py`.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from tests.fakes.bodies import ConnectionEndsError, Link, Served, send_bytes, send_file
from tests.fakes.faults import Fault, FaultPlan, RateLimit, Request
from tests.fakes.index_routes import Index
from tests.fakes.model_files import sha256
from tests.fakes.repo_routes import Repo, Repos

Extra = Callable[["Exchange"], bool]


class Exchange:
    """One request with the means to answer it."""

    def __init__(self, hub: FaultHub, link: Link, request: Request, body: bytes) -> None:
        self.hub = hub
        self.link = link
        self.request = request
        self.body = body
        self.fault = hub.faults.choose(request)

    def send(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """A short reply, less the headers the fault hides."""
        hidden = {name.lower() for name in self.fault.hide_headers}
        shown = {k: v for k, v in headers.items() if k.lower() not in hidden}
        send_bytes(self.link, self.request, status, shown, body)

    def send_served(self, served: Served) -> None:
        """A file, the way the fault wants it."""
        send_file(self.link, self.request, served, self.fault)

    def query(self) -> dict[str, str]:
        """The query's values by name."""
        return dict(urllib.parse.parse_qsl(self.request.query))


class FaultHub:
    """The server; a context manager. `url` is its address, `cdn_url` the other host name."""

    def __init__(
        self,
        *,
        connection_bytes_per_second: float | None = None,
        total_bytes_per_second: float | None = None,
        certificate: Path | None = None,
        port: int = 0,
    ) -> None:
        self.faults = FaultPlan()
        self.files: dict[str, Served] = {}
        self.repos = Repos()
        self.index = Index()
        self.extra: list[Extra] = []
        self.connection_bytes_per_second = connection_bytes_per_second
        self.total = RateLimit(total_bytes_per_second) if total_bytes_per_second else None
        self.stop = threading.Event()
        self.offline = False
        self._log: list[Request] = []
        self._lock = threading.Lock()
        self._open: dict[socket.socket, None] = {}
        self._connections = 0
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.hub = self
        self.scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.scheme = "https"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> FaultHub:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, drop every connection, wait for all threads."""
        self.stop.set()
        self._server.shutdown()
        self.drop_connections()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def cdn_url(self) -> str:
        """The same server under another host name: to a client, another origin."""
        return f"{self.scheme}://localhost:{self.port}"

    def add_file(self, path: str, content: bytes | Path, **facts: str | None) -> str:
        """Serve `content` at `path` (begins with `/`); its URL. facts: see `Served`."""
        served = Served(content, **facts)  # type: ignore[arg-type]
        if "etag" not in facts and isinstance(content, bytes):
            served.etag = f'"{served.sha256[:32]}"'
        self.files[path] = served
        return f"{self.url}{urllib.parse.quote(path)}"

    def add_repo(self, name: str, files: Mapping[str, bytes | Path], **facts: object) -> Repo:
        """Put a model repository on the hub. facts: see `Repo`."""
        return self.repos.add(name, files, facts)

    def add_wheel(self, file_name: str, content: bytes) -> str:
        """Put a wheel into the package index; its URL."""
        path = f"/packages/{sha256(content)[:16]}/{file_name}"
        self.index.add(file_name, content, path)
        return self.add_file(path, content)

    def requests(self, pattern: str = "") -> list[Request]:
        """The requests so far whose path contains `pattern`, in order of arrival."""
        with self._lock:
            return [request for request in self._log if pattern in request.path]

    def bytes_sent(self, pattern: str = "") -> int:
        """Body bytes sent so far for the paths that contain `pattern`."""
        return sum(request.bytes_sent for request in self.requests(pattern))

    def forget(self) -> None:
        """Empty the request log."""
        with self._lock:
            self._log.clear()

    def go_offline(self) -> None:
        """As if the network were gone, until `offline` is set to False."""
        self.offline = True
        self.drop_connections()

    def drop_connections(self) -> None:
        """End every open connection at once, as a lost network does."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):  # it ended by itself
                connection.shutdown(socket.SHUT_RDWR)

    # What follows is called by the handler's threads.

    def opened(self, connection: socket.socket) -> int:
        """Note a new connection; its number. Ends it at once while offline."""
        if self.offline:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            raise ConnectionEndsError
        with self._lock:
            self._open[connection] = None
            self._connections += 1
            return self._connections

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._open.pop(connection, None)

    def answer(self, link: Link, request: Request, body: bytes) -> None:
        """Route one request."""
        with self._lock:
            self._log.append(request)
        exchange = Exchange(self, link, request, body)
        fault = exchange.fault
        if fault.delay_seconds:
            self.stop.wait(fault.delay_seconds)
        if fault.status is not None:
            text = fault.body.replace("{cdn}", self.cdn_url).replace("{hub}", self.url)
            headers = {
                name: value.replace("{cdn}", self.cdn_url).replace("{hub}", self.url)
                for name, value in fault.headers.items()
            }
            send_bytes(link, request, fault.status, headers, text.encode())
            return
        if any(extra(exchange) for extra in self.extra):
            return
        served = self.files.get(urllib.parse.unquote(request.path))
        if served is not None:
            exchange.send_served(served)
        elif not (self.repos.answer(exchange) or self.index.answer(exchange)):
            exchange.send(404, {"Content-Type": "text/plain"}, b"not here\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128
    hub: FaultHub

    def shutdown_request(self, request: object) -> None:
        """A connection made ready for a reset must not be closed politely first."""
        assert isinstance(request, socket.socket)
        linger = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.calcsize("ii"))
        if struct.unpack("ii", linger) == (1, 0):
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are this server's trade; anything else must be seen."""
        error = sys.exc_info()[1]
        if not isinstance(error, (OSError, ConnectionEndsError)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        hub = cast(_Server, self.server).hub
        self.number = hub.opened(self.connection)
        limits = [hub.total] if hub.total else []
        if hub.connection_bytes_per_second:
            limits.append(RateLimit(hub.connection_bytes_per_second))
        self.link = Link(self, hub.stop, tuple(limits))

    def finish(self) -> None:
        cast(_Server, self.server).hub.closed(self.connection)
        super().finish()

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(
            self.command, headers.get("host", ""), urllib.parse.unquote(path), query, headers,
            self.number, time.monotonic(),
        )  # fmt: skip
        body = self.rfile.read(int(headers.get("content-length", 0)))
        try:
            cast(_Server, self.server).hub.answer(self.link, request, body)
        except ConnectionEndsError:
            self.close_connection = True

    do_HEAD = do_GET  # noqa: N815  (the names http.server looks for)
    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """The request log is kept in memory instead."""


__all__ = ["Exchange", "Fault", "FaultHub", "Repo", "Request", "Served"]


if __name__ == "__main__":
    from tests.fakes.hub_process import main

    sys.exit(main())
