"""The store: lists, adds, removes and names models.

Owns the one way from a name to a path. Never opens more than a header, never deletes a file
outside its own folder, and never lets one broken file hide the others. Blocking; safe to
call from several threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.presets.shelf import Shelf
from galosh.store import names
from galosh.store.copy import copy_files
from galosh.store.facts import FactsMemory, read_facts
from galosh.store.record import Record
from galosh.store.scan import files_of, scan, stamp
from galosh.store.stored import StoredModel
from galosh.store.templates import Templates

# A model chosen for the user leaves this share of the memory to everything else.
if TYPE_CHECKING:
    from galosh.catalogue import Entry
    from galosh.presets.sampler import Value

_MEMORY_SHARE = 0.6
_USUAL = "balanced"


class ModelStore:
    """See the module."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._record = Record(paths.data / "models.json")
        self._shelf = Shelf(paths)
        self._templates = Templates(paths, self._shelf)
        self._memory = FactsMemory(paths.state / "models-seen.json")
        self._lock = threading.RLock()
        self._seen: tuple[tuple[int, int] | None, tuple[_Known, ...]] | None = None

    def list(self) -> tuple[StoredModel, ...]:
        """Every model, own ones first, broken ones with their problem. Never raises."""
        with self._lock:
            catalogue = self._catalogue()
            own = [(path, False, None) for path in scan(self._paths.models)]
            recorded = [(path, True, name) for path, name in self._record.entries()]
            taken: set[str] = set()
            found = []
            for path, in_place, name in [*own, *recorded]:
                model = self._look(path, in_place, name, catalogue, taken)
                taken.add(model.id)
                found.append(model)
            self._memory.save()
            return tuple(found)

    def get(self, model_id: str) -> StoredModel:
        """The model of this id (or file name, or id in other case).

        Raises GaloshError `store-model-unknown`.
        """
        models = self.list()
        for found in (
            [model for model in models if model.id == model_id],
            [model for model in models if model.path.name == model_id],
            [model for model in models if model.id.lower() == model_id.lower()],
        ):
            if len(found) == 1:
                return found[0]
        known = ", ".join(model.id for model in models) or "–"
        raise GaloshError("store-model-unknown", model_id=names.shown(model_id), known=known)

    def own_path(self, file_name: str) -> Path:
        """Where a file of this name lies in the models folder. The only such way.

        Raises GaloshError `store-name-unsafe`.
        """
        root = self._paths.models
        path = root / file_name
        # The second look does not trust the first: what counts is where the path ends up.
        if not names.is_safe(file_name) or path.parent != root or path.name != file_name:
            raise GaloshError("store-name-unsafe", name=names.shown(file_name))
        return path

    def add(self, path: Path, copy: bool = False, name: str | None = None) -> StoredModel:
        """Use the model at `path`, where it lies or as a copy.

        name: what to call a model used in place whose file's name says nothing, as that of
        another program's blob; its id is made of it.
        Raises GaloshError gguf-… for a file that is no sound model, `store-no-room`,
        `store-name-taken`, or a write error.
        """
        path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - links stay links
        part = names.split_part(path.name)
        if part is not None:
            path = path.with_name(names.part_names(path.name)[0])
        facts = read_facts(path)
        if facts.error is not None:
            raise facts.error
        with self._lock:
            known = self._at(path)
            if known is not None and not (copy and known.in_place):
                return known
            if copy:
                targets = [self.own_path(file.name) for file in files_of(path)]
                copy_files(files_of(path), targets)
                path = targets[0]
            else:
                self._record.add(path, **({} if name is None else {"name": name}))
            added = self._at(path)
            assert added is not None
            return added

    def remove(self, model_id: str) -> StoredModel:
        """Delete an own model's files, or forget one used in place; returns what it was.

        Raises GaloshError `store-model-unknown` or a write error.
        """
        with self._lock:
            model = self.get(model_id)
            if model.in_place:
                self._record.remove(model.path)
                return model
            for file in reversed(files_of(model.path)):
                self._delete(file)
            folder = model.path.parent
            if folder != self._paths.models and not any(folder.iterdir()):
                folder.rmdir()
            return model

    def default(self, preferred: str | None = None) -> StoredModel | None:
        """The model to use when none is named; None when there is no sound one.

        preferred: an id, `""` for none, None for the setting `model.default`. Else the
        largest that leaves room in this PC's memory, else the smallest.
        """
        if preferred is None:
            preferred = Settings.load(self._paths.settings_file).text("model.default")
        models = [model for model in self.list() if model.error is None]
        named = [model for model in models if preferred in (model.id, model.path.name)]
        return named[0] if preferred and named else best(models, _installed_bytes())

    def _catalogue(self) -> tuple[_Known, ...]:
        """The catalogue, read anew when the user's own entries changed."""
        from galosh.catalogue.load import FILE_NAME

        mark = stamp(self._paths.presets / FILE_NAME)
        if self._seen is None or self._seen[0] != mark:
            self._seen = (mark, _catalogue(self._paths))
        return self._seen[1]

    def _at(self, path: Path) -> StoredModel | None:
        return next((model for model in self.list() if model.path == path), None)

    def _look(
        self,
        path: Path,
        in_place: bool,
        name: str | None,
        catalogue: Sequence[_Known],
        taken: set[str],
    ) -> StoredModel:
        mark = stamp(path)
        entry = next((e for e in catalogue if e.fits(path.name, mark)), None)
        wanted = names.slug(name or path.name) if entry is None else entry.id
        model_id = names.unique(wanted, taken)
        if mark is None:
            error = GaloshError("store-file-missing", path=str(path), model_id=model_id)
            title = _title(name) or path.name
            return StoredModel(model_id, title, path, 0, in_place, error=error)
        facts = self._memory.ask(path, mark)
        return StoredModel(
            id=model_id,
            title=(entry.title if entry else None) or _title(name or facts.name) or model_id,
            path=path,
            size_bytes=mark[0],
            in_place=in_place,
            architecture=facts.architecture,
            context_length=facts.context_length,
            file_type=facts.file_type,
            parameters=facts.parameters,
            catalogued=entry is not None,
            sampler=(entry.sampler if entry else {}) or self._usual_sampling(),
            system=entry.system if entry else None,
            template=self._templates.choose(model_id, facts.clues),
            error=facts.error,
        )

    def _usual_sampling(self) -> Mapping[str, Value]:
        """Of models whose authors advise none: the preset `balanced`, shipped or the user's."""
        try:
            return self._shelf.sampler(_USUAL).sampling
        except GaloshError:
            return {}  # the list of presets says what is wrong

    def _delete(self, file: Path) -> None:
        if self._paths.models not in file.parents:
            raise GaloshError("store-name-unsafe", name=names.shown(str(file)))
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise durable.explain_os_error(error, file) from error


