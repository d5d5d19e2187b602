"""Prefixes on disk: what the model remembers of texts it has read, in signed files.

A state goes to native code that trusts every byte of it (a crafted one writes past its
buffer), so a file counts only if its keyed hash, over header, tokens and state, is right;
the bytes that were checked are the bytes that are used. Files are written beside their
place, synced, and moved there; they are the user's alone, since their tokens are his words.
What is not right is removed. Never reads or writes anything outside its folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

_MAGIC = b"GALOSHP1"
_SUFFIX = ".prefix"
_PART = ".part"
_MAC_BYTES = 32
_MAX_HEAD_BYTES = 4096
_MAX_FILES = 256
_CHUNK_BYTES = 8 * 1024 * 1024
# Another worker may be writing right now; what is older than this was left by a crash.
_STALE_SECONDS = 300.0


@dataclass(frozen=True)
class SavedPrefix:
    """A file: which tokens it holds (int32, native order), back to which position."""

    name: str
    tokens: bytes
    oldest: int
    state_bytes: int


class PrefixFiles:
    """The folder of one model's saved prefixes; others' files in it only count."""

    def __init__(self, folder: Path, key: bytes, identity: str, budget_bytes: int) -> None:
        self._folder = folder
        self._key = key
        self._identity = identity
        self.budget_bytes = budget_bytes
        self._own = hashlib.blake2b(identity.encode(), key=key, digest_size=8).hexdigest()

    def scan(self) -> list[SavedPrefix]:
        """The files of this model whose heads are genuine, least recently used first."""
        found = []
        for path, facts in self._files():
            if path.name.startswith(self._own):
                saved = self._read_head(path)
                if saved is None:
                    self.remove(path.name)
                else:
                    found.append((facts.st_mtime_ns, saved))
        return [saved for _, saved in sorted(found, key=lambda entry: entry[0])]

    def read(self, saved: SavedPrefix) -> bytearray | None:
        """The state, if every byte of the file is genuine; else the file is removed."""
        path = self._folder / saved.name
        try:
            with _open_plain(path) as file:
                head = self._head(saved.tokens, saved.oldest, saved.state_bytes)
                if file.read(len(head)) != head:
                    raise ValueError
                file.seek(_MAC_BYTES, os.SEEK_CUR)
                state = bytearray(saved.state_bytes)
                mac = file.read(_MAC_BYTES) if file.readinto(state) == len(state) else b""
                whole = not file.read(1)
            if not whole or not hmac.compare_digest(mac, self._mac(head, state)):
                raise ValueError
            os.utime(path)
        except (OSError, ValueError, MemoryError):
            self.remove(saved.name)
            return None
        return state

    def write(
        self, tokens: bytes, oldest: int, state: bytearray, deadline: float | None = None
    ) -> SavedPrefix | None:
        """Save a state durably, the least recently used files making room; None where it
        does not fit, the disk refuses, or `deadline` (time.monotonic) came first."""
        head = self._head(tokens, oldest, len(state))
        size_bytes = len(head) + 2 * _MAC_BYTES + len(state)
        saved = SavedPrefix(self._name(tokens), tokens, oldest, len(state))
        path = self._folder / saved.name
        part = path.with_name(f"{saved.name}.{os.getpid()}{_PART}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._make_room(size_bytes):
                return None
            try:
                self._write_part(part, head, state, deadline)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            _sync_folder(self._folder)
        except (OSError, TimeoutError):
            return None
        return saved

    def touch(self, names: Iterable[str]) -> None:
        """Note that these were used now, one after the other."""
        now = time.time_ns()
        for number, name in enumerate(names):
            with contextlib.suppress(OSError):
                os.utime(self._folder / name, ns=(now + number, now + number))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError:
            return

    def _write_part(
        self, part: Path, head: bytes, state: bytearray, deadline: float | None
    ) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        flags |= getattr(os, "O_BINARY", 0)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, flags, 0o600), "wb", buffering=0) as file:
            file.write(head + self._head_mac(head))
            rest = memoryview(state)
            while rest:
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError
                rest = rest[file.write(rest[:_CHUNK_BYTES]) or 0 :]
            file.write(self._mac(head, state))
            os.fsync(file.fileno())

    def _make_room(self, size_bytes: int) -> bool:
        """Remove the least recently used files until this many bytes fit."""
        if size_bytes > self.budget_bytes:
            return False
        files = sorted(self._files(), key=lambda entry: entry[1].st_mtime_ns)
        total = sum(facts.st_size for _, facts in files)
        while files and (total + size_bytes > self.budget_bytes or len(files) >= _MAX_FILES):
            path, facts = files.pop(0)
            path.unlink(missing_ok=True)
            total -= facts.st_size
        return True

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """The regular files with our ending; what a crash left behind is removed."""
        try:
            entries = list(self._folder.iterdir())
        except OSError:
            return
        for path in entries:
            facts = _facts(path)
            if facts is None:
                continue
            stale = time.time() - facts.st_mtime > _STALE_SECONDS
            odd = path.suffix == _SUFFIX and not stat.S_ISREG(facts.st_mode)
            if odd or (path.suffix == _PART and stale):
                self.remove(path.name)
            elif path.suffix == _SUFFIX:
                yield path, facts

    def _read_head(self, path: Path) -> SavedPrefix | None:
        try:
            with _open_plain(path) as file:
                size_bytes = os.fstat(file.fileno()).st_size
                magic = file.read(len(_MAGIC))
                length = int.from_bytes(file.read(4), "big")
                if magic != _MAGIC or length > _MAX_HEAD_BYTES:
                    return None
                facts = json.loads(file.read(length))
                tokens = file.read(facts["tokens"] * 4)
                mac = file.read(_MAC_BYTES)
            head = self._head(tokens, facts["oldest"], facts["state_bytes"])
            expected = len(head) + 2 * _MAC_BYTES + facts["state_bytes"]
        except (OSError, ValueError, TypeError, KeyError, OverflowError):
            return None
        if not hmac.compare_digest(mac, self._head_mac(head)) or size_bytes != expected:
            return None
        return SavedPrefix(path.name, tokens, facts["oldest"], facts["state_bytes"])

    def _head(self, tokens: bytes, oldest: int, state_bytes: int) -> bytes:
        facts = {
            "identity": self._identity,
            "tokens": len(tokens) // 4,
            "oldest": oldest,
            "state_bytes": state_bytes,
        }
        text = json.dumps(facts, sort_keys=True).encode("ascii")
        return _MAGIC + len(text).to_bytes(4, "big") + text + tokens

    def _head_mac(self, head: bytes) -> bytes:
        return hashlib.blake2b(head, key=self._key, digest_size=_MAC_BYTES, person=b"head").digest()

    def _mac(self, head: bytes, state: bytearray) -> bytes:
        mac = hashlib.blake2b(head, key=self._key, digest_size=_MAC_BYTES, person=b"whole")
        mac.update(state)
        return mac.digest()

    def _name(self, tokens: bytes) -> str:
        mac = hashlib.blake2b(tokens, key=self._key, digest_size=16, person=b"name")
        return f"{self._own}-{mac.hexdigest()}{_SUFFIX}"


def _facts(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None


def _open_plain(path: Path) -> BufferedReader:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("not a file")
    return file


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows has no handle to sync a folder by
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
