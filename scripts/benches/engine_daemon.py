"""A real daemon with the real engine in a home of its own, for the engine's measurements.

Owns that home (below a temporary folder) and every process started for it; `close` ends them
all. The engine and the starter model are the shared ones of the tests, never written.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil

from galosh.api.client import Client
from galosh.api.find import is_running
from galosh.api.launch import stop_daemon
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from scripts.benches.engine_client import Address, Answer, RefusedError, stream
from tests import real

REPO = Path(__file__).resolve().parents[2]
_START_SECONDS = 20.0


class Daemon:
    """See the module. A context: started when entered."""

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        model: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """settings: lines of settings.toml by table, e.g. {"model": "context_tokens = 8192"}.

        model: the GGUF to enter; None: the starter. environ: more variables for the daemon.
        """
        self.home = Path(tempfile.mkdtemp(prefix="galosh-bench-"))
        self.paths = Paths.under(self.home)
        real.link_engines(self.paths)
        tables = {"api": "port = 0", **(settings or {})}
        text = "".join(f"[{name}]\n{lines}\n" for name, lines in tables.items())
        durable.write_text(self.paths.settings_file, text)
        self._model = model or real.starter_model()
        self._environ = dict(environ or {})
        self.model_id = ""

    def __enter__(self) -> Daemon:
        self.start()
        added = self.client.add_model(self._model)
        self.model_id = str(added["id"])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def client(self) -> Client:
        """The daemon's own client."""
        return Client(self.paths)

    def start(self) -> None:
        """Start it as a child of ours; the code is this checkout's, whatever is installed.

        Not detached, so that whoever keeps other programs off the PC while something is
        measured can tell that this one belongs to the measurement.
        """
        environ = {**os.environ, "GALOSH_HOME": str(self.home), **self._environ}
        _compile()
        child = subprocess.Popen(
            [sys.executable, "-m", "galosh.server"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Reaped at once when it ends, or it would still look alive to whoever waits for it.
        threading.Thread(target=child.wait, daemon=True).start()
        limit = time.monotonic() + _START_SECONDS
        while time.monotonic() < limit:
            facts = is_running(self.paths)
            if facts is not None and facts.pid == child.pid:
                return
            if child.returncode is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"the daemon does not start: {child.returncode}")

    def stop(self) -> None:
        """Stop it as a user does."""
        stop_daemon(self.paths)

    def close(self) -> None:
        """Stop it, whatever it takes, and remove its home."""
        with contextlib.suppress(GaloshError):
            self.stop()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The daemon's process id."""
        facts = durable.read_json(self.paths.daemon_facts)
        assert isinstance(facts, dict)
        return int(facts["pid"])

    @property
    def address(self) -> Address:
        """Its Unix socket."""
        return Address(path=str(self.paths.socket))

    def worker(self) -> Mapping[str, object]:
        """The worker's part of the status."""
        found = self.client.status().get("worker")
        return found if isinstance(found, Mapping) else {}

    def worker_pid(self) -> int | None:
        """The worker's process id, if one runs."""
        pid = self.worker().get("worker_pid")
        return pid if isinstance(pid, int) else None

    def processes(self) -> list[psutil.Process]:
        """Every process that has our home in its environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                own = process.environ().get("GALOSH_HOME") == str(self.home)
                words = " ".join(process.cmdline())
                if process.pid != os.getpid() and (own or str(self.home) in words):
                    found.append(process)
        return found

    def ask(self, prompt: str, tokens: int, **options: object) -> Answer:
        """Stream a raw completion; greedy unless told otherwise."""
        body = {"prompt": prompt, "max_tokens": tokens, "temperature": 0, **options}
        return self._stream("/v1/completions", body)

    def chat(self, messages: list[dict[str, str]], tokens: int, **options: object) -> Answer:
        """Stream a chat answer; greedy unless told otherwise."""
        body = {"messages": messages, "max_tokens": tokens, "temperature": 0, **options}
        return self._stream("/v1/chat/completions", body)

    def _stream(self, path: str, body: dict[str, object]) -> Answer:
        try:
            return stream(self.address, path, body)
        except RefusedError as refused:
            # A daemon from before the switch cannot draft either.
            if "draft" in body and "draft" in str(refused):
                del body["draft"]
                return stream(self.address, path, body)
            raise

    def wait_asleep(self, limit_seconds: float) -> float:
        """Wait until the idle model has given back its weights or its process."""
        began = time.monotonic()
        while time.monotonic() - began < limit_seconds:
            worker = self.worker()
            resting = worker.get("stage") == "model" and worker.get("state") == "ready"
            if worker.get("worker_pid") is None or resting:
                return time.monotonic() - began
            time.sleep(0.05)
        raise TimeoutError("the model does not fall asleep")

    def wait_unloaded(self, limit_seconds: float) -> float:
        """Wait until no worker runs; the seconds it took. Raises TimeoutError."""
        began = time.monotonic()
        while self.worker_pid() is not None:
            if time.monotonic() - began > limit_seconds:
                raise TimeoutError("the worker is still there")
            time.sleep(0.05)
        return time.monotonic() - began


@functools.cache
def _compile() -> None:
    """Compile galosh's modules, as an installation does: a daemon that compiles them at its
    start is slower and bigger than any user's."""
    roots = [str(REPO / name) for name in ("core", "installer", "daemon", "tray", "presets")]
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-m", "compileall", "-q", *roots], env=environ, check=True)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process's threads that still run; finer than the clock tick."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            spent += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return spent / 1e9
