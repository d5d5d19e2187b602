"""Who may pass: Host, Origin, token and route, decided from plain values. Pure.

Rules: checked on every request before anything else, unknown addresses included. On the
TCP door Host must be exactly one of our own three names (or one of `api.allowed_hosts`) with
our port, any Origin, Referer or Sec-Fetch-Site that is not ours is refused, and everything
needs the token; only the inference routes open when `api.require_token` is false. Pages of
`api.allowed_origins` may ask a model and read the answer, with the token where one is
required; the management routes are shut to them whatever the settings say. On the Unix
socket (private folder, same user) no token is asked for, but a browser's headers are refused
all the same.

galosh's own page: its files hold no secret and need no token. Its session counts as the token
only while both halves are shown, the cookie (which a browser shows to every port of this
address, another user's server included) and the key (which the page keeps for its own origin),
and only by that origin (decision 0010).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
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

# galosh's own page: files without a secret, and where it trades the code of a link.
PAGE, PAGE_FILES = "/", "/page/"
SESSION = "/galosh/v1/session"
COOKIE = "galosh_session"
KEY_HEADER = "X-Galosh-Key"
_COOKIES = 8  # another port of this address may have set cookies of the same name

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
    cookie: Sequence[str] = ()
    page_key: Sequence[str] = ()  # X-Galosh-Key


@dataclass(frozen=True)
class Door:
    """One way in. port None: the Unix socket. token: what TCP clients must show.

    origins, hosts: pages, and names of this port, that the user let in by a setting.
    sessions: what `seal` makes of both halves of every session of galosh's own page.
    """

    port: int | None
    token: str
    require_token: bool = True
    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    sessions: Collection[str] = ()

    def judge(self, knock: Knock) -> Verdict:
        """Whether this request may go on."""
        if not self._host_is_ours(knock.host) or not self._page_is_ours(knock):
            return Verdict.FORBIDDEN
        if knock.method == "OPTIONS" and self.page_of(knock) is not None:
            asked = [method in _PAGE_METHODS for method in knock.asks_method]
            return Verdict.PREFLIGHT if asked == [True] else Verdict.FORBIDDEN
        if self.port is None or is_page(knock.path):
            return Verdict.PASS
        if knock.path == SESSION and knock.method == "POST":
            own = len(knock.origin) == 1 and self._own_page_asks(knock)
            return Verdict.PASS if own else Verdict.FORBIDDEN
        if not self.require_token and is_inference(knock.path):
            return Verdict.PASS
        known = self._token_fits(knock) or self.session_of(knock) is not None
        return Verdict.PASS if known else Verdict.UNAUTHORIZED

    def session_of(self, knock: Knock) -> str | None:
        """The session whose two halves galosh's own page shows; None where it shows none."""
        if len(knock.page_key) != 1 or not self._own_page_asks(knock):
            return None
        for cookie in _cookies(knock.cookie):
            shown = seal(self.token, cookie, knock.page_key[0])
            if any(hmac.compare_digest(shown, known) for known in self.sessions):
                return shown
        return None

    def _own_page_asks(self, knock: Knock) -> bool:
        """Whether this can come from the page under the very name that was asked.

        Old browsers name the origin only where they write; the key's header is then what no
        page of another origin can send without asking first.
        """
        if len(knock.host) != 1 or self.port is None or knock.host[0] not in self._own_hosts():
            return False
        page = f"http://{knock.host[0]}"
        same = all(origin == page for origin in knock.origin)
        return same and all(site == "same-origin" for site in knock.fetch_site)

    def _own_hosts(self) -> set[str]:
        return {f"{name}:{self.port}" for name in _OWN_NAMES}

    def _host_is_ours(self, values: Sequence[str]) -> bool:
        if len(values) != 1:
            return False
        if self.port is None:
            name, colon, port = values[0].rpartition(":")
            if colon and port.isascii() and port.isdigit() and len(port) <= 5:
                return name in _SOCKET_HOSTS
            return values[0] in _SOCKET_HOSTS
        return values[0] in self._own_hosts() | {f"{name}:{self.port}" for name in self.hosts}

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
            own = {f"http://{host}" for host in self._own_hosts()}
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


def seal(token: str, cookie: str, key: str) -> str:
    """What galosh keeps of a session: another token makes every session worthless, and
    neither half can be read out of it."""
    both = f"{cookie}\n{key}".encode("utf-8", "backslashreplace")
    return hmac.new(token.encode(), both, hashlib.sha256).hexdigest()


def _cookies(headers: Sequence[str]) -> Iterator[str]:
    """The first few values of our cookie."""
    pairs = (pair.strip().partition("=") for header in headers for pair in header.split(";"))
    values = (value.strip('"') for name, _, value in pairs if name == COOKIE)
    for _, value in zip(range(_COOKIES), values, strict=False):
        yield value


def is_page(path: str) -> bool:
    """Whether `path` is a file of galosh's own page."""
    return path == PAGE or path.startswith(PAGE_FILES)


def is_open_to_all(path: str) -> bool:
    """Whether whoever knows our Host may ask this: the page's files, and for a session."""
    return is_page(path) or path == SESSION


def is_inference(path: str) -> bool:
    """Whether `path` only asks a model something; everything else manages galosh."""
    return path in INFERENCE or (path.startswith(_ONE_MODEL) and path != _ONE_MODEL)
