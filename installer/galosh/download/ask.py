"""Asks servers for small things: what a source is, not its bytes.

Owns the manners of every metadata request: time limits, a byte cap on every reply, redirects
one by one (never from https to http, the token only to its own origin), no surprises from a
netrc file, tries again what passes by itself. Never used for a model's bytes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from galosh.base.clock import Clock, SystemClock
from galosh.base.errors import GaloshError
from galosh.download.plan import url_origin

if TYPE_CHECKING:
    import requests

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

_MIB = 1024 * 1024
_REDIRECTS_MAX = 10
_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Manners:
    """Limits of one question. Times in seconds; the whole answer must come in `whole_seconds`."""

    connect_seconds: float = 10.0
    silence_seconds: float = 20.0
    whole_seconds: float = 90.0
    tries: int = 3
    pause_seconds: float = 1.0
    limit_bytes: int = 16 * _MIB


@dataclass(frozen=True)
class Question:
    """One request. `headers` go to the first origin and to every redirect; the token does not."""

    url: str
    method: str = "GET"
    token: str | None = None
    accept: str = "*/*"
    byte_range: tuple[int, int] | None = None  # first and last byte
    follow: bool = True
    limit_bytes: int | None = None
    body_wanted: bool = True


@dataclass(frozen=True)
class Answer:
    """One reply; header names in lower case. `url` is where it came from in the end."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def host(self) -> str:
        """Host name for messages."""
        return urlsplit(self.url).hostname or "?"

    def json(self) -> object:
        """The body as JSON.

        Raises GaloshError `download-captive-portal` for a web page in its place, or
        `download-answer-unclear`.
        """
        if "html" in self.headers.get("content-type", ""):
            raise GaloshError("download-captive-portal", host=self.host)
        try:
            document: object = json.loads(self.body)
        except ValueError as error:
            raise GaloshError("download-answer-unclear", host=self.host) from error
        return document


class Asker:
    """Asks questions over one pool of connections; a context manager."""

    def __init__(self, manners: Manners | None = None, clock: Clock | None = None) -> None:
        import requests

        self._manners = manners or Manners()
        self._clock = clock or SystemClock()
        self._session = requests.Session()
        self._session.headers["Accept-Encoding"] = "identity"
        self._session.headers["User-Agent"] = "galosh"
        # Any auth object keeps requests from reading passwords out of a netrc file.
        self._session.auth = _no_login

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *exception: object) -> None:
        self._session.close()

    def ask(self, question: Question) -> Answer:
        """The answer, whatever its status below 500 but 407 and 429.

        Raises GaloshError `download-network-away`, `download-tls-untrusted`,
        `download-proxy-password`, `download-rate-limited`, `download-server-busy`,
        `download-redirects-wrong`, `download-answer-too-long`, `download-source-unclear`.
        """
        for attempt in range(1, self._manners.tries + 1):
            try:
                answer = self._walk(question)
            except GaloshError as error:
                if error.code != "download-network-away" or attempt == self._manners.tries:
                    raise
            else:
                busy = answer.status >= 500
                if not busy or attempt == self._manners.tries:
                    return _judged(answer)
            self._clock.sleep(self._manners.pause_seconds * 2 ** (attempt - 1))
        raise AssertionError("the last try answers or raises")

    def _walk(self, question: Question) -> Answer:
        url, first = question.url, url_origin(question.url)
        until = self._clock.monotonic_seconds() + self._manners.whole_seconds
        for _ in range(_REDIRECTS_MAX + 1):
            mine = url_origin(url) == first
            answer = self._send(question, url, mine, until)
            target = answer.headers.get("location")
            if answer.status not in REDIRECT_STATUSES or not target or not question.follow:
                return answer
            url = urljoin(answer.url, target)
            if first[0] == "https" and not url.lower().startswith("https:"):
                raise GaloshError(
                    "download-redirects-wrong", host=answer.host, reason="https to http"
                )
        raise GaloshError(
            "download-redirects-wrong", host=urlsplit(url).hostname, reason=f"> {_REDIRECTS_MAX}"
        )

    def _send(self, question: Question, url: str, mine: bool, until: float) -> Answer:
        import requests

        bare, login = split_login(url)
        headers = {"Accept": question.accept}
        if mine and question.token is not None:
            headers["Authorization"] = f"Bearer {question.token}"
        elif login is not None:
            headers["Authorization"] = requests.auth._basic_auth_str(*login)
        if question.byte_range is not None:
            headers["Range"] = "bytes={}-{}".format(*question.byte_range)
        times = (self._manners.connect_seconds, self._manners.silence_seconds)
        with _explained(bare):
            reply = self._session.request(
                question.method, bare, headers=headers, timeout=times, stream=True,
                allow_redirects=False,
            )  # fmt: skip
            with contextlib.closing(reply):
                names = {name.lower(): value for name, value in reply.headers.items()}
                body = self._read(reply, question, until) if question.body_wanted else b""
        return Answer(url, reply.status_code, names, body)

    def _read(self, reply: requests.Response, question: Question, until: float) -> bytes:
        limit = question.limit_bytes or self._manners.limit_bytes
        body = bytearray()
        for block in reply.iter_content(_BLOCK_BYTES):
            body += block
            if len(body) > limit:
                host = urlsplit(reply.url).hostname
                raise GaloshError("download-answer-too-long", host=host, limit_bytes=limit)
            if self._clock.monotonic_seconds() > until:
                raise _away(reply.url, "too slow")
        return bytes(body)


def split_login(url: str) -> tuple[str, tuple[str, str] | None]:
    """`url` without user and password, and those two if there were any."""
    parts = urlsplit(url)
    login, mark, host = parts.netloc.rpartition("@")
    if not mark:
        return url, None
    user, _, password = login.partition(":")
    return urlunsplit(parts._replace(netloc=host)), (unquote(user), unquote(password))


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _judged(answer: Answer) -> Answer:
    if answer.status == 407:
        raise GaloshError("download-proxy-password", host=answer.host)
    if answer.status == 429:
        wait = answer.headers.get("retry-after", "")
        seconds = float(wait) if wait.isascii() and wait.isdigit() else None
        raise GaloshError("download-rate-limited", host=answer.host, wait_seconds=seconds)
    if answer.status >= 500:
        raise GaloshError("download-server-busy", host=answer.host, status=answer.status)
    return answer


@contextlib.contextmanager
def _explained(url: str) -> Iterator[None]:
    """What the network library raises, as our errors."""
    import requests

    try:
        yield
    except requests.exceptions.ProxyError as error:
        if "407" in str(error):
            host = urlsplit(url).hostname
            raise GaloshError("download-proxy-password", host=host) from error
        raise _away(url, "proxy") from error
    except requests.exceptions.SSLError as error:
        raise GaloshError(
            "download-tls-untrusted", host=urlsplit(url).hostname, reason=_root(error)
        ) from error
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    ) as error:
        raise GaloshError("download-source-unclear", source=url[:200]) from error
    except requests.exceptions.RequestException as error:
        raise _away(url, _root(error)) from error


def _away(url: str, reason: str) -> GaloshError:
    return GaloshError("download-network-away", host=urlsplit(url).hostname, reason=reason)


def _root(error: BaseException) -> str:
    """The innermost cause in the system's own words, without addresses or objects."""
    seen: BaseException = error
    for _ in range(8):
        reason = getattr(seen, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        inner = inner or next((a for a in seen.args if isinstance(a, BaseException)), None)
        inner = inner or seen.__cause__
        if inner is None:
            break
        seen = inner
    text = getattr(seen, "strerror", None) or getattr(seen, "verify_message", None)
    return str(text or type(seen).__name__)
