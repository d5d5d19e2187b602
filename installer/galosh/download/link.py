"""One link: a session, redirects followed by hand, every reply judged by the gate.

- The token goes to the source's own origin and nowhere else; netrc is never asked.
- No redirect from TLS to plain HTTP; at most ten; the query is kept as it came.
- A redirect's target is remembered (`Routes`), so that many ranges use one signed URL, and
  followed anew before its signature ends.
- `Accept-Encoding: identity` always; nothing is ever decoded.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from galosh.base.clock import Clock
from galosh.download.backoff import wish_seconds
from galosh.download.body import Body
from galosh.download.explain import explain
from galosh.download.gate import Ask, Grant, Refusal, Reply, judge
from galosh.download.limits import Limits
from galosh.download.plan import ByteSource, Plan, url_origin
from galosh.download.signature import expiry_seconds
from galosh.download.trouble import Kind, Trouble

if TYPE_CHECKING:
    import requests

SessionFactory = Callable[[], "requests.Session"]

_REDIRECTS = (301, 302, 303, 307, 308)


class TroubleError(Exception):
    """A link failed; `trouble` says how."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.kind.value)
        self.trouble = trouble


@dataclass(frozen=True)
class Route:
    """Where a source's bytes really lie. expires: wall-clock seconds, None if never."""

    url: str
    expires: float | None


class Routes:
    """The redirect targets in use, shared by the links of one download. In memory only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[int, Route] = {}

    def get(self, index: int, wall_seconds: float, spare_seconds: float) -> Route | None:
        """The route of a source if it lasts a while yet."""
        with self._lock:
            route = self._known.get(index)
            if route is None:
                return None
            if route.expires is not None and route.expires - wall_seconds < spare_seconds:
                del self._known[index]
                return None
            return route

    def put(self, index: int, route: Route) -> None:
        """Remember a route."""
        with self._lock:
            self._known[index] = route

    def drop(self, index: int | None = None) -> None:
        """Forget one route, or all."""
        with self._lock:
            if index is None:
                self._known.clear()
            else:
                self._known.pop(index, None)


@dataclass(frozen=True)
class Answer:
    """A granted reply. host: who sends the bytes; headers of the last reply."""

    body: Body
    grant: Grant
    host: str
    etag: str | None


def make_session() -> requests.Session:
    """A session with the system's proxies and CA bundle, without netrc and without cookies."""
    import requests

    class NoNetrc(requests.auth.AuthBase):
        """requests asks netrc only when a session has no authentication of its own."""

        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            return request

    session = requests.Session()
    session.auth = NoNetrc()
    session.headers.clear()
    return session


