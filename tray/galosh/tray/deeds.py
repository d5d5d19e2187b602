"""What a chosen row does.

Rules: nothing here waits in the agent's loop; a wish that fails is said with its reason, and
the menu goes back to what is true; everything that other commands of galosh do is done by those
commands, so that tray and terminal cannot differ.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from galosh.api.client import Client
from galosh.api.launch import start_daemon, stop_daemon
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.tray.children import own_command
from galosh.tray.desk import Desk
from galosh.tray.follow import Follower
from galosh.tray.shell import Shell
from galosh.tray.view import View

Found = TypeVar("Found")
_TOLD_ONCE = "tray-told.json"
_AUTOSTART_SECONDS = 10.0


class Host(Protocol):
    """What the deeds need of the agent."""

    paths: Paths
    view: View
    shell: Shell
    desk: Desk
    follower: Follower

    def post(self, work: Callable[[], None]) -> None:
        """Have the loop do this."""

    def change(self, **facts: object) -> None:
        """Know something else from now on."""

    def aside(
        self,
        work: Callable[[], Found],
        then: Callable[[Found], None],
        failed: Callable[[GaloshError], None] | None = None,
    ) -> None:
        """Do it beside the loop; a failure without `failed` is said."""

    def complain(self, error: GaloshError) -> None:
        """Say why it did not happen."""

    def stop(self) -> None:
        """End."""


class Deeds:
    """Row by row. Belongs to the agent's loop."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._autostart_read_seconds = float("-inf")
        self._simple: dict[str, Callable[[], None]] = {
            "ask": lambda: host.desk.show(toggle=True),
            "start": self.start_daemon,
            "more": lambda: self._open_page("models"),
            "models:all": lambda: self._open_page("models"),
            "notebook": lambda: self._open_page("notebook"),
            "settings": lambda: self._open_page("settings"),
            "pause": self._pause,
            "unload": lambda: self._call(lambda client: client.unload()),
            "autostart": self._switch_autostart,
            "copy": self._copy,
            "doctor": self._doctor,
            "quit:tray": host.stop,
            "quit:all": self._quit_all,
        }
        self._named: dict[str, Callable[[str], None]] = {
            "model": self._use_model,
            "download": self._download,
            "preset": lambda name: self._call(
                lambda client: client.change_setting("ask.preset", name)
            ),
        }

    def do(self, key: str) -> None:
        """What this row stands for."""
        if key in self._simple:
            self._simple[key]()
        else:
            kind, _, name = key.partition(":")
            if kind in self._named:
                self._named[kind](name)

    def _call(self, work: Callable[[Client], object]) -> None:
        """Ask the daemon; what follows comes by the event stream."""
        client = Client(self._host.paths)
        self._host.aside(lambda: work(client), lambda _: None)

    # -- daemon and models

    def start_daemon(self) -> None:
        """Start it if it does not run."""
        host = self._host
        host.change(starting=host.view.away)

        def over() -> None:
            host.change(starting=False)
            host.follower.look()

        def failed(error: GaloshError) -> None:
            over()
            host.complain(error)

        host.aside(lambda: start_daemon(host.paths), lambda _: over(), failed)

    def _use_model(self, model_id: str) -> None:
        host = self._host
        if model_id == host.view.model_id and not host.view.worker.get("paused"):
            return
        host.change(pending=model_id)

        def over(_found: object = None) -> None:
            if host.view.pending == model_id:
                host.change(pending=None)

        def failed(error: GaloshError) -> None:
            over()
            host.complain(error)

        def work() -> object:
            client = Client(host.paths)
            if host.view.worker.get("paused"):
                client.pause(paused=False)
            return client.use_model(model_id)

        host.aside(work, over, failed)

    def _pause(self) -> None:
        paused = not self._host.view.worker.get("paused")
        self._call(lambda client: client.pause(paused=paused))

    def _download(self, name: str) -> None:
        job, _, what = name.rpartition(":")
        found = next((one for one in self._host.view.downloads if one.id == job), None)
        if found is None:
            return
        if what == "cancel":
            self._call(lambda client: client.remove_download(job))
        else:
            self._call(lambda client: client.set_download(job, running=not found.running))

    # -- what other commands do

    def _galosh(self, *arguments: str) -> dict[str, Any]:
        """Run a command with --json; its document. Raises GaloshError, its own if it said one."""
        command = own_command("galosh.cli", *arguments, "--json")
        environ = dict(os.environ)
        if self._host.paths.home is not None:
            environ["GALOSH_HOME"] = str(self._host.paths.home)
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, env=environ, check=False
        )
        try:
            document = json.loads(done.stdout)
        except ValueError:
            document = None
        if isinstance(document, dict):
            stated = document.get("error")
            if isinstance(stated, dict):
                raise GaloshError.from_json(stated)
            return document
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GaloshError(
            "tray-command-failed",
            command=f"galosh {' '.join(arguments)}",
            status=done.returncode,
            reason=lines[-1] if lines else "–",
        )

    def _open_page(self, tab: str) -> None:
        self._host.aside(lambda: self._galosh("notebook", "--tab", tab), lambda _: None)

    def read_autostart(self) -> None:
        """What the system says of it now: users switch it off elsewhere too."""
        if time.monotonic() - self._autostart_read_seconds < _AUTOSTART_SECONDS:
            return
        self._autostart_read_seconds = time.monotonic()

        def failed(_error: GaloshError) -> None:
            self._host.change(autostart=None)

        self._host.aside(lambda: self._galosh("autostart", "status"), self._take_autostart, failed)

    def _switch_autostart(self) -> None:
        word = "off" if self._host.view.autostart else "on"

        self._host.aside(lambda: self._galosh("autostart", word), self._take_autostart)

    def _take_autostart(self, document: dict[str, Any]) -> None:
        enabled = document.get("enabled")
        self._host.change(autostart=enabled if isinstance(enabled, bool) else None)

    def _doctor(self) -> None:
        self._host.aside(lambda: self._galosh("doctor"), self._tell_findings)

    def _tell_findings(self, document: dict[str, Any]) -> None:
        found = [one for one in document.get("checks", []) if isinstance(one, dict)]
        bad = [one for one in found if one.get("verdict") != "ok"]
        if not bad:
            body = say("tray.told-healthy-body", count=len(found))
            self._host.shell.notify(say("tray.told-healthy"), body)
            return
        title = say("tray.told-unwell", bad=len(bad), count=len(found))
        lines = [f"{one.get('title', '')}: {one.get('advice', '')}" for one in bad]
        self._host.shell.notify(title, "\n".join(lines))

    # -- the rest

    def _copy(self) -> None:
        host = self._host
        host.aside(self._copied, lambda told: host.shell.notify(*told))

    def _copied(self) -> tuple[str, str]:
        paths = self._host.paths
        daemon = Client(paths).status().get("daemon")
        port = daemon.get("port") if isinstance(daemon, dict) else None
        if port is None:
            raise GaloshError("server-no-tcp", settings=str(paths.settings_file))
        address = f"http://127.0.0.1:{port}/v1"
        try:
            key = paths.token_file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise GaloshError("api-unauthorized", path=str(paths.token_file)) from error
        if self._host.desk.copy(f"{address}\n{key}\n"):
            return say("tray.told-copied"), say("tray.told-copied-body")
        # The key stays out of it: notifications are kept in lists that others read.
        body = say("tray.told-address-body", address=address, path=str(paths.token_file))
        return say("tray.told-address"), body

    def tell_no_tray(self) -> None:
        """Once on this PC: why there is no icon, and how to get one."""
        path = self._host.paths.state / _TOLD_ONCE
        if durable.read_json(path) is not None:
            return
        durable.write_json(path, {"no_tray": True})
        gnome = "gnome" in os.environ.get("XDG_CURRENT_DESKTOP", "").lower()
        body = say("tray.told-no-tray-gnome" if gnome else "tray.told-no-tray-other")
        self._host.shell.notify(say("tray.told-no-tray"), body)

    def _quit_all(self) -> None:
        host = self._host
        host.aside(lambda: stop_daemon(host.paths), lambda _: host.stop())
