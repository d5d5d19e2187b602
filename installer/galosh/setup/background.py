"""After the first answer: the model that suits this PC is left to the daemon to download.

Owns the choice and its one sentence. Never fails a setup that has its answer: what cannot be
had now is said, with how to get it later.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar

from galosh import api, catalogue, engine
from galosh.base.errors import GaloshError
from galosh.base.settings import Settings
from galosh.base.texts import say, spoken_language
from galosh.catalogue import Entry
from galosh.download.ask import Asker
from galosh.download.read_remote import read_remote_model
from galosh.download.resolved import Resolved
from galosh.download.sources import resolve
from galosh.fit import recommend
from galosh.fit.learn import EngineUsed, learn_speed
from galosh.gguf import Header
from galosh.setup.steps import Work

T = TypeVar("T")
_LOOK_SECONDS = 30.0
_HEADER_SECONDS = 20.0
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
    current = engine.current(work.paths)
    used = None if current is None else EngineUsed(current.build_id, current.python)
    threads = settings.number("engine.threads")
    found = recommend(
        work.paths,
        work.machine,
        learn_speed(work.paths, work.machine, used, threads=threads),
        spoken_language(),
        settings.number("model.context_tokens"),
        lambda entry: _read_header(work, entry),
    )
    if found.best is None or found.best.entry.starter:
        work.delegate.note(say("setup.none-fits"))
        return None
    return found.best.entry


def _read_header(work: Work, entry: Entry) -> Header | None:
    """The header of a model at its source; None when it cannot be had soon."""
    return _in_time(lambda: _fetch_header(work, entry), _HEADER_SECONDS)


def _fetch_header(work: Work, entry: Entry) -> Header | None:
    try:
        with Asker() as asker:
            return read_remote_model(resolve(entry.id, work.paths, asker=asker), asker).header
    except GaloshError:
        return None


def _look(work: Work, entry: Entry) -> Resolved | None:
    """What the hub says of it; None if it does not answer in time. Raises what it refuses."""

    def ask() -> Resolved | GaloshError:
        try:
            return resolve(entry.id, work.paths)
        except GaloshError as error:
            return error

    found = _in_time(ask, _LOOK_SECONDS)
    if isinstance(found, GaloshError):
        if found.code in _AWAY:
            return None
        raise found
    return found


def _in_time(ask: Callable[[], T], limit_seconds: float) -> T | None:
    """The answer of `ask`, which never raises; None when it takes too long."""
    answers: list[T] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(limit_seconds)
    return answers[0] if answers else None


_AWAY = ("download-network-away", "download-captive-portal", "download-server-busy")
