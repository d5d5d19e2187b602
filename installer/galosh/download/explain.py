"""Puts a name on what the HTTP library raised: no network, blocked host, proxy, TLS, stall.

Looks at types first and at the library's words only where it has no type for a case.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from galosh.download.trouble import Kind, Trouble

_NO_NETWORK = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)


def explain(error: BaseException, url: str) -> Trouble:
    """The trouble behind an exception of requests, urllib3 or the socket."""
    import requests

    host = urlsplit(url).hostname or ""
    chain = list(_causes(error))
    text = " ".join(str(one) for one in chain)
    if any(isinstance(one, requests.exceptions.ProxyError) for one in chain):
        password = "407" in text
        return Trouble(Kind.PROXY_PASSWORD if password else Kind.PROXY, host, detail=_last(chain))
    if any(isinstance(one, (ssl.SSLCertVerificationError, ssl.CertificateError)) for one in chain):
        return Trouble(Kind.TLS, host, detail=_last(chain))
    if any(isinstance(one, socket.gaierror) for one in chain):
        return Trouble(Kind.NETWORK, host, detail="the name was not found")
    if any(isinstance(one, OSError) and one.errno in _NO_NETWORK for one in chain):
        return Trouble(Kind.NETWORK, host, detail="no way there")
    if any(isinstance(one, requests.exceptions.ConnectTimeout) for one in chain):
        return Trouble(Kind.CONNECT, host, detail="no answer to the connection")
    if any(isinstance(one, ConnectionRefusedError) for one in chain):
        return Trouble(Kind.CONNECT, host, detail="the connection was refused")
    if any(isinstance(one, (requests.exceptions.Timeout, TimeoutError)) for one in chain):
        return Trouble(Kind.STALL, host, detail="nothing came")
    return Trouble(Kind.CUT, host, detail=_last(chain))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it was raised from, and what it carries."""
    seen: set[int] = set()
    queue: list[BaseException] = [error]
    while queue:
        one = queue.pop(0)
        if id(one) in seen or len(seen) > 30:
            continue
        seen.add(id(one))
        yield one
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        queue.extend(item for item in inner if isinstance(item, BaseException))


def _last(chain: list[BaseException]) -> str:
    """The innermost words, without addresses of objects and without URLs."""
    for one in reversed(chain):
        text = str(one).strip()
        if text and "object at 0x" not in text and "://" not in text and "url:" not in text:
            return text[:160]
    return type(chain[-1]).__name__