class Link:
    """Not thread-safe, but `shut` may be called from another thread."""

    def __init__(
        self, plan: Plan, routes: Routes, limits: Limits, clock: Clock, factory: SessionFactory
    ) -> None:
        self._plan = plan
        self._routes = routes
        self._limits = limits
        self._clock = clock
        self._factory = factory
        self._session: requests.Session | None = None
        self._body: Body | None = None
        self.used = False  # a connection may have been kept, and gone stale since

    def open(self, index: int, ask: Ask) -> Answer:
        """Ask source `index`; the body is open and not yet read. Raises TroubleError."""
        source = self._plan.sources[index]
        route = self._routes.get(
            index, self._clock.wall_seconds(), self._limits.renew_before_seconds
        )
        fresh = route is None
        url = source.url if route is None else route.url
        seen: list[str] = []
        for _ in range(self._limits.redirects_max + 1):
            seen.append(url)
            reply = self._get(source, url, ask)
            location = reply.headers.get("Location")
            if reply.status_code not in _REDIRECTS or location is None:
                break
            self._check_linked(source, reply)
            reply.close()
            url = self._follow(source, url, location)
        else:
            host = urlsplit(url).hostname or ""
            raise TroubleError(Trouble(Kind.REDIRECTS, host, detail="too many redirects"))
        if fresh and len(seen) > 1:
            self._routes.put(index, Route(url, expiry_seconds(url)))
        return self._judge(source, url, seen, reply, ask, fresh)

    def shut(self) -> None:
        """End the body under way at once (sleep, stall, stop)."""
        body = self._body
        if body is not None:
            body.shut()

    def done(self, *, keep: bool) -> None:
        """The body is not needed any more; `keep` its connection if it was read to its end."""
        body, self._body = self._body, None
        if body is None:
            return
        if keep:
            body.finish()
            self.used = True
        else:
            body.close()

    def reset(self) -> None:
        """Drop all connections of this link."""
        self.done(keep=False)
        session, self._session = self._session, None
        self.used = False
        if session is not None:
            session.close()

    def _get(self, source: ByteSource, url: str, ask: Ask) -> requests.Response:
        import requests

        if self._session is None:
            self._session = self._factory()
        headers = {
            "Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "galosh",
            **_authorization(source, url),
        }  # fmt: skip
        if ask.ranged:
            last = "" if ask.end is None else str(ask.end - 1)
            headers["Range"] = f"bytes={ask.start}-{last}"
            if ask.etag is not None and url_origin(url) == source.origin:
                headers["If-Range"] = ask.etag
        try:
            reply = self._session.get(
                _without_user(url), headers=headers, stream=True, allow_redirects=False,
                timeout=(self._limits.connect_seconds, self._limits.stall_seconds),
            )  # fmt: skip
        except (requests.RequestException, OSError, ValueError) as error:
            raise TroubleError(explain(error, url)) from error
        self._session.cookies.clear()
        return reply

    def _follow(self, source: ByteSource, url: str, location: str) -> str:
        target = urljoin(url, location)
        parts = urlsplit(target)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise TroubleError(Trouble(Kind.REDIRECTS, source.host, detail="to no web address"))
        if urlsplit(url).scheme == "https" and parts.scheme == "http":
            detail = f"from TLS to plain HTTP at {parts.hostname}"
            raise TroubleError(Trouble(Kind.REDIRECTS, source.host, detail=detail))
        return target

    def _check_linked(self, source: ByteSource, reply: requests.Response) -> None:
        """The hub says on its redirect which file it leads to: compare before a byte moves."""
        if source.member is not None or url_origin(reply.url) != source.origin:
            return
        etag = reply.headers.get("X-Linked-Etag", "").strip('W/"')
        size = reply.headers.get("X-Linked-Size", "")
        sha256 = self._plan.sha256
        other_hash = sha256 is not None and len(etag) == 64 and etag.lower() != sha256
        planned = self._plan.size_bytes
        other_size = planned is not None and size.isdigit() and int(size) != planned
        if other_hash or other_size:
            reply.close()
            refusal = Refusal.CHANGED if other_hash else Refusal.SIZE_DIFFERS
            raise TroubleError(Trouble(Kind.REFUSED, source.host, refusal, reply.status_code))

    def _judge(
        self, source: ByteSource, url: str, seen: list[str], reply: requests.Response,
        ask: Ask, fresh: bool,
    ) -> Answer:  # fmt: skip
        headers = {name.lower(): value for name, value in reply.headers.items()}
        host = urlsplit(url).hostname or ""
        at_origin = url_origin(url) == source.origin
        # A CDN's ETag is another value: validators are compared at one origin only.
        asked = ask if at_origin else Ask(**{**vars(ask), "etag": None})
        verdict = judge(asked, Reply(reply.status_code, headers))
        if isinstance(verdict, Grant):
            self._body = Body(reply)
            return Answer(self._body, verdict, host, verdict.etag)
        reply.close()
        wish = wish_seconds(headers, reply.status_code, self._clock.wall_seconds())
        raise TroubleError(
            Trouble(
                Kind.REFUSED, host, verdict, reply.status_code,
                error_code=headers.get("x-error-code"), at_origin=at_origin, fresh=fresh,
                secure=all(one.startswith("https:") for one in seen),
                has_token=source.token is not None, hub=source.kind == "hub",
                wish_seconds=wish,
            )
        )  # fmt: skip


def _authorization(source: ByteSource, url: str) -> dict[str, str]:
    if url_origin(url) != source.origin:
        return {}
    if source.token is not None:
        return {"Authorization": f"Bearer {source.token}"}
    parts = urlsplit(source.url)
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
