"""What the tray knows: the daemon's replies and events, as one value. Pure.

Owns how replies are read; a field that is missing or of another form is unknown, never a
failure: tray and daemon may be of neighbouring versions. Nothing here outlives the daemon's
next word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from galosh.base.errors import GaloshError
from galosh.tray.icons import Look, Mark

Facts = Mapping[str, object]

_LOADING = frozenset({"starting", "loading", "backoff"})
_OVER = frozenset({"done", "removed"})


@dataclass(frozen=True)
class Forecast:
    """How a model would run here. verdict: fits, fits-after-closing, no; None: not known."""

    verdict: str | None = None
    tokens_per_second: float | None = None
    needed_bytes: int | None = None
    free_bytes: int | None = None


@dataclass(frozen=True)
class Model:
    """One model on disk; problem: why it cannot be used at all."""

    id: str
    title: str
    size_bytes: int | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Download:
    """One download that is not over."""

    id: str
    name: str
    state: str
    kept_bytes: int = 0
    size_bytes: int | None = None
    eta_seconds: float | None = None
    problem: str | None = None

    @property
    def fraction(self) -> float | None:
        """How much of it is here."""
        return min(1.0, self.kept_bytes / self.size_bytes) if self.size_bytes else None

    @property
    def running(self) -> bool:
        """Whether it goes on by itself."""
        return self.state not in ("paused", "needs-user", "quarantined")


@dataclass(frozen=True)
class View:
    """Everything menu and icon are made of."""

    away: bool = True
    starting: bool = False
    worker: Facts = field(default_factory=dict)
    models: tuple[Model, ...] = ()
    forecasts: Mapping[str, Forecast] = field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    presets: tuple[tuple[str, str], ...] = ()  # name, title
    settings: Facts = field(default_factory=dict)
    pending: str | None = None  # the model the user has just chosen
    hotkey: str | None = None  # the trigger that works
    autostart: bool | None = None  # as the system says; None: not known

    @property
    def model_id(self) -> str | None:
        """The model in use, or the one that is to be."""
        for name in ("coming", "model", "wanted"):
            value = text(self.worker.get(name))
            if value:
                return self.pending or value
        return self.pending

    @property
    def model_title(self) -> str:
        """Its name."""
        known = {model.id: model.title for model in self.models}
        name = self.model_id
        loaded = text(self.worker.get("title")) if self.worker.get("model") == name else None
        return known.get(name or "") or loaded or name or ""

    @property
    def failure(self) -> GaloshError | None:
        """Why the last load was given up."""
        found = self.worker.get("failure")
        if self.worker.get("state") != "failed" or not isinstance(found, Mapping):
            return None
        return GaloshError.from_json(found)

    @property
    def mark(self) -> Mark:
        """What the icon shows: what is worst first, then what moves."""
        worker, state = self.worker, text(self.worker.get("state"))
        if self.away:
            return Mark.LOADING if self.starting else Mark.AWAY
        if self.failure is not None:
            return Mark.TROUBLE
        if worker.get("answering"):
            return Mark.ANSWERING
        if state in _LOADING or worker.get("coming") or self.pending:
            return Mark.LOADING
        if any(download.running for download in self.downloads):
            return Mark.DOWNLOADING
        if worker.get("paused"):
            return Mark.PAUSED
        if state in ("ready", "busy") and worker.get("stage") in (None, "awake"):
            return Mark.READY
        return Mark.ASLEEP if self.model_id else Mark.NO_MODEL

    @property
    def look(self) -> Look:
        """The icon; a ring fills in steps of four per cent, so that it is not drawn for nothing."""
        ink = text(self.settings.get("tray.icon")) or "auto"
        if self.mark is not Mark.DOWNLOADING:
            return Look(self.mark, 0.0, ink)
        running = [one.fraction for one in self.downloads if one.running]
        return Look(self.mark, round(25 * (running[0] or 0.0)) / 25, ink)

    def take_models(self, replies: Sequence[Facts]) -> View:
        """The answer of `GET models`. Models of one name are told apart by their ids."""
        found = tuple(
            Model(
                id=text(one.get("id")) or "",
                title=text(one.get("title")) or text(one.get("id")) or "",
                size_bytes=integer(one.get("size_bytes")),
                problem=text(one.get("problem")),
            )
            for one in replies
            if text(one.get("id"))
        )
        titles = Counter(model.title for model in found)
        alike = (m for m in found if titles[m.title] > 1 and m.title != m.id)
        other = {m.id: replace(m, title=f"{m.title} ({m.id})") for m in alike}
        return replace(self, models=tuple(other.get(m.id, m) for m in found))

    def take_downloads(self, replies: Sequence[Facts]) -> View:
        """The answer of `GET downloads`."""
        return replace(self, downloads=tuple(d for one in replies if (d := read_download(one))))

    def take_download(self, name: str, facts: Facts) -> View:
        """An event `download.…`."""
        changed = None if name in ("download.removed", "download.done") else read_download(facts)
        name = text(facts.get("id")) or ""
        if changed is None:
            return replace(self, downloads=tuple(d for d in self.downloads if d.id != name))
        if any(d.id == name for d in self.downloads):
            return replace(
                self, downloads=tuple(changed if d.id == name else d for d in self.downloads)
            )
        return replace(self, downloads=(*self.downloads, changed))

    def take_forecasts(self, replies: Sequence[Facts]) -> View:
        """The answer of `GET fit`."""
        found = {name: read_forecast(one) for one in replies if (name := text(one.get("id")))}
        return replace(self, forecasts=found)

    def take_presets(self, samplers: Sequence[Facts], language: str) -> View:
        """The samplers of `GET presets`."""
        found = []
        for one in samplers:
            name, titles = text(one.get("name")), one.get("titles")
            titles = titles if isinstance(titles, Mapping) else {}
            if name:
                found.append((name, text(titles.get(language)) or text(titles.get("en")) or name))
        return replace(self, presets=tuple(found))


def read_download(facts: Facts) -> Download | None:
    """A download as the daemon tells it; None for one that is over."""
    name, state = text(facts.get("id")), text(facts.get("state")) or ""
    if not name or state in _OVER:
        return None
    error = facts.get("error")
    return Download(
        id=name,
        name=_short(text(facts.get("file_name")) or text(facts.get("source")) or name),
        state=state,
        kept_bytes=integer(facts.get("kept_bytes")) or 0,
        size_bytes=integer(facts.get("size_bytes")),
        eta_seconds=number(facts.get("eta_seconds")),
        problem=GaloshError.from_json(error).what if isinstance(error, Mapping) else None,
    )


def read_forecast(facts: Facts) -> Forecast:
    """What matters of a forecast in one row."""
    verdict, room, speed = (_part(facts, name) for name in ("verdict", "room", "speed"))
    return Forecast(
        verdict=text(verdict.get("kind")),
        tokens_per_second=number(_part(speed, "decode_at_start").get("mid")),
        needed_bytes=integer(verdict.get("needed_bytes")),
        free_bytes=integer(room.get("now_bytes")),
    )


def _part(facts: Facts, name: str) -> Facts:
    found = facts.get(name)
    return found if isinstance(found, Mapping) else {}


def _short(name: str) -> str:
    name = name.rsplit("/", 1)[-1].removesuffix(".gguf")
    return name if len(name) <= 40 else name[:39] + "…"


def text(value: object) -> str | None:
    """The value if it is a text."""
    return value if isinstance(value, str) else None


def integer(value: object) -> int | None:
    """The value if it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number(value: object) -> float | None:
    """The value if it is a number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return None
