"""The cache of engine wheels: one folder per wheel, with a sidecar that says what it is.

A folder appears by one rename, wheel and sidecar together. A wheel whose bytes differ
from the sidecar's SHA-256 is deleted when it is asked for, and then made again.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.engine import source
from galosh.engine.plan import CC, ZIG, CachedWheel, split_name

SIDECAR = "wheel.json"
# Among a wheel's flags: which changes to the source it was made with.
SOURCE_FLAG = "GALOSH_SOURCE"
_PART_MARK = ".part-"


@dataclass(frozen=True)
class Wheel:
    """A wheel in the cache. flags: the CMake definitions that made it, and SOURCE_FLAG."""

    key: str
    path: Path
    version: str
    candidate: str
    sha256: str
    size_bytes: int
    requires: frozenset[str]
    flags: tuple[tuple[str, str], ...]
    compiler: str

    @property
    def cached(self) -> CachedWheel:
        """What the plan needs to know of it."""
        return CachedWheel(self.key, self.candidate, self.requires)


def wheel_key(candidate: str, version: str, platform: str, details: Mapping[str, str]) -> str:
    """A folder name that differs whenever version, platform, flags or needs differ."""
    facts = [version, candidate, platform, *(f"{key}={details[key]}" for key in sorted(details))]
    digest = hashlib.sha256("|".join(facts).encode()).hexdigest()[:10]
    return f"{version}-{candidate}-{digest}"


def cached_wheels(paths: Paths, version: str, platform: str) -> tuple[Wheel, ...]:
    """Every readable wheel of this version for this platform; contents are not checked yet.

    One compiled from a source with other changes than today's is left out, to be made anew.
    """
    try:
        folders = sorted(folder for folder in paths.wheels.iterdir() if folder.is_dir())
    except OSError:
        return ()
    found = (_read(folder, platform) for folder in folders if not folder.name.startswith("."))
    return tuple(
        wheel
        for wheel in found
        if wheel is not None and wheel.version == version and _of_todays_source(wheel)
    )


def _of_todays_source(wheel: Wheel) -> bool:
    compiled = split_name(wheel.candidate)[0] in (CC, ZIG)
    return not compiled or dict(wheel.flags).get(SOURCE_FLAG) == source.MARK


def check(wheel: Wheel) -> None:
    """Raise GaloshError `engine-wheel-corrupt` when the bytes are not those that were kept.

    The damaged wheel is deleted first, so that the next attempt makes it anew.
    """
    try:
        actual = sha256_of(wheel.path)
    except OSError:
        actual = "unreadable"
    if actual == wheel.sha256:
        return
    shutil.rmtree(wheel.path.parent, ignore_errors=True)
    raise GaloshError(
        "engine-wheel-corrupt",
        file=wheel.path.name, expected=wheel.sha256[:16], found=actual[:16],
    )  # fmt: skip


def keep(paths: Paths, source: Path, wheel: Wheel, platform: str) -> Wheel:
    """Move the wheel file `source` into the cache under `wheel.key` and return it there."""
    paths.wheels.mkdir(parents=True, exist_ok=True)
    part = paths.wheels / f"{_PART_MARK}{secrets.token_hex(4)}"
    part.mkdir()
    try:
        shutil.move(source, part / source.name)
        with (part / source.name).open("rb+") as file:
            durable.sync_file(file.fileno())
        durable.write_json(part / SIDECAR, _sidecar(wheel, source.name, platform))
        target = paths.wheels / wheel.key
        shutil.rmtree(target, ignore_errors=True)
        durable.replace(part, target)
    except OSError as error:
        raise durable.explain_os_error(error, part) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    kept = _read(target, platform)
    assert kept is not None
    return kept


def sweep(paths: Paths) -> None:
    """Delete what a killed run left half moved (call with the build lock held)."""
    for part in paths.wheels.glob(f"{_PART_MARK}*"):
        shutil.rmtree(part, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex; raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _sidecar(wheel: Wheel, file: str, platform: str) -> dict[str, object]:
    return {
        "file": file,
        "version": wheel.version,
        "candidate": wheel.candidate,
        "platform": platform,
        "sha256": wheel.sha256,
        "size_bytes": wheel.size_bytes,
        "requires": sorted(wheel.requires),
        "flags": dict(wheel.flags),
        "compiler": wheel.compiler,
    }


def _read(folder: Path, platform: str) -> Wheel | None:
    data: Any = durable.read_json(folder / SIDECAR)
    if not isinstance(data, dict) or data.get("platform") != platform:
        return None
    try:
        path = folder / Path(str(data["file"])).name
        if path.stat().st_size != data["size_bytes"]:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return Wheel(
            key=folder.name,
            path=path,
            version=str(data["version"]),
            candidate=str(data["candidate"]),
            sha256=str(data["sha256"]),
            size_bytes=int(data["size_bytes"]),
            requires=frozenset(map(str, data["requires"])),
            flags=tuple(sorted((str(k), str(v)) for k, v in dict(data["flags"]).items())),
            compiler=str(data["compiler"]),
        )
    except (KeyError, TypeError, ValueError, OSError):
        return None
