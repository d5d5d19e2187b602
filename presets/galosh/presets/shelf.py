"""Opens the shipped and the user's files: samplers, prompts, templates. Re-reads changed ones.

Owns the folders' layout and a small cache keyed by each file's size and time. A user's file
replaces a shipped one of the same name; one that cannot be read is told (`troubles`) and
hides nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Generic, TypeVar

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.presets.prompt import Prompt, read_prompt
from galosh.presets.sampler import SamplerPreset, read_sampler
from galosh.presets.template import InstructionTemplate, read_template

_MAX_BYTES = 256 * 1024
_MAX_FILES = 500
T = TypeVar("T")


class _Kind(Generic[T]):
    """One folder of files that are read in one way."""

    def __init__(
        self, folder: str, endings: tuple[str, ...], read: Callable[[str, str, str, bool], T]
    ) -> None:
        self.folder, self.endings, self.read = folder, endings, read


@dataclass(frozen=True)
class _Seen:
    stamp: tuple[int, int]
    result: object


class Shelf:
    """All presets of one user. Cheap to ask again: only changed files are read."""

    def __init__(self, paths: Paths) -> None:
        self._own = paths.presets
        self._seen: dict[Path, _Seen] = {}
        self._shipped: dict[str, Mapping[str, object]] = {}

    def samplers(self) -> tuple[SamplerPreset, ...]:
        """Sampler presets, the user's last. text-generation-webui puts its YAML files right
        into the presets folder, so they are looked for there too."""
        return self._all(_SAMPLERS, extra=self._own)[0]

    def prompts(self) -> tuple[Prompt, ...]:
        """Starters and actions."""
        return self._all(_PROMPTS)[0]

    def templates(self) -> tuple[InstructionTemplate, ...]:
        """Instruction templates."""
        return self._all(_TEMPLATES)[0]

    def names(self, folder: str) -> tuple[str, ...]:
        """The names in one folder (`samplers`, `prompts`, `templates`), without reading files."""
        kind = _KINDS[folder]
        shipped = (Path(one.name) for one in (files("galosh.presets") / folder).iterdir())
        own = _files(self._own / folder, kind.endings)
        loose = _files(self._own, kind.endings) if kind is _SAMPLERS else []
        stems = [one.stem for one in (*shipped, *own, *loose) if one.suffix in kind.endings]
        return tuple(sorted(set(stems)))

    def troubles(self) -> tuple[GaloshError, ...]:
        """What is wrong with the user's own files."""
        return (
            *self._all(_SAMPLERS, extra=self._own)[1],
            *self._all(_PROMPTS)[1],
            *self._all(_TEMPLATES)[1],
        )

    def to_json(self) -> dict[str, object]:
        """Everything there is, and what is wrong with the user's own files."""
        return {
            "folder": str(self._own),
            "samplers": [one.to_json() for one in self.samplers()],
            "prompts": [one.to_json() for one in self.prompts()],
            "templates": [
                {"name": one.name, "match": list(one.match), "own": one.own}
                for one in self.templates()
            ],
            "troubles": [error.to_json() for error in self.troubles()],
        }

    def sampler(self, name: str) -> SamplerPreset:
        """By name. Raises GaloshError `presets-unknown`."""
        return _named(self.samplers(), name, "sampler")

    def prompt(self, name: str) -> Prompt:
        """By name. Raises GaloshError `presets-unknown`."""
        return _named(self.prompts(), name, "prompt")

    def _all(
        self, kind: _Kind[T], extra: Path | None = None
    ) -> tuple[tuple[T, ...], list[GaloshError]]:
        if kind.folder not in self._shipped:
            self._shipped[kind.folder] = _read_shipped(kind)
        found: dict[str, object] = dict(self._shipped[kind.folder])
        troubles = []
        for folder in (extra, self._own / kind.folder):
            for path in _files(folder, kind.endings):
                result = self._read_own(kind, path)
                if isinstance(result, GaloshError):
                    troubles.append(result)
                else:
                    found.pop(path.stem.lower(), None)
                    found[path.stem.lower()] = result
        return tuple(found.values()), troubles  # type: ignore[arg-type]

    def _read_own(self, kind: _Kind[T], path: Path) -> object:
        try:
            facts = path.stat()
            stamp = facts.st_mtime_ns, facts.st_size
            seen = self._seen.get(path)
            if seen is None or seen.stamp != stamp:
                if facts.st_size > _MAX_BYTES:
                    raise GaloshError(
                        "presets-file-wrong", path=str(path), reason=f"> {_MAX_BYTES} B"
                    )
                text = path.read_bytes().decode("utf-8-sig")
                self._seen[path] = seen = _Seen(stamp, kind.read(path.stem, text, str(path), True))
        except GaloshError as error:
            return error
        except (OSError, UnicodeDecodeError) as error:
            return GaloshError("presets-file-wrong", path=str(path), reason=str(error)[:120])
        return seen.result


def _files(folder: Path | None, endings: tuple[str, ...]) -> list[Path]:
    try:
        found = sorted(folder.iterdir()) if folder else []
    except OSError:
        return []
    return [path for path in found if path.suffix.lower() in endings][:_MAX_FILES]


def _read_shipped(kind: _Kind[T]) -> dict[str, object]:
    folder: Traversable = files("galosh.presets") / kind.folder
    names = sorted(one.name for one in folder.iterdir())
    return {
        Path(name).stem.lower(): kind.read(
            Path(name).stem, (folder / name).read_text(encoding="utf-8"), name, False
        )
        for name in names
        if Path(name).suffix in kind.endings
    }


def _named(all_of_them: tuple[T, ...], name: str, kind: str) -> T:
    for one in all_of_them:
        if str(getattr(one, "name", "")).lower() == name.lower():
            return one
    known = ", ".join(sorted(str(getattr(one, "name", "")) for one in all_of_them))
    raise GaloshError("presets-unknown", kind=kind, name=name[:60], known=known)


def _parse(text: str, origin: str) -> object:
    import yaml  # a daemon that only needs templates does without

    try:
        if origin.lower().endswith((".json", ".settings", ".preset")):
            return json.loads(text)
        return yaml.safe_load(text)
    except RecursionError as error:
        raise GaloshError("presets-file-wrong", path=origin, reason="nesting") from error
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise GaloshError("presets-file-wrong", path=origin, reason=reason) from error


def _sampler(name: str, text: str, origin: str, own: bool) -> SamplerPreset:
    data = _parse(text, origin)
    if not isinstance(data, dict):
        raise GaloshError("presets-file-wrong", path=origin, reason="key: value")
    return read_sampler(name, data, origin, own=own)


def _prompt(name: str, text: str, origin: str, own: bool) -> Prompt:
    plain = origin.lower().endswith((".txt", ".md"))
    return read_prompt(name, text if plain else _parse(text, origin), origin, own=own)


def _template(name: str, text: str, _origin: str, own: bool) -> InstructionTemplate:
    return read_template(name, text, own=own)


_SAMPLERS = _Kind("samplers", (".yaml", ".yml", ".json", ".settings", ".preset"), _sampler)
_PROMPTS = _Kind("prompts", (".yaml", ".yml", ".txt", ".md"), _prompt)
_TEMPLATES = _Kind("templates", (".jinja", ".jinja2"), _template)
_KINDS: Mapping[str, _Kind[Any]] = {kind.folder: kind for kind in (_SAMPLERS, _PROMPTS, _TEMPLATES)}
