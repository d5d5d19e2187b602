"""Finds out what a plain address is: size, validator, whether it is a file at all.

Owns one ranged question for the first byte. Never believes a hash that a server states about
its own file; only the user's `--sha256` counts.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from galosh.base.errors import GaloshError
from galosh.download.ask import Answer, Asker, Question
from galosh.download.plan import ByteSource, Plan, public_url, url_origin
from galosh.download.resolved import Pin, Resolved
from galosh.download.source_text import safe_file_name

_TOTAL = re.compile(r"bytes\s+\d+-\d+/(\d{1,18})", re.ASCII)


def resolve_link(url: str, asker: Asker, pin: Pin | None = None) -> Resolved:
    """A plan for the file at `url`.

    Raises GaloshError `download-web-page`, `download-link-gone`, `download-link-refused`,
    `download-answer-odd`, `download-sources-disagree`, and what `Asker.ask` raises.
    """
    pin = pin or Pin()
    answer = asker.ask(Question(url, byte_range=(0, 0), body_wanted=False))
    _check(answer)
    size = _size(answer)
    if pin.size_bytes is not None and size is not None and size != pin.size_bytes:
        raise GaloshError(
            "download-sources-disagree",
            file_name=pin.file_name or safe_file_name(urlsplit(url).path),
            host=answer.host,
            planned_bytes=pin.size_bytes,
            offered_bytes=size,
        )
    size = pin.size_bytes if size is None else size
    own = ByteSource(url, "https", etag=_etag(answer, url), remote_size_bytes=size)
    plan = Plan(
        file_name=pin.file_name or safe_file_name(urlsplit(url).path),
        size_bytes=size,
        sha256=pin.sha256,
        authority="none" if pin.sha256 is None else pin.authority,
        sources=(own,),
        origin=url,
        expects="gguf",
    )
    return Resolved(
        source=public_url(url),
        file_name=plan.file_name,
        plans=(plan,),
        size_bytes=size,
        sha256=pin.sha256,
    )


def _check(answer: Answer) -> None:
    host, status = answer.host, answer.status
    if status in (404, 410):
        raise GaloshError("download-link-gone", host=host, status=status)
    if status in (401, 403):
        raise GaloshError("download-link-refused", host=host, status=status)
    if status not in (200, 206):
        raise GaloshError("download-answer-odd", host=host, status=status)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise GaloshError("download-web-page", host=host)


def _size(answer: Answer) -> int | None:
    """The file's size if the reply states it in a way that can be trusted."""
    headers = answer.headers
    if answer.status == 206:
        match = _TOTAL.fullmatch(headers.get("content-range", "").strip())
        return int(match[1]) if match else None
    if headers.get("content-encoding", "identity").lower() != "identity":
        return None
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _etag(answer: Answer, url: str) -> str | None:
    """The strong validator, if the reply came from the address's own host."""
    value = answer.headers.get("etag", "")
    same_host = url_origin(answer.url) == url_origin(url)
    return value if same_host and re.fullmatch(r'"[^"]+"', value) else None
