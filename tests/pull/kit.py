"""A hub, a home and real `galosh` processes for the tests of pulling."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galosh.api import Client, DaemonFacts, start_daemon
from galosh.api.end import wait_for_end
from galosh.base.paths import Paths
from tests.fakes.gguf_models import llama
from tests.fakes.hub import FaultHub

REPO = Path(__file__).parents[2]
ROOTS = ("core", "installer", "daemon", "tray", "presets")
SOURCE = "hf:me/little-GGUF:Q4_K_M"
FILE = "little-Q4_K_M.gguf"
DAEMON = [sys.executable, "-I", str(REPO / "tests/fakes/daemon.py")]


def model_bytes(folder: Path, size: str = "small") -> bytes:
    """A sound model: `small` 0.5 MB, `big` 34 MB."""
    path = folder / "made.gguf"
    if size == "small":
        llama(layers=2).write(path)
    else:
        llama(layers=4, width=256, ff=2048, vocab=3000).write(path)
    data = path.read_bytes()
    path.unlink()
    return data


@dataclass
class Place:
    """One home and one hub; commands run as processes."""

    paths: Paths
    hub: FaultHub
    data: bytes
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hub.add_repo("me/little-GGUF", {FILE: self.data, "little-Q8_0.gguf": b"GGUFx"})
        self.environ = {
            **os.environ,
            "HF_ENDPOINT": self.hub.url,
            "PYTHONPATH": os.pathsep.join(str(REPO / root) for root in ROOTS),
            "PYTHONWARNINGS": "error",
        }

    @property
    def target(self) -> Path:
        """Where the model will lie."""
        return self.paths.models / FILE

    @property
    def client(self) -> Client:
        """A client of the daemon."""
        return Client(self.paths)

    def start(self) -> DaemonFacts:
        """The daemon with a fake supervisor and the real queue."""
        return start_daemon(self.paths, command=DAEMON)

    def galosh(self, *arguments: str) -> subprocess.Popen[str]:
        """A command under way."""
        return subprocess.Popen(
            [sys.executable, "-m", "galosh.cli", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=self.environ,
        )  # fmt: skip

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "galosh.cli", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90,
            env={**self.environ, **environ},
        )  # fmt: skip

    def pull(self, source: str = SOURCE, **options: object) -> Mapping[str, object]:
        """Queue a download in the daemon."""
        return self.client.pull(source, environ={"HF_ENDPOINT": self.hub.url}, **options)

    def moved_bytes(self) -> int:
        """Body bytes of the model's file that went over the line."""
        return self.hub.bytes_sent("/cdn/")

    def wait_for(self, *names: str, download_id: str | None = None) -> dict[str, Any]:
        """The facts of the next event of one of these names."""
        for event in self.client.events(after=0):
            facts = event.facts.get("facts")
            if not isinstance(facts, dict) or download_id not in (None, facts.get("id")):
                continue
            if event.name in names:
                return facts
        raise AssertionError(f"none of {names} came")


def kill(facts: DaemonFacts) -> None:
    """As a power cut would."""
    os.kill(facts.pid, 9)
    assert wait_for_end(facts.pid, facts.mark, 10)


def lines(text: str) -> list[dict[str, Any]]:
    """JSON lines."""
    return [json.loads(line) for line in text.splitlines()]
