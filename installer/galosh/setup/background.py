"""After the first answer: the model that suits this PC is left to the daemon to download.

Owns the choice and its one sentence. Never fails a setup that has its answer: what cannot be
had now is said, with how to get it later.
"""

from __future__ import annotations

import os
import threading

from galosh import api, catalogue
from galosh.base.errors import GaloshError
from galosh.base.settings import Settings
from galosh.base.texts import language, say
from galosh.catalogue import Entry
from galosh.download.resolved import Resolved
from galosh.download.sources import resolve
from galosh.fit import recommend
from galosh.fit.speed import Bandwidth
from galosh.setup.steps import Work

_LOOK_SECONDS = 30.0
# The daemon may have been started without this shell's own settings.
_ENVIRONMENT = ("HF_ENDPOINT", "HF_TOKEN", "PIP_INDEX_URL")


def fetch_recommended(work: Work) -> str | None:
    """Queue the model for this PC (or the one asked for); its id, None if none is queued."""
    if work.options.starter_only:
        work.delegate.note(say("setup.only-starter"))
        return None
    if work.own_file is not None:
        return None
    entry = _choose(work)
    if entry is None:
        return None
    try:
        if any(model.get("id") == entry.id for model in api.Client(work.paths).models()):
            return None
        found = _look(work, entry)
        if found is None:
            work.delegate.note(say("setup.hub-away", model_id=entry.id))
            return None
        environ = {name: os.environ[name] for name in _ENVIRONMENT if os.environ.get(name)}
        api.Client(work.paths).pull(
            entry.id, recommended=True, replaces=work.entry.id, environ=environ or None
        )
    except GaloshError as error:
        work.delegate.note(f"{say('setup.not-queued', title=entry.title)} {error.why}")
        return None
    size = found.fetch_bytes or entry.size_bytes
    work.delegate.note(say("setup.queued", title=entry.title, size_bytes=size))
    return entry.id


def _choose(work: Work) -> Entry | None:
    wanted = work.options.model
    if wanted is not None:
        return catalogue.find(work.paths, wanted) if wanted != work.entry.id else None
    settings = Settings.load(work.paths.settings_file)
    if settings.text("model.default") not in ("", work.entry.id):
        return None  # the user has a model of choice already
    found = recommend(
        work.paths,
        work.machine,
        Bandwidth(None, refused="not-asked"),  # the engine was at work until a moment ago
        language(),
        settings.number("model.context_tokens"),
    )
    if found.best is None or found.best.entry.starter:
        work.delegate.note(say("setup.none-fits"))
        return None
    return found.best.entry


def _look(work: Work, entry: Entry) -> Resolved | None:
    """What the hub says of it; None if it does not answer in time. Raises what it refuses."""
    found: list[Resolved | GaloshError] = []

    def ask() -> None:
        try:
            found.append(resolve(entry.id, work.paths))
        except GaloshError as error:
            found.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_LOOK_SECONDS)
    if not found:
        return None
    if isinstance(found[0], GaloshError):
        if found[0].code in _AWAY:
            return None
        raise found[0]
    return found[0]


_AWAY = ("download-network-away", "download-captive-portal", "download-server-busy")
