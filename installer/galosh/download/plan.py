"""What is to be fetched, decided once, before the first byte: a plan and its byte sources.

Owns the identity of a download (its key) and the JSON form kept on disk. Pure.

- A plan never changes while it is fetched; what the network teaches goes to the journal.
- Neither a token nor a signed URL nor a password in a URL ever reaches the JSON form.
- Sources that disagree with the plan about size or hash are refused, never believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from galosh.base.errors import GaloshError

FORMAT = 1

SourceKind = Literal["hub", "mirror", "pypi", "https"]
Authority = Literal["catalogue", "hub", "etag", "index", "user", "none"]
Expects = Literal["gguf", "zip", "any"]

# Query names that carry a signature or a secret: such a URL is for memory only.
_SECRET_NAMES = frozenset(
    {
        "x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature",
        "x-goog-credential", "signature", "sig", "policy", "key-pair-id", "token",
        "access_token", "auth", "apikey", "api_key", "key", "password", "x-xet-signed-range",
    }
)  # fmt: skip


@dataclass(frozen=True)
class ByteSource:
    """One place that can deliver the bytes of a plan, or a stretch of them.

    etag: the strong ETag seen at `url`'s own host while planning; never a CDN's.
    member: (offset, length) of our bytes inside a bigger remote file (a stored zip member);
      `remote_size_bytes` is then that bigger file's size (None: not known).
    at: where in the planned file this source's first byte belongs. A file that several
      remote files carry in turn is one plan whose sources differ in `at` and `member`.
    token: sent to `url`'s own origin only; never stored, printed or compared.
    """

    url: str
    kind: SourceKind = "https"
    etag: str | None = None
    member: tuple[int, int] | None = None
    remote_size_bytes: int | None = None
    at: int = 0
    token: str | None = field(default=None, repr=False, compare=False)

    @property
    def host(self) -> str:
        """Host name for messages."""
        return urlsplit(self.url).hostname or self.url

    @property
    def origin(self) -> tuple[str, str, int]:
        """(scheme, host, port): the only place the token may go to."""
        return url_origin(self.url)


@dataclass(frozen=True)
class Plan:
    """One file to fetch. `sha256` is lower-case hex.

    size_bytes None: nobody said; the engine learns it from the first reply.
    origin: the user's SOURCE text, so that the plan can be made again.
    """

    file_name: str
    size_bytes: int | None
    sha256: str | None
    authority: Authority
    sources: tuple[ByteSource, ...]
    origin: str
    commit: str | None = None
    expects: Expects = "any"

    @property
    def key(self) -> str:
        """Name of this download: its sha256, else a hash of what it is fetched from."""
        if self.sha256 is not None:
            return self.sha256
        first = self.sources[0]
        text = f"{public_url(first.url)}\n{first.member}\n{first.at}\n{self.file_name}"
        return "u" + hashlib.sha256(text.encode()).hexdigest()[:40]

    def to_json(self) -> dict[str, object]:
        """The form kept on disk: no token, no signature."""
        return {
            "format": FORMAT,
            "key": self.key,
            "file_name": self.file_name,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "authority": self.authority,
            "origin": public_url(self.origin) if "://" in self.origin else self.origin,
            "commit": self.commit,
            "expects": self.expects,
            "sources": [_source_json(source) for source in self.sources],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Plan:
        """The plan that `to_json` described.

        Raises ValueError for anything else: the caller re-plans.
        """
        try:
            if data["format"] != FORMAT:
                raise ValueError(f"plan format {data['format']}")
            return _plan_from(data)
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"not a plan: {error!r}") from error


def check_plan(plan: Plan) -> None:
    """Raises GaloshError `download-plan-empty` or `download-sources-disagree` before a byte moves.

    A source that carries the whole file as a member must be as long as the plan says.
    """
    if not plan.sources:
        raise GaloshError("download-plan-empty", origin=plan.origin)
    for source in plan.sources:
        length = source.member[1] if source.member else None
        if plan.size_bytes is None or length is None:
            continue
        if source.at < 0 or source.at + length > plan.size_bytes:
            raise GaloshError(
                "download-sources-disagree",
                file_name=plan.file_name,
                host=source.host,
                planned_bytes=plan.size_bytes,
                offered_bytes=source.at + length,
            )


def with_tokens(plan: Plan, find: Callable[[str], str | None]) -> Plan:
    """The plan with `find(source url)` as each source's token: for plans read from disk."""
    sources = tuple(replace(source, token=find(source.url)) for source in plan.sources)
    return replace(plan, sources=sources)


def url_origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of a URL, with the scheme's usual port filled in."""
    parts = urlsplit(url)
    usual = 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").lower(), parts.port or usual


def public_url(url: str) -> str:
    """`url` without user, password, fragment, signature or key: fit for disk and messages."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name.lower() not in _SECRET_NAMES]
    query = parts.query if len(kept) == len(pairs) else urlencode(kept)
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def is_private_url(url: str) -> bool:
    """True if `url` holds a secret, so that a plan read from disk cannot use it any more."""
    return public_url(url) != urlunsplit((*urlsplit(url)[:4], ""))


def _source_json(source: ByteSource) -> dict[str, object]:
    return {
        "url": public_url(source.url),
        "kind": source.kind,
        "etag": source.etag,
        "member": list(source.member) if source.member else None,
        "remote_size_bytes": source.remote_size_bytes,
        "at": source.at,
        "secret": is_private_url(source.url),
    }


def _plan_from(data: Mapping[str, object]) -> Plan:
    listed = cast("list[Mapping[str, object]]", data["sources"])
    return Plan(
        file_name=str(data["file_name"]),
        size_bytes=_number(data["size_bytes"]),
        sha256=_text(data["sha256"]),
        authority=cast(Authority, str(data["authority"])),
        sources=tuple(_source_from(item) for item in listed),
        origin=str(data["origin"]),
        commit=_text(data["commit"]),
        expects=cast(Expects, str(data["expects"])),
    )


def _source_from(data: Mapping[str, object]) -> ByteSource:
    member = cast("list[int] | None", data["member"])
    return ByteSource(
        url=str(data["url"]),
        kind=cast(SourceKind, str(data["kind"])),
        etag=_text(data["etag"]),
        member=(int(member[0]), int(member[1])) if member else None,
        remote_size_bytes=_number(data["remote_size_bytes"]),
        at=_number(data["at"]) or 0,
    )


def _number(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise TypeError(f"{value!r} is not a size")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
