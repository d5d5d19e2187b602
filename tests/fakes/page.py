"""What a browser with the notebook page open sends, request by request, without a browser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.serving import Running, raw


@dataclass(frozen=True)
class Reply:
    """One answer; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return json.loads(self.body)


class Browser:
    """The cookie and the key of one page, and its requests."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.cookie = self.key = ""

    @classmethod
    def opened(cls, running: Running) -> Browser:
        """One whose page was opened by a link."""
        browser = cls(running)
        code = str(running.client.make_link()["url"]).partition("#code=")[2]
        assert browser.trade(code).status == 200
        return browser

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """A plain request for a file of the page."""
        return self._send("GET", path, dict(headers or {}), b"")

    def trade(self, code: str, origin: str | None = None) -> Reply:
        """The page's first request: a code for a session."""
        reply = self.call("POST", "/galosh/v1/session", {"code": code}, origin=origin)
        if reply.status == 200:
            self.take(reply)
        return reply

    def take(self, reply: Reply) -> None:
        """Keep the two halves that came with an answer."""
        self.key = reply.json["key"]
        self.cookie = reply.headers["set-cookie"].partition("=")[2].partition(";")[0]

    def call(
        self, method: str, path: str, body: object = None, *, origin: str | None = None
    ) -> Reply:
        """A request as the page makes it. origin: another one; empty: none."""
        own = f"http://127.0.0.1:{self.running.port}"
        headers = {"Sec-Fetch-Site": "same-origin"} if origin is None else {}
        if origin != "":
            headers["Origin"] = own if origin is None else origin
        if self.cookie:
            headers["Cookie"] = f"galosh_session={self.cookie}"
        if self.key:
            headers["X-Galosh-Key"] = self.key
        data = b""
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = _written(body)
        return self._send(method, path, headers, data)

    def _send(self, method: str, path: str, headers: dict[str, str], data: bytes) -> Reply:
        port = self.running.port
        headers = {"Host": f"127.0.0.1:{port}", "Connection": "close", **headers}
        if data or method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(data))
        lines = [f"{method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
        found = raw(port, "\r\n".join([*lines, "", ""]).encode() + data, timeout_seconds=30.0)
        head, _, rest = found.partition(b"\r\n\r\n")
        first, *pairs = head.decode("latin-1").split("\r\n")
        told = (pair.partition(": ") for pair in pairs)
        return Reply(int(first.split()[1]), {n.lower(): v for n, _, v in told}, rest)


def _written(body: object) -> bytes:
    """As JSON.stringify writes it: letters as they are, half characters as escapes."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()
