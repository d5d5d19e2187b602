"""What a user may write as SOURCE, taken apart. Pure: nothing is looked up here.

Rules: `hf:OWNER/REPO[:QUANT-or-FILE][@REVISION]`, the hub's own page and file addresses,
`https://…`, `pypi:PACKAGE[==VERSION]`; anything else is a name (catalogue id or file).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from galosh.base.errors import GaloshError

HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})

_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_PACKAGE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*?)(?:==(?P<version>[\w.!+-]+))?")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class HubText:
    """A model on the hub. choice: a quantisation, a file, or None for the usual one."""

    repo: str
    choice: str | None = None
    revision: str = "main"


@dataclass(frozen=True)
class LinkText:
    """Any other address."""

    url: str


@dataclass(frozen=True)
class PackageText:
    """A package of the Python index that carries a model. version None: the newest."""

    name: str
    version: str | None = None


@dataclass(frozen=True)
class NameText:
    """A catalogue id or the path of a file; only a look can tell."""

    name: str


SourceText = HubText | LinkText | PackageText | NameText


def parse_source(text: str) -> SourceText:
    """Take a SOURCE apart.

    Raises GaloshError `download-source-unclear` for what follows none of the forms.
    """
    text = text.strip()
    if text.startswith("hf:"):
        return _hub(text, text[len("hf:") :])
    if text.startswith("pypi:"):
        match = _PACKAGE.fullmatch(text[len("pypi:") :].strip())
        if match is None:
            raise _unclear(text)
        return PackageText(match["name"], match["version"])
    if re.match(r"https?://", text, re.IGNORECASE):
        return _hub_address(text) or _link(text)
    if not text or re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE):
        raise _unclear(text)
    return NameText(text)


def check_sha256(text: str | None) -> str | None:
    """A digest in the one form used here: 64 lower-case hexadecimal digits.

    Raises GaloshError `download-sha256-unclear`.
    """
    if text is None:
        return None
    digest = text.strip().lower().removeprefix("sha256:")
    if _DIGEST.fullmatch(digest) is None:
        raise GaloshError("download-sha256-unclear", given=text[:100], length=len(digest))
    return digest


def is_sha256(text: str | None) -> bool:
    """Whether `text` is a digest in that form."""
    return text is not None and _DIGEST.fullmatch(text) is not None


def safe_file_name(name: str) -> str:
    """The last piece of a remote name as a name every file system takes; `model` if none is left.

    A name from the network never leads out of the folder it is meant for.
    """
    last = unquote(name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    last = re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", last).strip(" .")
    stem = last.partition(".")[0].upper()
    if re.fullmatch(r"CON|PRN|AUX|NUL|COM\d|LPT\d", stem):
        last = f"_{last}"
    return last[-200:] or "model"


def _hub(text: str, rest: str) -> HubText:
    rest, _, revision = rest.partition("@")
    repo, _, choice = rest.partition(":")
    if _REPO.fullmatch(repo) is None or ".." in repo:
        raise _unclear(text)
    if ".." in choice.split("/") or ".." in revision.split("/"):
        raise _unclear(text)
    return HubText(repo, choice or None, revision or "main")


def _hub_address(text: str) -> HubText | None:
    """The hub's own addresses, as a browser shows them; None for any other."""
    parts = urlsplit(text)
    if (parts.hostname or "").lower() not in HUB_HOSTS:
        return None
    pieces = [unquote(piece) for piece in parts.path.split("/") if piece]
    if len(pieces) == 2:
        return _hub(text, "/".join(pieces))
    if len(pieces) >= 5 and pieces[2] in ("resolve", "blob"):
        return HubText("/".join(pieces[:2]), "/".join(pieces[4:]), pieces[3])
    return None


def _link(text: str) -> LinkText:
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise _unclear(text)
    return LinkText(text)


def _unclear(text: str) -> GaloshError:
    return GaloshError("download-source-unclear", source=text[:200])
