"""The agent: one loop that hears daemon, icon, hotkey and popup, and tells each what follows.

Owns the view (what is known) and decides nothing that the daemon decides. Rules: everything
arrives as a call in one inbox and is handled by one thread; whatever may wait (daemon, files,
other programs) is done beside it and comes back through the inbox; a reply is asked for again
rather than guessed from an event.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from galosh.api.client import Client
from galosh.api.wire import Happening, Notice
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import language, say
from galosh.tray import menu
from galosh.tray.deeds import Deeds
from galosh.tray.desk import Desk
from galosh.tray.follow import Follower
from galosh.tray.forecasts import Forecasts
from galosh.tray.shell import Shell
from galosh.tray.view import View, number, text

_LOG = logging.getLogger("galosh.tray")
_LONG_LOAD_SECONDS = 10.0
_ICON_SECONDS = 1.0
_NO_TRAY_SECONDS = 10.0  # a panel that starts after us at login gets so long

Found = TypeVar("Found")


@dataclass(frozen=True)
class Options:
    """How it was started. show_popup: at once; popup, hotkey, daemon: whether to have them."""

    show_popup: bool = False
    popup: bool = True
    hotkey: bool = True
    daemon: bool = True


class Agent:
    """See the module. `run` belongs to the main thread."""

    def __init__(self, paths: Paths, options: Options) -> None:
        self.paths = paths
        self.view = View()
        self._options = options
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._stale: set[str] = set()
        self._asking = False
        self._host: str | None = ""
        self._begun = False
        self.shell = Shell(self)
        self.desk = Desk(self, popup=options.popup, hotkey=options.hotkey)
        self.deeds = Deeds(self)
        self.forecasts = Forecasts(self)
        self.follower = Follower(paths, self._heard, self._away)

    def run(self) -> bool:
        """Live until `stop` or the end of the session; False where there was no desktop."""
        self._draw()  # so that no host ever sees an icon without a menu
        loop = threading.Thread(target=self._loop, name="galosh-agent", daemon=True)
        loop.start()
        self.follower.start()
        self._later(_ICON_SECONDS, self._begin)
        try:
            self.shell.run()
        finally:
            self._inbox.put(None)
            self.follower.close()
            self.desk.close()
        return self.shell.found_desktop

    def stop(self) -> None:
        """End; from any thread, and from a signal."""
        self.shell.stop()

    # -- the loop

    def post(self, work: Callable[[], None]) -> None:
        """Have the loop do this."""
        self._inbox.put(work)

    def aside(
        self,
        work: Callable[[], Found],
        then: Callable[[Found], None],
        failed: Callable[[GaloshError], None] | None = None,
    ) -> None:
        """Do it in a thread of its own; what follows happens in the loop."""

        def do() -> None:
            try:
                found = work()
            except GaloshError as error:
                stated = error
                self.post(lambda: (failed or self.complain)(stated))
                return
            self.post(lambda: then(found))

        threading.Thread(target=do, name="galosh-aside", daemon=True).start()

    def _loop(self) -> None:
        while (work := self._inbox.get()) is not None:
            self._guarded(work)
            if self._inbox.empty():  # draw once for all that has come
                self._guarded(self._draw)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            # A defect in one row must not take the icon away.
            _LOG.exception("the tray's loop failed")

    def _draw(self) -> None:
        view = self.view
        self.shell.show(view.look, menu.state_line(view), menu.build(view))

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, self.post, (work,))
        timer.daemon = True
        timer.start()

    def _begin(self) -> None:
        """Once the icon is there, or should be: two programs that start at once wait for
        each other."""
        if self._begun:
            return
        self._begun = True
        self.desk.start(show=self._options.show_popup)
        self.deeds.read_autostart()
        if self._options.daemon:
            self.deeds.start_daemon()

    def change(self, **facts: object) -> None:
        """Know something else from now on."""
        self.view = replace(self.view, **facts)  # type: ignore[arg-type] # names of the view

    # -- from the icon (shell.Listener)

    def on_click(self, key: str) -> None:
        """See Listener."""
        self.post(lambda: self.deeds.do(key))

    def on_open(self) -> None:
        """See Listener."""
        self.post(self._look_again)

    def _look_again(self) -> None:
        """What may have changed without an event; menus show it while they are open."""
        self.forecasts.refresh()
        self.deeds.read_autostart()

    def on_host(self, how: str | None) -> None:
        """See Listener."""
        self.post(lambda: self._hosted(how))

    def _hosted(self, how: str | None) -> None:
        self._host = how
        self.desk.tell_daemon(how)
        self._begin()
        if how is None:
            self._later(_NO_TRAY_SECONDS, self._still_no_tray)

    def _still_no_tray(self) -> None:
        if self._host is None:
            self.deeds.tell_no_tray()

    # -- from the daemon

    def _heard(self, happening: Happening) -> None:
        self.post(lambda: self._happened(happening))

    def _away(self, error: GaloshError) -> None:
        self.post(lambda: self._lost(error))

    def _lost(self, error: GaloshError) -> None:
        if not self.view.away:
            _LOG.info("the daemon is away: %s", error.code)
        self.view = replace(View(), starting=self.view.starting, settings=self.view.settings,
                            hotkey=self.view.hotkey, autostart=self.view.autostart)  # fmt: skip

    def _happened(self, happening: Happening) -> None:
        name, facts = happening.name, happening.facts
        inner = facts.get("facts")
        inner = inner if isinstance(inner, Mapping) else facts
        if name == "status":
            self.change(away=False, starting=False, worker=_worker(facts))
            self._renew("models", "downloads", "settings", "presets")
            self.desk.tell_daemon(self._host)
        elif name == "model.progress":
            worker = {**self.view.worker, "progress": inner.get("fraction")}
            self.change(worker=worker)
        elif name.startswith("download."):
            self.view = self.view.take_download(name, inner)
        elif name == "popup.asked":
            self.desk.press()
        elif name == "settings.changed":
            self._renew("settings")
            self.desk.setting_changed(text(inner.get("setting")) or "")
        elif name in ("models.changed", "model.added"):
            self._renew("models", "status")
        else:
            self._renew("status")
        self._tell(name, inner)

    def _tell(self, name: str, facts: Mapping[str, object]) -> None:
        """News worth a notification."""
        title = menu.isolated(text(facts.get("title")) or self.view.model_title)
        seconds = number(facts.get("load_seconds")) or 0.0
        if name == "model.ready" and seconds >= _LONG_LOAD_SECONDS:
            body = say("tray.told-ready-body", load_seconds=seconds)
            self.news(say("tray.told-ready", model=title), body)
        elif name == "download.done":
            name = text(facts.get("model_id")) or text(facts.get("file_name")) or ""
            self.news(say("tray.told-download", model=name), say("tray.told-download-body"))
        elif name == "model.notice":
            notice = Notice.from_json(facts)
            self.news(say("tray.told-memory"), "" if notice is None else _words(notice))
        elif name == "worker.died" and facts.get("cause") == "memory":
            self.news(say("tray.told-memory"), say("tray.told-died", model=title))

    def news(self, title: str, body: str) -> None:
        """Tell what nobody asked for, unless the user wants no such thing."""
        if self.view.settings.get("tray.notifications") is not False:
            self.shell.notify(title, body)

    def complain(self, error: GaloshError) -> None:
        """Say why what the user asked for did not happen."""
        self.shell.notify(error.what, f"{error.why} {error.next_step}")
        self._renew("status")

    # -- replies

    def _renew(self, *names: str) -> None:
        """Ask the daemon for these again; at most one round of questions at a time."""
        self._stale.update(names)
        if not self._asking and self._stale:
            names, self._stale, self._asking = tuple(self._stale), set(), True
            self.aside(lambda: self._ask(names), self._answered)

    def _ask(self, names: tuple[str, ...]) -> Callable[[View], View]:
        """What the replies make of a view; a question that fails leaves its part as it was."""
        client = Client(self.paths)
        takes = [_asked(name, client) for name in names]

        def take(view: View) -> View:
            for one in takes:
                view = one(view)
            return view

        return take

    def _answered(self, take: Callable[[View], View]) -> None:
        before = self.view.models
        self.view = take(self.view)
        if self.view.models != before:
            self.forecasts.refresh()
        self._asking = False
        self._renew()


def _asked(name: str, client: Client) -> Callable[[View], View]:
    try:
        return _QUESTIONS[name](client)
    except GaloshError as error:
        _LOG.info("no %s: %s", name, error)
        return lambda view: view


def _status(client: Client) -> Callable[[View], View]:
    worker = _worker(client.status())
    return lambda view: replace(view, worker=worker)


def _models(client: Client) -> Callable[[View], View]:
    found = client.models()
    return lambda view: view.take_models(found)


def _downloads(client: Client) -> Callable[[View], View]:
    found = client.downloads()
    return lambda view: view.take_downloads(found)


def _settings(client: Client) -> Callable[[View], View]:
    found = client.settings()
    return lambda view: replace(view, settings=found)


def _presets(client: Client) -> Callable[[View], View]:
    found = client.presets().get("samplers", [])
    return lambda view: view.take_presets(found, language())


_QUESTIONS: Mapping[str, Callable[[Client], Callable[[View], View]]] = {
    "status": _status,
    "models": _models,
    "downloads": _downloads,
    "settings": _settings,
    "presets": _presets,
}


def _worker(status: Mapping[str, object]) -> Mapping[str, object]:
    worker = status.get("worker")
    return worker if isinstance(worker, Mapping) else {}


def _words(notice: Notice) -> str:
    try:
        return say(notice.key, **notice.facts)
    except (KeyError, ImportError):
        return notice.text
