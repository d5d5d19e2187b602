"""A tray to test: the real agent as a process, over the real daemon with fake workers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from galosh.api import Client, DaemonFacts
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.server.daemon import serve
from galosh.store import ModelStore
from galosh.supervisor import Supervisor
from galosh.tray.icons import INKS
from tests.desktop_kit import Desktop, Process, wait_for
from tests.supervisor.kit import House


class Served:
    """The daemon of a test, in a thread. Also its `Parts`."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.house = House(paths)
        self.house.beside = False
        paths.settings_file.write_text("[engine]\nthreads = 2\n[api]\nport = 0\n")
        self.client = Client(paths)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.made: Supervisor | None = None

    def supervisor(self) -> Any:
        """See galosh.server.ports.Parts."""
        self._loop = asyncio.get_running_loop()
        self.made = self.house.supervisor()
        return self.made

    def models(self) -> Any:
        """See galosh.server.ports.Parts."""
        return ModelStore(self.paths)

    @property
    def port(self) -> object:
        """Its TCP port."""
        daemon: Any = self.client.status()["daemon"]
        return daemon["port"]

    @property
    def followers(self) -> int:
        """How many follow the daemon's events."""
        return 0 if self.made is None else self.made.events.watchers

    def tell(self, name: str, **facts: object) -> None:
        """Publish an event as a part of the daemon would."""
        assert self._loop is not None
        assert self.made is not None
        self._loop.call_soon_threadsafe(lambda: self.made.events.flash(name, **facts))  # type: ignore[union-attr]


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Served]:
    """The daemon for the desktop of that folder, with the models alpha and beta."""
    house = Served(Paths.under(folder / "galosh"))
    ready = threading.Event()
    failed: list[BaseException] = []

    def take(_facts: DaemonFacts) -> None:
        ready.set()

    def run() -> None:
        try:
            serve(house.paths, house, take)
        except BaseException as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(30)
    if failed:
        raise failed[0]
    try:
        yield house
    finally:
        with contextlib.suppress(GaloshError):
            house.client.forecasts()  # one that runs is waited for: it has pipes in our loop
            house.client.shutdown()
        thread.join(30)
        assert not thread.is_alive()


def start_tray(here: Desktop, *options: str, log: str = "tray.log") -> Process:
    """The agent; without hotkey and popup unless asked."""
    options = options or ("--no-popup", "--no-hotkey", "--no-daemon")
    return here.python("-m", "galosh.tray", *options, log=log)


def wait_gone(process: Process, seconds: float = 5.0) -> int:
    """Its exit status; it must end by itself in time."""
    wait_for(lambda: process.poll() is not None, "end of the tray", seconds)
    return process.returncode


def icon_at(here: Desktop, height: int = 32) -> tuple[int, int] | None:
    """The middle of our icon in a panel at the lower edge, found by its colour."""
    from Xlib import X

    root = here.connection().screen().root
    at = root.get_geometry()
    top = at.height - height
    data: Any = root.get_image(0, top, at.width, height, X.ZPixmap, 0xFFFFFFFF).data
    ink = INKS["auto"]
    found = [
        (n % at.width, top + n // at.width)
        for n in range(at.width * height)
        if bytes(data[4 * n : 4 * n + 3][::-1]) == bytes(ink)
    ]
    if not found:
        return None
    xs, ys = zip(*found, strict=True)
    return (min(xs) + max(xs)) // 2, (min(ys) + max(ys)) // 2


def menu_window(here: Desktop) -> tuple[int, int, int, int] | None:
    """x, y, width and height of the open menu; None while there is none.

    Menus are the windows that no window manager touches; the panel's own hints are lower.
    """
    from Xlib import X
    from Xlib.error import XError

    for window in here.connection().screen().root.query_tree().children:
        try:
            how, at = window.get_attributes(), window.get_geometry()
        except XError:
            continue  # gone by now
        if how.override_redirect and how.map_state == X.IsViewable and at.height > 60:
            return at.x, at.y, at.width, at.height
    return None
