"""The gate: may the bytes of this reply be written, and where? Pure.

Every reply passes here before its first body byte is read. A byte is written only if the
verdict grants it: the right status, the right stretch of the right file, no encoding, no
web page, the same validator. What the gate cannot know (bit flips) the final hash finds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)
_UNSATISFIED = re.compile(r"bytes\s+\*/(\d{1,18})", re.ASCII)
_WEB_TYPES = ("text/html", "application/xhtml+xml")


class Refusal(Enum):
    """Why no byte of a reply may be used."""

    RANGE_IGNORED = "range-ignored"
    UNASKED_RANGE = "unasked-range"
    RANGE_UNSTATED = "range-unstated"
    WRONG_START = "wrong-start"
    WRONG_END = "wrong-end"
    WRONG_TOTAL = "wrong-total"
    SIZE_DIFFERS = "size-differs"
    CHANGED = "changed"
    ENCODED = "encoded"
    WEB_PAGE = "web-page"
    MULTIPART = "multipart"
    UNSATISFIABLE = "unsatisfiable"
    UNSATISFIABLE_OTHER_SIZE = "unsatisfiable-other-size"
    NOT_MODEL = "not-a-model"
    BAD_REQUEST = "bad-request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    GONE = "gone"
    PROXY_PASSWORD = "proxy-password"  # noqa: S105 - a word, not a password
    TOO_MANY = "too-many"
    BUSY = "busy"
    ODD_STATUS = "odd-status"


@dataclass(frozen=True)
class Ask:
    """What was asked of the server, in the remote file's own offsets.

    end: exclusive, None if unknown. ranged False: the whole remote file, no Range header.
    total_bytes: the remote file's size if known. etag: a strong ETag that must still hold.
    """

    start: int
    end: int | None
    ranged: bool
    total_bytes: int | None
    etag: str | None = None
    lead_max_bytes: int = 0


@dataclass(frozen=True)
class Reply:
    """Status and headers (lower-case names) as they came."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Grant:
    """Bytes that may be used: drop `skip_bytes`, then take at most `take_bytes`.

    take_bytes None: the length is not known; the body's own end must be a clean one.
    total_bytes: the remote file's size as this reply states it.
    """

    skip_bytes: int
    take_bytes: int | None
    total_bytes: int | None
    etag: str | None


def judge(ask: Ask, reply: Reply) -> Grant | Refusal:
    """The verdict on one reply."""
    if reply.status not in (200, 206):
        return _refuse_status(ask, reply)
    for check in (_encoding, _web_page, _validator):
        refusal = check(ask, reply)
        if refusal is not None:
            return refusal
    return _part(ask, reply) if reply.status == 206 else _whole(ask, reply)


def strong_etag(headers: Mapping[str, str]) -> str | None:
    """The reply's ETag if it is a strong one."""
    value = headers.get("etag", "").strip()
    return value if len(value) > 2 and value.startswith('"') and value.endswith('"') else None


def head_fits(expects: str, head: bytes) -> bool:
    """Do the first bytes of the file look like what was planned? (needs 4 bytes)"""
    if expects == "gguf":
        return head[:4] in (b"GGUF", b"FUGG")
    if expects == "zip":
        return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")
    start = head[:64].lstrip().lower()
    return not start.startswith((b"<!doctype html", b"<html"))


def _encoding(_: Ask, reply: Reply) -> Refusal | None:
    content = reply.headers.get("content-encoding", "").strip().lower()
    transfer = reply.headers.get("transfer-encoding", "").strip().lower()
    plain = content in ("", "identity") and transfer in ("", "identity", "chunked")
    return None if plain else Refusal.ENCODED


def _web_page(_: Ask, reply: Reply) -> Refusal | None:
    kind = reply.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind in _WEB_TYPES:
        return Refusal.WEB_PAGE
    return Refusal.MULTIPART if kind.startswith("multipart/") else None


def _validator(ask: Ask, reply: Reply) -> Refusal | None:
    now = strong_etag(reply.headers)
    changed = ask.etag is not None and now is not None and now != ask.etag
    return Refusal.CHANGED if changed else None


def _part(ask: Ask, reply: Reply) -> Grant | Refusal:
    if not ask.ranged:
        return Refusal.UNASKED_RANGE
    match = _CONTENT_RANGE.fullmatch(reply.headers.get("content-range", "").strip())
    if match is None:
        return Refusal.RANGE_UNSTATED
    first, last, total = (int(number) for number in match.groups())
    if first > ask.start or ask.start - first > ask.lead_max_bytes or last < ask.start:
        return Refusal.WRONG_START
    if last >= total or (ask.end is not None and last >= ask.end):
        return Refusal.WRONG_END
    if ask.total_bytes is not None and total != ask.total_bytes:
        return Refusal.WRONG_TOTAL
    # A Content-Length that contradicts the range is not believed either way: what falls
    # short is asked again, what is too much is dropped.
    return Grant(ask.start - first, last + 1 - ask.start, total, strong_etag(reply.headers))


def _whole(ask: Ask, reply: Reply) -> Grant | Refusal:
    length = _length(reply.headers)
    if length is not None and ask.total_bytes is not None and length != ask.total_bytes:
        return Refusal.SIZE_DIFFERS
    if ask.ranged:
        return Refusal.RANGE_IGNORED
    total = ask.total_bytes if ask.total_bytes is not None else length
    return Grant(0, total, total, strong_etag(reply.headers))


def _refuse_status(ask: Ask, reply: Reply) -> Refusal:
    if reply.status == 416:
        match = _UNSATISFIED.fullmatch(reply.headers.get("content-range", "").strip())
        same = match is None or ask.total_bytes in (None, int(match.group(1)))
        return Refusal.UNSATISFIABLE if same else Refusal.UNSATISFIABLE_OTHER_SIZE
    known = {
        400: Refusal.BAD_REQUEST,
        401: Refusal.UNAUTHORIZED,
        403: Refusal.FORBIDDEN,
        404: Refusal.NOT_FOUND,
        407: Refusal.PROXY_PASSWORD,
        408: Refusal.BUSY,
        410: Refusal.GONE,
        425: Refusal.BUSY,
        429: Refusal.TOO_MANY,
        511: Refusal.WEB_PAGE,  # "network authentication required": a sign-in page by number
    }
    if reply.status >= 500:
        return known.get(reply.status, Refusal.BUSY)
    return known.get(reply.status, Refusal.ODD_STATUS)


def _length(headers: Mapping[str, str]) -> int | None:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return None
    text = headers.get("content-length", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
