"""Finds the model files of other programs, where they lie.

Reads names, and of Ollama its small manifests; opens no model and writes nothing anywhere.
Whether a file is sound is for its header to say. A folder that cannot be read is reported,
one that is not there is not.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from galosh.catalogue.places import Place, places

_SETTINGS_LIMIT_BYTES = 1_000_000
_DEPTH = 6
_FILES_MAX = 10_000
_PART = re.compile(r"^(?P<stem>.+)-(?P<index>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)
_DIGEST = re.compile(r"^sha256[:-](?P<hex>[0-9a-f]{64})$")
_MODEL_LAYER = "application/vnd.ollama.image.model"
# A file so named is called after its folder.
_NAMELESS = frozenset({"model", "ggml-model", "ggml-model-q4_k_m"})


@dataclass(frozen=True)
class FoundModel:
    """A file that should be a model (of a split one the first part).

    name: what the program calls it. alias: that name, where the file's own says nothing.
    """

    program: str
    name: str
    path: Path
    alias: str | None = None


@dataclass(frozen=True)
class Unreadable:
    """A folder or manifest that could not be read, and why in the system's words."""

    program: str
    path: Path
    reason: str


def find_models(
    environ: Mapping[str, str] | None = None, home: Path | None = None
) -> tuple[tuple[FoundModel, ...], tuple[Unreadable, ...]]:
    """Every file once, whichever links lead to it, and what could not be read."""
    system = {"win32": "windows", "darwin": "darwin"}.get(sys.platform, "linux")
    environ = os.environ if environ is None else environ
    looked = places(system, environ, home or Path.home(), _read_settings)
    found: dict[object, FoundModel] = {}
    unreadable: list[Unreadable] = []
    for place in looked:
        for item in _look(place):
            if isinstance(item, Unreadable):
                unreadable.append(item)
            elif len(found) < _FILES_MAX:
                found.setdefault(_identity(item.path), item)
    return tuple(found.values()), tuple(unreadable)


def _identity(path: Path) -> object:
    """The same for every link to one file."""
    try:
        facts = path.stat()
    except OSError:  # a link to nothing is a broken model of its own
        return str(path)
    return (facts.st_dev, facts.st_ino) if facts.st_ino else os.path.realpath(path)


def _look(place: Place) -> Iterator[FoundModel | Unreadable]:
    folder = Path(place.folder)
    try:
        if not folder.is_dir():
            return
    except OSError as error:  # a folder on the way is closed to us
        yield _closed(place, folder, error)
        return
    if place.layout == "ollama":
        yield from _ollama(place, folder)
        return
    inside = _hub_snapshots(folder) if place.layout == "hub" else [folder]
    for one in inside:
        yield from _tree(place, one)


def _tree(place: Place, folder: Path) -> Iterator[FoundModel | Unreadable]:
    closed: list[Unreadable] = []

    def refuse(error: OSError) -> None:
        closed.append(_closed(place, Path(error.filename or folder), error))

    depth = len(folder.parts)
    for where, folders, files in os.walk(folder, onerror=refuse):
        if len(Path(where).parts) - depth >= _DEPTH:
            folders.clear()
        folders.sort()
        names = frozenset(files)
        for name in sorted(files):
            if _is_model_name(name) and not _is_later_part(name, names):
                yield _named(place, Path(where) / name)
    yield from closed


def _named(place: Place, path: Path) -> FoundModel:
    part = _PART.match(path.name)
    stem = part["stem"] if part else path.stem
    if stem.lower() in _NAMELESS:
        return FoundModel(place.program, path.parent.name, path, path.parent.name)
    return FoundModel(place.program, stem, path)


def _is_model_name(name: str) -> bool:
    lower = name.lower()
    # Files of 2023 are found too, so that it can be said what they are.
    return lower.endswith(".gguf") or (lower.startswith("ggml") and lower.endswith(".bin"))


def _is_later_part(name: str, beside: frozenset[str]) -> bool:
    """Whether a part before this one lies beside it, so that the set is named once."""
    part = _PART.match(name)
    if part is None:
        return False
    earlier = range(1, int(part["index"]))
    return any(f"{part['stem']}-{i:05d}-of-{part['count']}.gguf" in beside for i in earlier)


def _hub_snapshots(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("models--*/snapshots/*"))
    except OSError:
        return []


def _ollama(place: Place, folder: Path) -> Iterator[FoundModel | Unreadable]:
    manifests = folder / "manifests"
    for where, folders, files in os.walk(manifests):
        folders.sort()
        for name in sorted(files):
            if name.startswith("."):
                continue
            path = Path(where) / name
            try:
                blob = _blob(path, folder / "blobs")
            except (OSError, ValueError) as error:
                yield _closed(place, path, error)
                continue
            if blob is not None:
                title = _ollama_name(path.relative_to(manifests).parts)
                yield FoundModel(place.program, title, blob, title)
    if not os.access(manifests, os.R_OK) and manifests.exists():
        yield Unreadable(place.program, manifests, os.strerror(errno.EACCES))


def _blob(manifest: Path, blobs: Path) -> Path | None:
    """The file of a manifest's model; None for one without weights in GGUF.

    Raises OSError, or ValueError for what is no manifest.
    """
    if manifest.stat().st_size > _SETTINGS_LIMIT_BYTES:
        raise ValueError("too long for a manifest")
    document: object = json.loads(manifest.read_text(encoding="utf-8"))
    layers = document.get("layers") if isinstance(document, dict) else None
    if not isinstance(layers, list):
        raise ValueError("no layers")
    for layer in layers:
        if not isinstance(layer, dict) or layer.get("mediaType") != _MODEL_LAYER:
            continue
        # The name of a file is made of it: nothing but a digest may lead there.
        match = _DIGEST.match(str(layer.get("digest", "")))
        if match is None:
            raise ValueError("no digest")
        old = blobs / f"sha256:{match['hex']}"
        new = blobs / f"sha256-{match['hex']}"
        return old if os.name == "posix" and old.exists() and not new.exists() else new
    return None


def _ollama_name(parts: tuple[str, ...]) -> str:
    """`registry.ollama.ai/library/llama3.2/3b` is `llama3.2:3b`, as Ollama shows it."""
    *path, tag = parts
    if path and path[0] == "registry.ollama.ai":
        path = path[1:]
        if path and path[0] == "library":
            path = path[1:]
    return f"{'/'.join(path)}:{tag}"


def _closed(place: Place, path: Path, error: Exception) -> Unreadable:
    reason = error.strerror if isinstance(error, OSError) else None
    return Unreadable(place.program, path, reason or str(error)[:200])


def _read_settings(path: PurePath) -> str | None:
    file = Path(path)
    try:
        if not file.is_file() or file.stat().st_size > _SETTINGS_LIMIT_BYTES:
            return None
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
