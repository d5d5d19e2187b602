"""`galosh pull` without a daemon: the engine in a thread of this process, the same display."""

from __future__ import annotations

import argparse
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.base.texts import say
from galosh.cli.output import Output
from galosh.cli.pull import tell_interrupted, write_result
from galosh.cli.pull_screen import Screen, View

if TYPE_CHECKING:
    from galosh.download.deliver import Delivered
    from galosh.download.resolved import Resolved

_Message = dict[str, object] | BaseException | None


@dataclass
class Fetch:
    """One fetch in a thread; `messages` carries its looks, then None or what it raised."""

    work: Callable[[Callable[[View], None], threading.Event], object]
    stop: threading.Event = field(default_factory=threading.Event)
    messages: queue.Queue[_Message] = field(default_factory=queue.Queue)
    result: object = None

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, daemon=True).start()

    def show(self, screen: Screen) -> View:
        """Show it to its end; the last look. Raises what the fetch raised."""
        last: View = {}
        while (message := self.messages.get()) is not None:
            if isinstance(message, BaseException):
                raise message
            last = message
            screen.event("download.progress", message)
        return last

    def _run(self) -> None:
        try:
            self.result = self.work(lambda view: self.messages.put(dict(view)), self.stop)
            self.messages.put(None)
        except BaseException as error:
            self.messages.put(error)


def pull_here(arguments: argparse.Namespace, output: Output, screen: Screen, paths: Paths) -> int:
    """Fetch the source of `arguments`; returns the exit status, raises GaloshError."""
    keys: list[str] = []
    fetch = Fetch(lambda tell, stop: _deliver(arguments, paths, keys, tell, stop))
    fetch.start()
    try:
        fetch.show(screen)
    except KeyboardInterrupt:
        screen.close()
        view = _let_go(fetch)
        _pause(paths, keys)
        return tell_interrupted(output, view, say("cli.pull-go-on", source=arguments.source))
    screen.close()
    delivered: Delivered = fetch.result  # type: ignore[assignment]
    path = delivered.path
    if path.suffix.lower() == ".gguf":
        from galosh.gguf import check_file

        check_file(path)
    facts: dict[str, object] = {
        "path": str(path),
        "size_bytes": path.stat().st_size,
        "verified": all(receipt.verified for receipt in delivered.receipts),
        "sha256": delivered.receipts[0].sha256 if delivered.receipts else None,
    }
    write_result(output, {"download": facts}, say("cli.pull-done", file=path))
    return 0


def _deliver(
    arguments: argparse.Namespace,
    paths: Paths,
    keys: list[str],
    tell: Callable[[View], None],
    stop: threading.Event,
) -> Delivered:
    from galosh.download.deliver import Options
    from galosh.download.obtain import obtain
    from galosh.download.place import choose_place

    settings = Settings.load(paths.settings_file)

    def place(resolved: Resolved) -> Path:
        keys.extend(plan.key for plan in resolved.plans)
        if arguments.output is None:
            return choose_place(paths, resolved)
        given = Path(arguments.output).expanduser().absolute()
        return given / resolved.file_name if given.is_dir() else given

    options = Options(
        connections=arguments.connections or settings.number("download.connections"),
        max_rate_bytes=arguments.max_rate or settings.number("download.max_rate_bytes"),
        follow=lambda progress: tell(progress.to_json()),
        stop=stop,
    )
    return obtain(arguments.source, place, paths, options, sha256=arguments.sha256)


def _let_go(fetch: Fetch) -> View:
    """End the fetch politely; the last look at it."""
    fetch.stop.set()
    last: View = {}
    while True:
        message = fetch.messages.get()
        if message is None or isinstance(message, BaseException):
            return last
        last = message


def _pause(paths: Paths, keys: list[str]) -> None:
    """A daemon that starts later is not to go on by itself: the user stopped this."""
    from galosh.download import manage

    for key in keys:
        try:
            manage.pause(paths, key)
        except GaloshError:  # noqa: PERF203 - complete already, or never begun
            continue
