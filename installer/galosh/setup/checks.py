"""The single checks of the doctor. Each looks at one thing and returns one Finding.

A check never changes anything and never raises: what it cannot find out it says.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from galosh import api, engine
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.base.texts import say
from galosh.catalogue import starter as starter_entry
from galosh.engine import offload_trial
from galosh.engine.offload import Decision
from galosh.gguf import check_file
from galosh.setup import gpu, launcher, starter
from galosh.setup.view import Finding

_FAIL_DISK_BYTES = 200_000_000


def finding(key: str, verdict: str, value: str, advice: str, **facts: object) -> Finding:
    """A Finding of the doctor with its title and advice from the catalogue."""
    return Finding(
        key=key,
        title=say(f"setup.check-{key}"),
        value=value,
        verdict=verdict,
        advice=say(f"setup.advice-{advice}", **facts),
    )


def failed(key: str, error: GaloshError) -> Finding:
    """A Finding that carries an error's own words."""
    return Finding(
        key, say(f"setup.check-{key}"), f"{error.what} {error.why}", "fail", error.next_step
    )


def check_folders(paths: Paths) -> Finding:
    """Whether galosh's folders can be written, and have room."""
    for folder in (paths.data, paths.state, paths.config, paths.cache):
        nearest = next((f for f in (folder, *folder.parents) if f.exists()), folder)
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            return finding("folders", "fail", str(folder), "folder-closed", folder=str(nearest))
    free = durable.free_bytes(paths.data)
    if free is not None and free < _FAIL_DISK_BYTES:
        return finding("folders", "fail", str(paths.data), "folders-full", free_bytes=free)
    return finding("folders", "ok", str(paths.data), "nothing")


def check_settings(paths: Paths) -> Finding:
    """Whether the settings file is understood."""
    try:
        Settings.load(paths.settings_file)
    except GaloshError as error:
        return failed("settings", error)
    return finding("settings", "ok", str(paths.settings_file), "nothing")


def check_engine(paths: Paths) -> Finding:
    """Which engine is in use and how its trial ended."""
    current = engine.current(paths)
    if current is None:
        return finding("engine", "fail", say("setup.none"), "engine-none")
    trial = current.manifest.trial
    name = f"{current.manifest.version}, {current.manifest.candidate}"
    if trial is None or not trial.ok:
        return finding("engine", "fail", name, "engine-unproven", cause=trial and trial.cause)
    value = say(
        "setup.engine",
        name=name,
        compiler=current.manifest.compiler or "–",
        speed="?" if trial.decode_tps is None else f"{trial.decode_tps:.1f}",
    )
    return finding("engine", "ok", value, "nothing")


def check_engine_use(paths: Paths) -> Finding:
    """What the engine really uses: layers on a graphics processor, and of the processor its
    features; by the running worker's words, or else by those of the trial."""
    current = engine.current(paths)
    trial = None if current is None else current.manifest.trial
    worker = _worker_facts(paths)
    said = worker.get("engine_system")
    info = said if isinstance(said, str) else trial.system_info if trial is not None else ""
    if not info:
        return finding("engine-use", "warn", say("setup.unknown"), "engine-use-unknown")
    names = ", ".join(used_features(info)) or "–"
    layers = _layers_in_use(worker)
    tried = current is not None and offload_trial.supports_gpu(current)
    if not layers and not tried:
        value = say("setup.engine-cpu-only", names=names)
        return finding(
            "engine-use", "ok", value, f"engine-use-{'cpu' if names != '–' else 'plain'}"
        )
    decision = offload_trial.newest(paths, layers)
    if not layers and Settings.load(paths.settings_file).text("engine.gpu") == "off":
        decision = Decision(0, "off")
    if layers is None and decision is not None:  # no worker: what the next one will do
        layers = decision.layers
    value = say("setup.engine-cpu-only", names=names)
    if layers:
        value = say(
            "setup.engine-gpu",
            layers=layers,
            most=None if decision is None else decision.most_layers,
            card=None if decision is None else decision.card,
            names=names,
        )
    if decision is None:
        return finding("engine-use", "ok", value, "engine-use-untried")
    return Finding("engine-use", say("setup.check-engine-use"), value, "ok", gpu.sentence(decision))


def _layers_in_use(worker: Mapping[str, object]) -> int | None:
    """Layers that the running worker has on a graphics processor; None without a worker."""
    settings = worker.get("settings")
    layers = settings.get("gpu_layers") if isinstance(settings, Mapping) else None
    return layers if isinstance(layers, int) else None


def _worker_facts(paths: Paths) -> Mapping[str, object]:
    """What the daemon says of its worker; nothing where none runs."""
    if api.is_running(paths) is None:
        return {}
    worker = api.Client(paths).status().get("worker")
    return worker if isinstance(worker, Mapping) else {}


def used_features(system_info: str) -> list[str]:
    """The processor's features that llama.cpp's system info line says are on.

    `CUDA : ARCHS = 900 | USE_GRAPHS = 1 | CPU : AVX2 = 1 | AMX_INT8 = 0`: what stands behind
    another device's name is that device's.
    """
    used, device = [], "CPU"
    for item in system_info.split("|"):
        name, _, value = (part.strip() for part in item.partition("="))
        if ":" in name:
            device, name = (part.strip() for part in name.split(":", 1))
        if device == "CPU" and value == "1":
            used.append(name)
    return used


def check_model(paths: Paths) -> Finding:
    """The starter model: header and bounds against the file, and the receipt of its hash."""
    entry = starter_entry(paths)
    path = paths.models / entry.file_name
    if not path.exists():
        return finding("model", "fail", entry.title, "model-none")
    try:
        check_file(path)
        known = starter.receipt_hash(path)
        # No valid receipt: the file changed since, or was put there by hand.
        digest = known or starter.hash_file(path)
    except GaloshError as error:
        return finding("model", "fail", f"{error.what} {error.why}", "model-damaged")
    except OSError as error:
        return failed("model", durable.explain_os_error(error, path))
    if digest != entry.sha256:
        return finding("model", "fail", str(path), "model-damaged")
    if known is None:
        return finding("model", "warn", str(path), "model-receipt")
    return finding("model", "ok", entry.title, "nothing")


def check_daemon(paths: Paths) -> Finding:
    """Whether the daemon runs and answers."""
    try:
        facts = api.is_running(paths)
        if facts is None:
            return finding("daemon", "warn", say("setup.not-running"), "daemon-away")
        api.Client(paths).status()
    except GaloshError as error:
        return failed("daemon", error)
    return finding("daemon", "ok", say("setup.running", pid=facts.pid), "nothing")


def check_doors(paths: Paths) -> Finding:
    """Whether socket and token are for this user only."""
    if sys.platform == "win32":
        # The profile's own access list keeps other users out; there are no mode bits.
        return finding("doors", "ok", str(paths.token_file), "nothing")
    for path in (paths.socket.parent, paths.token_file):
        if path.exists() and _open_to_others(path):
            return finding("doors", "fail", str(path), "doors-open", path=str(path))
    if not paths.token_file.exists():
        return finding("doors", "ok", say("setup.none"), "doors-none")
    return finding("doors", "ok", str(paths.token_file), "nothing")


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def check_command(paths: Paths) -> Finding:
    """Whether typing `galosh` works."""
    file = launcher.launcher_file(paths)
    if not file.exists():
        return finding("command", "warn", str(file), "command-none")
    if not launcher.is_on_path(paths):
        line = launcher.path_line(paths)
        return finding("command", "warn", str(file), "command-off-path", line=line)
    return finding("command", "ok", str(file), "nothing")
