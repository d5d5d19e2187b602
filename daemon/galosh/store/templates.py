"""Which prompt template each model gets: its own, the user's choice, or a named one.

Owns the memory of the user's choices and of the template files, both read anew when they
change. Blocking.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.presets import TemplateChoice, choose_template
from galosh.presets.shelf import Shelf
from galosh.presets.template import Clues
from galosh.store.scan import stamp

SETTING = "model.templates"
_OWN = TemplateChoice()


class Templates:
    """See the module."""

    def __init__(self, paths: Paths, shelf: Shelf) -> None:
        self._file = paths.settings_file
        self._shelf = shelf
        self._seen: tuple[tuple[int, int] | None, Mapping[str, str]] | None = None

    def choose(self, model_id: str, clues: Clues | None) -> TemplateChoice:
        """The template of the model of this id. clues: see `clues.read_clues`."""
        wanted = self._choices().get(model_id)
        if wanted is None and clues is None:
            return _OWN  # nearly every model; no folder is looked at for it
        return choose_template(self._shelf.templates(), clues, wanted)

    def _choices(self) -> Mapping[str, str]:
        mark = stamp(Path(self._file))
        if self._seen is None or self._seen[0] != mark:
            self._seen = (mark, read_choices(self._file))
        return self._seen[1]


def read_choices(file: Path) -> Mapping[str, str]:
    """Model id -> template, as the settings name them; none where they cannot be read."""
    try:
        listed = Settings.load(file).get(SETTING)
    except GaloshError:
        return {}  # the daemon itself tells what is wrong with its settings
    return dict(str(pair).split("=", 1) for pair in listed)
