"""The downloaders under test, each as one command that a careful user would type.

Owns the commands, how long they may take, and the verdict on what they left behind. Every
tool gets resume, retries and a short stall timer where it has one, so that a failure is the
tool's own. Never used by galosh itself.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scripts.benches import processes

REPO = Path(__file__).resolve().parents[2]
STALL_SECONDS = 3


@dataclasses.dataclass(frozen=True)
class Place:
    """Where one client downloads to, and from.

    hub_url, repo, file: the hub's address and what is wanted from it. folder: empty at first.
    """

    hub_url: str
    repo: str
    file: str
    folder: Path

    @property
    def url(self) -> str:
        """The address a user would copy from the hub's page."""
        return f"{self.hub_url}/{self.repo}/resolve/main/{self.file}"


@dataclasses.dataclass(frozen=True)
class Client:
    """One downloader. command: the arguments for a place; target: where the file ends up."""

    name: str
    program: str
    command: Callable[[Place], Sequence[str]]
    target: Callable[[Place], Path | None]


@dataclasses.dataclass(frozen=True)
class Run:
    """How one command ended. status None: it had to be stopped after the time limit."""

    status: int | None
    text: str


_HUB_SCRIPT = """
import sys, huggingface_hub
print(huggingface_hub.hf_hub_download(sys.argv[1], sys.argv[2]))
"""


def all_clients() -> list[Client]:
    """Every downloader of the table, galosh first."""
    python = sys.executable
    return [
        Client(
            "galosh",
            python,
            lambda p: [python, "-m", "scripts.benches.pull_once", p.repo, p.file, str(p.folder)],
            _galosh_target,
        ),
        Client(
            "huggingface_hub",
            python,
            lambda p: [python, "-c", _HUB_SCRIPT, p.repo, p.file],
            _hub_target,
        ),
        Client("curl", "curl", _curl, _plain_target),
        Client("wget", "wget", _wget, _plain_target),
        Client("aria2c", "aria2c", _aria2, _plain_target),
    ]


def start(client: Client, place: Place) -> processes.Text:
    """Start the client's command."""
    return processes.start(client.command(place), REPO, _environment(place))


def finish(process: processes.Text, limit_seconds: float) -> Run:
    """Wait for the end, or stop it at the limit."""
    try:
        text, _ = process.communicate(timeout=limit_seconds)
    except subprocess.TimeoutExpired:
        return Run(None, _collect(process, "end"))
    return Run(process.returncode, text)


def interrupt(process: processes.Text, how: processes.How) -> None:
    """End a running client from outside and collect it."""
    _collect(process, how)


def _collect(process: processes.Text, how: processes.How) -> str:
    processes.stop(process, how)
    try:
        return process.communicate(timeout=10)[0]
    except subprocess.TimeoutExpired:
        processes.stop(process, "kill")
        return process.communicate()[0]


def verdict(client: Client, place: Place, run: Run, right: Sequence[str]) -> str:
    """`ok`, `err (…)`, `waits (…)`, `stuck` or `LIE`; right: digests that count as correct."""
    said = galosh_end(run) if client.name == "galosh" else {}
    if run.status is None:
        return "stuck"
    if said.get("waits"):
        return f"waits ({said['waits']})"
    if run.status != 0:
        return f"err ({said.get('code') or run.status})"
    target = client.target(place)
    if target is None or not target.is_file():
        return "LIE (no file)"
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    return "ok" if digest in right else "LIE"


def galosh_end(run: Run) -> Mapping[str, str]:
    """What `pull_once` said last."""
    for line in reversed(run.text.splitlines()):
        if line.startswith("{"):
            found: Mapping[str, str] = json.loads(line)
            return found
    return {}


def missing_programs(clients: Sequence[Client]) -> list[str]:
    """Programs that are not installed here."""
    return [client.program for client in clients if shutil.which(client.program) is None]


def _environment(place: Place) -> dict[str, str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("HF_")
    }
    roots = [str(REPO / root) for root in ("core", "installer", "daemon", "tray", "presets")]
    environment.update(
        PYTHONPATH=os.pathsep.join([*roots, str(REPO)]),
        HF_ENDPOINT=place.hub_url,
        HF_HOME=str(place.folder / "hf"),
        HF_HUB_DISABLE_XET="1",
        HF_HUB_DISABLE_PROGRESS_BARS="1",
        HF_HUB_DOWNLOAD_TIMEOUT=str(STALL_SECONDS),
        HF_HUB_ETAG_TIMEOUT=str(STALL_SECONDS),
        GALOSH_HOME=str(place.folder / "galosh"),
        GALOSH_LANG="en",
        HOME=str(place.folder),
    )
    return environment


def _curl(place: Place) -> list[str]:
    stall = ["--speed-time", str(STALL_SECONDS), "--speed-limit", "1024"]
    retry = ["--retry", "3", "--retry-delay", "1", "--retry-connrefused", "-C", "-"]
    return ["curl", "-fsSL", *stall, *retry, "-o", str(_plain_target(place)), place.url]


def _wget(place: Place) -> list[str]:
    options = ["-q", "-c", "-t", "5", "--waitretry=1", "-T", str(STALL_SECONDS)]
    return ["wget", *options, "--retry-connrefused", "-O", str(_plain_target(place)), place.url]


def _aria2(place: Place) -> list[str]:
    options = ["-q", "-c", "-x4", "-s4", "-k1M", "--max-tries=5", "--retry-wait=1"]
    options += [f"--timeout={STALL_SECONDS}", "--lowest-speed-limit=1K", "--no-conf=true"]
    options += ["--allow-overwrite=true", "--auto-file-renaming=false"]
    return ["aria2c", *options, "-d", str(place.folder), "-o", place.file, place.url]


def _plain_target(place: Place) -> Path:
    return place.folder / place.file


def _galosh_target(place: Place) -> Path:
    return place.folder / "models" / place.file


def _hub_target(place: Place) -> Path | None:
    found = sorted((place.folder / "hf").glob(f"hub/models--*/snapshots/*/{place.file}"))
    # After a change of the repository the newest snapshot is the one just fetched.
    return max(found, key=lambda path: path.lstat().st_mtime, default=None)
