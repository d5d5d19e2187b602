"""The command line that starts the worker inside an engine.

The worker's files are copied into the engine (`site-packages/galosh/worker`, no
`__init__.py` above it), so that the worker sees its own package and nothing else of
galosh. A copy whose digest differs from ours is replaced.
"""

from __future__ import annotations

import hashlib
import importlib.util
import secrets
import shutil
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.engine.records import Engine
from galosh.engine.shelf import note_worker

_PACKAGE = "galosh.worker"


def worker_command(paths: Paths, engine: Engine) -> list[str]:
    """The argv that starts the worker in `engine`, its files brought up to date first.

    Raises GaloshError `engine-worker-missing` when galosh's own installation lacks the
    worker, or a write error.
    """
    source = _source()
    digest = _digest(source)
    target = _site_packages(engine) / "galosh" / "worker"
    if engine.manifest.worker_digest != digest or _digest(target) != digest:
        _replace(paths, source, target)
        note_worker(engine, digest)
    return [str(engine.python), "-I", "-m", _PACKAGE]


def _source() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        raise GaloshError("engine-worker-missing")
    return Path(places[0])


def _replace(paths: Paths, source: Path, target: Path) -> None:
    from filelock import FileLock

    fresh = target.with_name(f".worker-{secrets.token_hex(4)}")
    old = target.with_name(f".old-{secrets.token_hex(4)}")
    with FileLock(paths.engines / ".worker.lock"):
        try:
            for name, data in _files(source):
                durable.write_bytes(fresh / name, data)
            if target.exists():
                target.rename(old)
            durable.replace(fresh, target)
        except OSError as error:
            raise durable.explain_os_error(error, target) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def _files(folder: Path) -> list[tuple[str, bytes]]:
    found = [
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    return sorted((path.relative_to(folder).as_posix(), path.read_bytes()) for path in found)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name, data in _files(folder):
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def _site_packages(engine: Engine) -> Path:
    windows = engine.folder / "Lib" / "site-packages"
    if windows.is_dir():
        return windows
    return next(iter(sorted((engine.folder / "lib").glob("python*/site-packages"))))
