"""A forward proxy that wants a password, as companies have them.

Owns the proxy's own replies (407, 502) and a log of what it was asked for. Forwards plain
requests and CONNECT tunnels to anywhere it is asked to. Never used outside tests.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import urllib.parse
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

_BLOCK_BYTES = 256 * 1024
_HOP_HEADERS = {"proxy-authorization", "proxy-connection", "connection", "keep-alive"}


class Proxy:
    """The proxy; a context manager.

    user, password: what it wants; None lets everyone in. blocked: host names it refuses
    with 403, as a company's filter does.
    """

    def __init__(
        self, user: str | None = "ann", password: str = "secret", blocked: tuple[str, ...] = ()
    ) -> None:
        self.credentials = None if user is None else f"{user}:{password}"
        self.blocked = blocked
        self.asked: list[str] = []
        self._open: dict[socket.socket, None] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        for connection in list(self._open):
            with contextlib.suppress(OSError):  # it ended by itself
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    def opened(self, connection: socket.socket) -> None:
        """Note a socket to end when the proxy stops."""
        self._open[connection] = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def url(self, user: str | None = None, password: str = "") -> str:
        """The proxy's URL, with a password in it if given."""
        login = "" if user is None else f"{user}:{password}@"
        return f"http://{login}127.0.0.1:{self.port}"

    def refusal(self, authorization: str, host: str) -> tuple[int, str] | None:
        """Why a request is not forwarded: (status, reason), or None."""
        if self.credentials is not None:
            wanted = "Basic " + base64.b64encode(self.credentials.encode()).decode()
            if authorization != wanted:
                return 407, "Proxy Authentication Required"
        return (403, "Blocked by policy") if host in self.blocked else None


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    proxy: Proxy


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        proxy = cast(_Server, self.server).proxy
        proxy.opened(self.connection)
        proxy.asked.append(self.path)
        target = urllib.parse.urlsplit(self.path)
        if self._refused(target.hostname or ""):
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_HEADERS}
        upstream = HTTPConnection(target.hostname or "", target.port or 80, timeout=30)
        try:
            path = urllib.parse.urlunsplit(("", "", target.path, target.query, ""))
            upstream.request(self.command, path, headers=headers)
            reply = upstream.getresponse()
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in _HOP_HEADERS:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            while self.command != "HEAD" and (block := reply.read(_BLOCK_BYTES)):
                self.wfile.write(block)
        except OSError:
            self.close_connection = True
        finally:
            upstream.close()

    do_HEAD = do_GET  # noqa: N815  (the name http.server looks for)

    def do_CONNECT(self) -> None:
        proxy = cast(_Server, self.server).proxy
        proxy.opened(self.connection)
        proxy.asked.append(self.path)
        host, _, port = self.path.rpartition(":")
        self.close_connection = True
        if self._refused(host):
            return
        with socket.create_connection((host, int(port)), timeout=30) as upstream:
            proxy.opened(upstream)
            self.send_response(200, "Connection established")
            self.end_headers()
            back = threading.Thread(target=_pump, args=(upstream, self.connection))
            back.start()
            _pump(self.connection, upstream)
            back.join()

    def _refused(self, host: str) -> bool:
        proxy = cast(_Server, self.server).proxy
        refusal = proxy.refusal(self.headers.get("Proxy-Authorization", ""), host)
        if refusal is None:
            return False
        self.send_response(*refusal)
        if refusal[0] == 407:
            self.send_header("Proxy-Authenticate", 'Basic realm="office"')
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        return True

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """What was asked is kept in memory instead."""


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until the source ends, then end the target's side too."""
    try:
        while block := source.recv(_BLOCK_BYTES):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other side is gone
