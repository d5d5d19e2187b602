"""The rows of the menu, made from what the tray knows. Pure.

Rules: the state is always the first row, the model in use always in sight; rows that cannot be
used are grey and say why; a long list goes on in a submenu, so that the menu fits a screen of
768 pixels; every row works by left click, right click and keyboard alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from galosh.base.texts import say
from galosh.tray.rows import Kind, Row, line
from galosh.tray.view import Download, Facts, Forecast, Model, View, number, text

_MODELS_IN_SIGHT = 7
_MODELS_MORE = 25
_DOWNLOADS_IN_SIGHT = 3
_TEXT_LIMIT = 70
# A name written from right to left must not turn the row or the words beside it.
_LEFT_TO_RIGHT, _ISOLATE, _RELEASE = DIRECTIONS = "\u200e", "\u2068", "\u2069"


def build(view: View) -> tuple[Row, ...]:
    """The whole menu."""
    if view.away:
        middle: list[Row] = [
            Row("start", say("tray.starting" if view.starting else "tray.start"),
                enabled=not view.starting),
        ]  # fmt: skip
    else:
        middle = [
            *_models(view),
            Row("more", say("tray.more")),
            *_downloads(view.downloads),
            line("line-use"),
            *_presets(view),
            Row("notebook", say("tray.notebook")),
            Row("pause", say("tray.pause"), Kind.CHECK, ticked=bool(view.worker.get("paused"))),
            Row("unload", say("tray.unload"), enabled=_holds_memory(view.worker)),
        ]
    return (
        Row("state", state_line(view), enabled=False),
        *_trouble(view),
        Row("ask", _ask_text(view), default=True),
        line("line-models"),
        *middle,
        line("line-own"),
        Row(
            "autostart",
            say("tray.autostart"),
            Kind.CHECK,
            ticked=bool(view.autostart),
            enabled=view.autostart is not None,
        ),
        Row("settings", say("tray.settings"), enabled=not view.away),
        Row("copy", say("tray.copy"), enabled=not view.away),
        Row("doctor", say("tray.doctor")),
        line("line-quit"),
        Row(
            "quit",
            say("tray.quit"),
            Kind.MENU,
            rows=(Row("quit:tray", say("tray.quit-tray")), Row("quit:all", say("tray.quit-all"))),
        ),
    )


def state_line(view: View) -> str:
    """What goes on, in one line: for the menu's head and the tooltip."""
    worker = view.worker
    if view.away:
        return say("tray.starting" if view.starting else "tray.away")
    if worker.get("paused"):
        return say("tray.paused")
    name = isolated(view.model_title)
    if view.pending and not worker.get("coming") and worker.get("answering"):
        return say("tray.waits", model=name)
    if view.mark.value == "loading":
        done = number(worker.get("progress"))
        if done is None:
            return say("tray.loading", model=name)
        return say("tray.loading-percent", model=name, percent=f"{100 * done:.0f}")
    if view.failure is not None:
        return say("tray.failed", model=name)
    if not name:
        return say("tray.no-model")
    if worker.get("state") not in ("ready", "busy", "resting"):
        return say("tray.asleep", model=name)
    parts = [name]
    memory, speed = number(worker.get("worker_memory_bytes")), worker.get("tokens_per_second")
    if memory:
        parts.append(say("tray.memory", memory_bytes=memory))
    if number(speed):
        parts.append(say("tray.speed", speed=_speed(number(speed) or 0.0)))
    if worker.get("answering"):
        parts.append(say("tray.answering"))
    return " · ".join(parts)


def isolated(name: str) -> str:
    """A name that may be written from right to left, kept from turning what stands beside it."""
    if not any("\u0590" <= letter <= "\u08ff" for letter in name):
        return name
    return f"{_LEFT_TO_RIGHT}{_ISOLATE}{name}{_RELEASE}"


def _ask_text(view: View) -> str:
    return say("tray.ask-key", hotkey=view.hotkey) if view.hotkey else say("tray.ask")


def _trouble(view: View) -> list[Row]:
    failure = view.failure
    if failure is None:
        return []
    return [Row("trouble", _cut(f"{failure.what} {failure.why}"), enabled=False)]


