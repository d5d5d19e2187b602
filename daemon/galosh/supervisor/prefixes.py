"""Where a model's read prefixes are kept between runs, and the key that seals them.

What is kept is the user's text in token form, so folder and key are for the user alone (0700,
0600) and `prefix.keep = false` keeps nothing. The key never leaves this PC: a saved state
without its seal is never given to native code. The identity names everything that must be
the same for a state to be of use: file, engine, settings that change it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import secrets
import sys
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.fit.memory import RunSettings
from galosh.supervisor.load_plan import Prefixes

_LOG = logging.getLogger("galosh.supervisor")
_KEY_BYTES = 32
_HEAD_BYTES = 4 * 1024 * 1024


def prefixes_for(
    paths: Paths, settings: Settings, model: Path, build_id: str | None, run: RunSettings
) -> Prefixes:
    """What the worker is told. Blocking; a disk that fails costs only the memory of prefixes."""
    memory = settings.number("prefix.memory_bytes")
    if not settings.flag("prefix.keep"):
        return Prefixes()
    if build_id is None:
        return Prefixes(memory_bytes=memory)
    try:
        folder = paths.cache / "prefixes"
        _make_private(folder)
        return Prefixes(
            folder=folder,
            key=load_or_make_key(paths).hex(),
            identity=identity_of(model, build_id, run),
            memory_bytes=memory,
            disk_bytes=settings.number("prefix.disk_bytes"),
        )
    except (OSError, GaloshError) as error:
        _LOG.warning("prefixes are not kept on disk: %s", type(error).__name__)
        return Prefixes(memory_bytes=memory)


def load_or_make_key(paths: Paths) -> bytes:
    """The sealing key; one that is missing, open to others or damaged is made anew.

    A new key makes everything sealed with the old one worthless, which is what is wanted.
    Raises a write error of galosh.base.durable.
    """
    path = paths.state / "prefix.key"
    with contextlib.suppress(OSError, ValueError):
        is_open = sys.platform != "win32" and path.stat().st_mode & 0o077
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
        if len(key) == _KEY_BYTES and not is_open:
            return key
    fresh = secrets.token_bytes(_KEY_BYTES)
    durable.write_text(path, fresh.hex() + "\n", mode=0o600)
    return fresh


def identity_of(model: Path, build_id: str, run: RunSettings) -> str:
    """A digest of all that a saved state depends on. Raises OSError."""
    facts = model.stat()
    with model.open("rb") as file:
        head = hashlib.sha256(file.read(_HEAD_BYTES)).hexdigest()
    parts = (
        head, facts.st_size, facts.st_mtime_ns, build_id, run.cache_type, run.flash_attention,
        run.full_window_cache, run.gpu_layers,
    )  # fmt: skip
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def _make_private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if sys.platform != "win32" and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