class _Known:
    """What the catalogue knows a file by."""

    def __init__(self, entry: Entry) -> None:
        self.id = entry.id
        self.title = entry.title
        self.sampler = entry.sampler
        self.system = entry.system
        self._file_name = entry.file_name.rsplit("/", 1)[-1]
        self._size_bytes = entry.size_bytes

    def fits(self, file_name: str, mark: tuple[int, int] | None) -> bool:
        """Whether a file of this name and stamp is that model."""
        same = mark is None or self._size_bytes in (None, mark[0])
        return same and file_name.lower() == self._file_name.lower()


def best(models: Sequence[StoredModel], installed_bytes: int | None) -> StoredModel | None:
    """The largest model that leaves room in the memory, else the smallest."""
    if not models:
        return None
    ordered = sorted(models, key=lambda model: (model.size_bytes, model.id))
    if installed_bytes is None:
        return ordered[0]
    fitting = [m for m in ordered if m.size_bytes <= installed_bytes * _MEMORY_SHARE]
    return fitting[-1] if fitting else ordered[0]


def _catalogue(paths: Paths) -> tuple[_Known, ...]:
    from galosh import catalogue

    try:
        entries = catalogue.load(paths)
    except GaloshError:
        return ()  # the user's own entries may be broken; the models on disk are not
    return tuple(_Known(entry) for entry in entries)


def _installed_bytes() -> int | None:
    import psutil

    try:
        return int(psutil.virtual_memory().total)
    except (psutil.Error, OSError, RuntimeError):
        return None


def _title(name: str | None) -> str | None:
    return names.shown(name.strip()) if name and name.strip() else None