def _holds_memory(worker: Facts) -> bool:
    return worker.get("worker_pid") is not None


def _models(view: View) -> list[Row]:
    models = sorted(view.models, key=lambda model: (model.title.casefold(), model.id))
    chosen = view.model_id
    if not models:
        return [Row("no-models", say("tray.no-models"), enabled=False)]
    rows = [_model(model, view.forecasts.get(model.id), chosen) for model in models]
    if len(rows) <= _MODELS_IN_SIGHT + 1:
        return rows
    sight = rows[:_MODELS_IN_SIGHT]
    ticked = next((row for row in rows if row.ticked), None)
    if ticked is not None and ticked not in sight:
        sight[-1] = ticked
    rest = [row for row in rows if row not in sight]
    more = rest[:_MODELS_MORE]
    if len(rest) > len(more):
        more.append(Row("models:all", say("tray.models-all", count=len(models))))
    title = say("tray.models-more", count=len(rest))
    return [*sight, Row("models", title, Kind.MENU, rows=tuple(more))]


def _model(model: Model, forecast: Forecast | None, chosen: str | None) -> Row:
    ticked = model.id == chosen
    name, why = isolated(_cut(model.title)), _why(model, forecast)
    enabled = ticked or (model.problem is None and (forecast is None or forecast.verdict != "no"))
    label = f"{name} — {why}" if why else name
    return Row(f"model:{model.id}", label, Kind.RADIO, ticked=ticked, enabled=enabled)


def _why(model: Model, forecast: Forecast | None) -> str:
    if model.problem is not None:
        return _cut(model.problem)
    if forecast is None or forecast.verdict in (None, "unknown"):
        return ""
    if forecast.verdict == "no":
        needed, free = forecast.needed_bytes, forecast.free_bytes
        return say("tray.fits-not", needed_bytes=needed, free_bytes=free)
    if forecast.verdict == "fits-after-closing":
        return say("tray.fits-after-closing")
    speed = forecast.tokens_per_second
    return say("tray.fits", speed=_speed(speed)) if speed else say("tray.fits-plain")


def _downloads(downloads: Sequence[Download]) -> list[Row]:
    rows = [_download(one) for one in downloads[:_DOWNLOADS_IN_SIGHT]]
    if len(downloads) > len(rows):
        count = len(downloads) - len(rows)
        rows.append(Row("downloads:more", say("tray.downloads-more", count=count), enabled=False))
    return rows


def _download(one: Download) -> Row:
    name, percent = isolated(one.name), "" if one.fraction is None else f"{100 * one.fraction:.0f}"
    if one.problem is not None:
        label = say("tray.download-problem", name=name, problem=_cut(one.problem))
    elif not one.running:
        label = say("tray.download-paused", name=name, percent=percent or "0")
    elif not percent:
        label = say("tray.download-waits", name=name)
    elif one.eta_seconds is not None:
        label = say("tray.download-eta", name=name, percent=percent, left_seconds=one.eta_seconds)
    else:
        label = say("tray.download", name=name, percent=percent)
    switch = say("tray.download-pause" if one.running else "tray.download-resume")
    key = f"download:{one.id}"
    rows = (Row(f"{key}:switch", switch), Row(f"{key}:cancel", say("tray.download-cancel")))
    return Row(key, label, Kind.MENU, rows=rows)


def _presets(view: View) -> list[Row]:
    chosen = text(view.settings.get("ask.preset")) or ""
    entries = (("", say("tray.preset-none")), *view.presets)
    rows = tuple(
        Row(f"preset:{name}", _cut(title), Kind.RADIO, ticked=name == chosen)
        for name, title in entries
    )
    title = next((title for name, title in entries if name == chosen), chosen)
    label = say("tray.presets", preset=_cut(title))
    # There from the start: GNOME's extension loses the order of a row that comes later.
    return [Row("presets", label, Kind.MENU, rows=rows)]


def _cut(words: str) -> str:
    return words if len(words) <= _TEXT_LIMIT else words[: _TEXT_LIMIT - 1] + "…"


def _speed(tokens_per_second: float) -> str:
    return f"{tokens_per_second:.0f}" if tokens_per_second >= 10 else f"{tokens_per_second:.1f}"
