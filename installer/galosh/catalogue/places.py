"""Where other programs keep their models, on each system. Pure: nothing is looked at here.

One table: program, folder, layout. Folders that users chose themselves come from the
programs' own environment variables and settings, which the caller reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

Layout = Literal["ollama", "hub", "tree"]
Read = Callable[[PurePath], "str | None"]


_OLLAMA_UNITS = (
    "/etc/systemd/system/ollama.service.d/override.conf",
    "/etc/systemd/system/ollama.service",
)
_OLLAMA_TOLD = r"^\s*Environment=.*?OLLAMA_MODELS=([^\s\"']+)"


@dataclass(frozen=True)
class Place:
    """A folder of a program. `ollama`: manifests and blobs; `hub`: repositories with
    snapshots; `tree`: model files at any depth."""

    program: str
    folder: PurePath
    layout: Layout = "tree"


def places(
    system: str, environ: Mapping[str, str], home: PurePath, read: Read
) -> tuple[Place, ...]:
    """Every place worth a look on `system` (linux, darwin, windows), each once.

    read: the text of a small settings file, None when there is none.
    """
    found = [
        *_ollama(system, environ, home, read),
        *_lm_studio(home, read),
        *_hugging_face(environ, home),
        *_jan(system, environ, home, read),
        *_gpt4all(system, environ, home, read),
        *_unpacked(home),
        *_llama_cpp(system, environ, home),
    ]
    unique: dict[PurePath, Place] = {}
    for place in found:
        unique.setdefault(place.folder, place)
    return tuple(unique.values())


def _ollama(system: str, environ: Mapping[str, str], home: PurePath, read: Read) -> Iterator[Place]:
    chosen = _folder(environ.get("OLLAMA_MODELS"), home)
    if chosen is not None:
        yield Place("Ollama", chosen, "ollama")
    yield Place("Ollama", home / ".ollama" / "models", "ollama")
    if system == "linux":
        # Installed as a service it runs as a user of its own, and is told in its unit's files.
        for unit in _OLLAMA_UNITS:
            told = re.search(_OLLAMA_TOLD, read(type(home)(unit)) or "", re.MULTILINE)
            chosen = _folder(told[1], home) if told else None
            if chosen is not None:
                yield Place("Ollama", chosen, "ollama")
        for base in ("/usr/share/ollama", "/var/lib/ollama"):
            yield Place("Ollama", type(home)(base) / ".ollama" / "models", "ollama")
        yield Place("Ollama", type(home)("/var/lib/ollama/models"), "ollama")


def _lm_studio(home: PurePath, read: Read) -> Iterator[Place]:
    pointer = _folder(read(home / ".lmstudio-home-pointer"), home)
    for base in (pointer, home / ".lmstudio"):
        if base is None:
            continue
        chosen = _folder(_entry(read(base / "settings.json"), "downloadsFolder"), home)
        if chosen is not None:
            yield Place("LM Studio", chosen)
        yield Place("LM Studio", base / "models")
    yield Place("LM Studio", home / ".cache" / "lm-studio" / "models")


def _hugging_face(environ: Mapping[str, str], home: PurePath) -> Iterator[Place]:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        chosen = _folder(environ.get(name), home)
        if chosen is not None:
            yield Place("Hugging Face", chosen, "hub")
    cache = _folder(environ.get("XDG_CACHE_HOME"), home) or home / ".cache"
    base = _folder(environ.get("HF_HOME"), home)
    if base is not None:
        yield Place("Hugging Face", base / "hub", "hub")
    yield Place("Hugging Face", cache / "huggingface" / "hub", "hub")


def _jan(system: str, environ: Mapping[str, str], home: PurePath, read: Read) -> Iterator[Place]:
    base = _app_data(system, environ, home, roaming=True) / "Jan"
    chosen = _folder(_entry(read(base / "settings.json"), "data_folder"), home)
    for data in (chosen, base / "data", home / "jan"):
        if data is not None:
            yield Place("Jan", data / "llamacpp" / "models")
            yield Place("Jan", data / "models")
    yield Place("Jan", home / "cortexcpp" / "models")


def _gpt4all(
    system: str, environ: Mapping[str, str], home: PurePath, read: Read
) -> Iterator[Place]:
    if system == "linux":
        base = _folder(environ.get("XDG_DATA_HOME"), home) or home / ".local" / "share"
    else:
        base = _app_data(system, environ, home, roaming=False)
    settings = _app_data(system, environ, home, roaming=True) / "nomic.ai" / "GPT4All.ini"
    told = re.search(r"^modelPath=(.+)$", read(settings) or "", re.MULTILINE)
    chosen = _folder(told[1], home) if told else None
    if chosen is not None:
        yield Place("GPT4All", chosen)
    yield Place("GPT4All", base / "nomic.ai" / "GPT4All")
    yield Place("GPT4All", home / ".cache" / "gpt4all")


def _unpacked(home: PurePath) -> Iterator[Place]:
    """Programs that live in the folder they were unpacked to."""
    for name in ("koboldcpp", "KoboldCpp"):
        yield Place("KoboldCpp", home / name)
    for name in ("text-generation-webui", "text-generation-webui-main"):
        yield Place("text-generation-webui", home / name / "user_data" / "models")
        yield Place("text-generation-webui", home / name / "models")


def _llama_cpp(system: str, environ: Mapping[str, str], home: PurePath) -> Iterator[Place]:
    chosen = _folder(environ.get("LLAMA_CACHE"), home)
    if chosen is not None:
        yield Place("llama.cpp", chosen)
    if system == "linux":
        base = _folder(environ.get("XDG_CACHE_HOME"), home) or home / ".cache"
    elif system == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = _app_data(system, environ, home, roaming=False)
    yield Place("llama.cpp", base / "llama.cpp")


def _app_data(
    system: str, environ: Mapping[str, str], home: PurePath, *, roaming: bool
) -> PurePath:
    """Where programs keep what is theirs."""
    if system == "windows":
        name, usual = ("APPDATA", "Roaming") if roaming else ("LOCALAPPDATA", "Local")
        return _folder(environ.get(name), home) or home / "AppData" / usual
    if system == "darwin":
        return home / "Library" / "Application Support"
    return _folder(environ.get("XDG_CONFIG_HOME"), home) or home / ".config"


def _folder(text: str | None, home: PurePath) -> PurePath | None:
    """An absolute folder somebody chose; None for anything else."""
    text = (text or "").strip().strip('"')
    if text.startswith(("~/", "~\\")):
        return home / text[2:]
    path = type(home)(text)
    return path if text and path.is_absolute() else None


def _entry(text: str | None, name: str) -> str | None:
    try:
        document: object = json.loads(text or "")
    except ValueError:
        return None
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else None
