"""The files of the notebook page: from the folder `page` beside this module, and no other.

Rules: names are plain (one folder deep at most), types are known; what was read is kept,
packed too, until the file changes.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from galosh.base.errors import GaloshError

INDEX = "index.html"
FOLDER = Path(__file__).with_name("page")
_NAME = re.compile(r"([a-z0-9_-]{1,40}/)?[a-z0-9_-]{1,40}\.(html|js|css|svg)")
_TYPES = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True)
class PageFile:
    """One file as it is sent. mark: changes with the contents (an ETag)."""

    content_type: str
    data: bytes
    packed: bytes
    mark: str
    changed_at_ns: int


_known: dict[str, PageFile] = {}
_lock = threading.Lock()


def find(name: str) -> PageFile:
    """The file of this name. Raises GaloshError `server-not-found`."""
    matched = _NAME.fullmatch(name)
    if matched is None:
        raise GaloshError("server-not-found")
    path = FOLDER / name
    try:
        changed_at_ns = path.stat().st_mtime_ns
        with _lock:
            known = _known.get(name)
            if known is None or known.changed_at_ns != changed_at_ns:
                known = _known[name] = _read(path, _TYPES[matched[2]], changed_at_ns)
            return known
    except OSError as error:
        raise GaloshError("server-not-found") from error


def _read(path: Path, content_type: str, changed_at_ns: int) -> PageFile:
    data = path.read_bytes()
    mark = f'"{hashlib.sha256(data).hexdigest()[:24]}"'
    return PageFile(content_type, data, gzip.compress(data, 9, mtime=0), mark, changed_at_ns)
