"""Runs the daemon in the foreground: claims the one place, opens the doors, ends well."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

from galosh.api.process import start_mark
from galosh.api.wire import DaemonFacts
from galosh.base.clock import Clock, SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.server import secret, sockets, tidy
from galosh.server.claim import Claim
from galosh.server.doorway import Doorway
from galosh.server.house import House
from galosh.server.logfile import close_log, open_log
from galosh.server.ports import Parts
from galosh.server.version import read_version
from galosh.supervisor.prepare import AFTER_SECONDS, prepare

_ANSWERS_SECONDS = 3.0  # how long running answers may go on once a stop is asked for
_GOODBYE_SECONDS = 1.0  # how long their last words may take to be written

Ready = Callable[[DaemonFacts], None]
_log = logging.getLogger("galosh.server")


def serve(paths: Paths, parts: Parts | None = None, ready: Ready | None = None) -> int:
    """Serve until a signal or the shutdown route says stop; returns the exit status.

    ready: called once, when clients can connect. Raises GaloshError
    `server-already-running`, `server-port-in-use`, `server-socket-failed`, a settings error
    or a write error; nothing is left behind then.
    """
    tidy.use_one_arena()
    settings = Settings.load(paths.settings_file)
    with Claim(paths) as claim:
        log = open_log(paths, settings.text("log.level"))
        try:
            if parts is None:
                from galosh.server.parts import RealParts

                parts = RealParts(paths, settings, SystemClock())
            asyncio.run(_Daemon(paths, settings, parts, claim, ready).run())
            return 0
        finally:
            close_log(log)


class _Daemon:
    """One run from listening to the last goodbye."""

    def __init__(
        self, paths: Paths, settings: Settings, parts: Parts, claim: Claim, ready: Ready | None
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._parts = parts
        self._claim = claim
        self._ready = ready
        self._clock: Clock = SystemClock()
        self._bound = False
        self._listeners: list[socket.socket] = []

    async def run(self) -> None:
        try:
            unix, tcp = self._listen()
            house = House(
                self._paths,
                self._settings,
                self._clock,
                self._parts.supervisor(),
                self._parts.models(),
            )
            _on_signals(house.stopping.set)
            await house.supervisor.start()
            tidying = tidy.Tidying(house.supervisor.events, lambda: house.is_answering)
            try:
                await house.downloads.start()
                await self._serve(house, unix, tcp)
            finally:
                await house.downloads.stop()
                await house.supervisor.stop()
                tidying.close()
        finally:
            for listener in self._listeners:
                listener.close()
            if self._bound:
                self._paths.socket.unlink(missing_ok=True)

    def _listen(self) -> tuple[socket.socket | None, socket.socket | None]:
        unix = tcp = None
        if sys.platform != "win32":
            unix = sockets.open_unix(self._paths.socket)
            self._bound = True
            self._listeners.append(unix)
        if self._settings.flag("api.tcp") or unix is None:
            tcp = self._open_tcp()
            self._listeners.append(tcp)
        return unix, tcp

    def _open_tcp(self) -> socket.socket:
        try:
            return sockets.open_tcp(self._settings.number("api.port"), self._paths)
        except GaloshError as error:
            if error.code == "server-port-in-use":
                # An open page may have shown both halves of its session to whoever holds it.
                self._paths.sessions_file.unlink(missing_ok=True)
            raise

    async def _serve(
        self, house: House, unix: socket.socket | None, tcp: socket.socket | None
    ) -> None:
        house.token = token = secret.Token(self._paths)
        port = None if tcp is None else int(tcp.getsockname()[1])
        doors = [
            Doorway(house, listener, number, token)
            for listener, number in ((unix, None), (tcp, port))
            if listener is not None
        ]
        for door in doors:
            await door.open()
        house.facts = facts = DaemonFacts(
            pid=os.getpid(),
            socket=None if unix is None else str(self._paths.socket),
            port=port,
            started_at=self._clock.wall_seconds(),
            version=read_version(),
            mark=start_mark(os.getpid()),
        )
        self._claim.announce(facts)
        _log.info("listening pid=%d port=%s version=%s", facts.pid, port, facts.version)
        if self._ready is not None:
            self._ready(facts)
        loop = asyncio.get_running_loop()
        soon = loop.call_later(
            AFTER_SECONDS, lambda: loop.run_in_executor(None, _get_ready, house.models.list)
        )
        await house.stopping.wait()
        soon.cancel()
        _log.info("stopping")
        for door in doors:
            door.shut()
        await asyncio.gather(house.downloads.stop(), house.quiet(_ANSWERS_SECONDS))
        await house.supervisor.stop()
        await house.quiet(_GOODBYE_SECONDS)
        await asyncio.gather(*(door.clear(_GOODBYE_SECONDS) for door in doors))
        _log.info("stopped")


def _get_ready(list_models: Callable[[], object]) -> None:
    prepare(list_models)
    tidy.give_back()  # what all the imports have left behind


def _on_signals(stop: Callable[[], None]) -> None:
    """Ctrl-C, a polite kill and a closed terminal stop the daemon the same way."""
    if threading.current_thread() is not threading.main_thread():
        return  # signals reach only the main thread; whoever runs us elsewhere uses the route
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    else:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop)
