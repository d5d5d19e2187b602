"""llama-server and llama-bench as peers: started, asked and ended.

Owns the processes it starts. Defaults throughout: what a user gets who types the command.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from scripts.benches.engine_client import Address, Answer, RefusedError, call, stream
from scripts.benches.engine_daemon import cpu_seconds
from scripts.benches.engine_peers import Peers

_LOAD_SECONDS = 120.0


class Server:
    """A running llama-server; a context."""

    def __init__(
        self, peers: Peers, model: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """options, environment: more than the model and the port, the usual variables."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        command = [str(peers.llama_server), "-m", str(model), "--port", str(self.port)]
        self._command = [*command, "--host", "127.0.0.1", *options]
        self._environment = {**peers.server_environment(), **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(port=self.port)

    @property
    def cpu_seconds(self) -> float:
        """Its processor time so far."""
        return 0.0 if self._process is None else cpu_seconds(self._process.pid)

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> float:
        """Start it and wait until it can answer; the seconds that took."""
        began = time.monotonic()
        nowhere = subprocess.DEVNULL
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdin=nowhere, stdout=nowhere, stderr=nowhere
        )
        while time.monotonic() - began < _LOAD_SECONDS:
            if self._process.poll() is not None:
                raise RuntimeError(f"llama-server ended with {self._process.returncode}")
            try:
                if call(self.address, "GET", "/health", limit_seconds=5).get("status") == "ok":
                    return time.monotonic() - began
            except (OSError, RefusedError):
                pass  # still loading
            time.sleep(0.01)
        raise TimeoutError("llama-server does not become ready")

    def stop(self) -> None:
        """End and reap it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def ask(self, prompt: str, tokens: int, **options: object) -> Answer:
        """Stream a raw completion; greedy unless told otherwise."""
        body = {"prompt": prompt, "max_tokens": tokens, "temperature": 0, **options}
        return stream(self.address, "/v1/completions", body)

    def chat(self, messages: list[dict[str, str]], tokens: int, **options: object) -> Answer:
        """Stream a chat answer; greedy unless told otherwise."""
        body = {"messages": messages, "max_tokens": tokens, "temperature": 0, **options}
        return stream(self.address, "/v1/chat/completions", body)


def llama_bench(peers: Peers, model: Path, threads: int, *options: str) -> Mapping[str, float]:
    """One run of llama-bench: tokens per second by test, `pp512` or `tg128`."""
    command = [str(peers.llama_bench), "-m", str(model), "-t", str(threads), "-o", "json"]
    done = subprocess.run(
        [*command, "-r", "1", *options],
        env=peers.bench_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    found = {}
    for test in json.loads(done.stdout):
        name = f"pp{test['n_prompt']}" if test["n_prompt"] else f"tg{test['n_gen']}"
        found[name] = float(test["avg_ts"])
    return found
