"""Who may pass: Host, Origin, token and route, decided from plain values. Pure.

Rules: checked on every request before anything else, unknown addresses included. On the
TCP door Host must be exactly one of our own three names (or one of `api.allowed_hosts`) with
our port, any Origin, Referer or Sec-Fetch-Site that is not ours is refused, and everything
needs the token; only the inference routes open when `api.require_token` is false. Pages of
`api.allowed_origins` may ask a model and read the answer, with the token where one is
required; the management routes are shut to them whatever the settings say. On the Unix
socket (private folder, same user) no token is asked for, but a browser's headers are refused
all the same.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

# Names a local client writes when there is no network: curl, httpx, our own client.
_SOCKET_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "galosh"})
_OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")
_ONE_MODEL = "/v1/models/"
INFERENCE = frozenset(
    {
        "/v1/models",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1/embeddings",
        "/completion",
        "/infill",
        "/tokenize",
        "/detokenize",
        "/health",
        "/props",
        "/api/version",
        "/api/tags",
        "/api/ps",
        "/api/chat",
        "/api/generate",
        "/api/embed",
        "/api/embeddings",
    }
)

_PAGE_METHODS = ("GET", "POST")
_HEADER_NAMES = re.compile(r"[a-z0-9-]{1,64}( ?, ?[a-z0-9-]{1,64}){0,63}")
_PREFLIGHT_SECONDS = 600


class Verdict(Enum):
    """What the gate says."""

    PASS = "pass"  # noqa: S105 - no password
    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    PREFLIGHT = "preflight"  # a browser asks first, on behalf of a page that may


@dataclass(frozen=True)
class Knock:
    """The part of a request that the gate looks at; each header with all its values."""

    path: str
    host: Sequence[str]
    origin: Sequence[str]
    referer: Sequence[str]
    fetch_site: Sequence[str]
    authorization: Sequence[str]
    method: str = "GET"
    api_key: Sequence[str] = ()  # where Anthropic's clients put what others call a bearer token
    asks_method: Sequence[str] = ()  # Access-Control-Request-Method, -Headers
    asks_headers: Sequence[str] = ()


@dataclass(frozen=True)
class Door:
    """One way in. port None: the Unix socket. token: what TCP clients must show.

    origins, hosts: pages, and names of this port, that the user let in by a setting.
    """

    port: int | None
    token: str
    require_token: bool = True
    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()

    def judge(self, knock: Knock) -> Verdict:
        """Whether this request may go on."""
        if not self._host_is_ours(knock.host) or not self._page_is_ours(knock):
            return Verdict.FORBIDDEN
        if knock.method == "OPTIONS" and self.page_of(knock) is not None:
            asked = [method in _PAGE_METHODS for method in knock.asks_method]
            return Verdict.PREFLIGHT if asked == [True] else Verdict.FORBIDDEN
        if self.port is None or (not self.require_token and is_inference(knock.path)):
            return Verdict.PASS
        return Verdict.PASS if self._token_fits(knock) else Verdict.UNAUTHORIZED

    def _host_is_ours(self, values: Sequence[str]) -> bool:
        if len(values) != 1:
            return False
        if self.port is None:
            name, colon, port = values[0].rpartition(":")
            if colon and port.isascii() and port.isdigit() and len(port) <= 5:
                return name in _SOCKET_HOSTS
            return values[0] in _SOCKET_HOSTS
        return values[0] in {f"{name}:{self.port}" for name in (*_OWN_NAMES, *self.hosts)}

    def page_of(self, knock: Knock) -> str | None:
        """The origin of a foreign page that may ask and read this; None where there is none.

        The Unix socket has no pages: no browser can reach it.
        """
        if self.port is None or len(knock.origin) != 1 or not is_inference(knock.path):
            return None
        return knock.origin[0] if knock.origin[0] in self.origins else None

    def _page_is_ours(self, knock: Knock) -> bool:
        own = set()
        guest = self.page_of(knock)
        if guest is not None:
            return all(page == guest or page.startswith(f"{guest}/") for page in knock.referer)
        if self.port is not None:
            own = {f"http://{name}:{self.port}" for name in _OWN_NAMES}
        if any(origin not in own for origin in knock.origin):
            return False
        if any(
            page not in own and not page.startswith(tuple(f"{address}/" for address in own))
            for page in knock.referer
        ):
            return False
        return all(site in ("same-origin", "none") for site in knock.fetch_site)

    def _token_fits(self, knock: Knock) -> bool:
        """Whether a client showed the token: once, in one of the two headers."""
        if len(knock.authorization) + len(knock.api_key) != 1:
            return False
        if knock.api_key:
            given = knock.api_key[0]
        else:
            scheme, _, given = knock.authorization[0].partition(" ")
            if scheme.lower() != "bearer":
                return False
        shown = given.strip().encode("utf-8", "surrogateescape")
        return hmac.compare_digest(shown, self.token.encode())


def page_headers(origin: str, knock: Knock, verdict: Verdict) -> Mapping[str, str]:
    """What lets a browser hand the answer to that page. Never with the browser's own
    credentials: the page has to know the token."""
    headers = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    if verdict is Verdict.PREFLIGHT:
        headers["Access-Control-Allow-Methods"] = ", ".join(_PAGE_METHODS)
        headers["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
        # Clients send headers of their own making; to the gate they mean nothing.
        names = knock.asks_headers[0].strip().lower() if len(knock.asks_headers) == 1 else ""
        if _HEADER_NAMES.fullmatch(names):
            headers["Access-Control-Allow-Headers"] = names
    return headers


def is_inference(path: str) -> bool:
    """Whether `path` only asks a model something; everything else manages galosh."""
    return path in INFERENCE or (path.startswith(_ONE_MODEL) and path != _ONE_MODEL)
