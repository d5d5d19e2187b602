"""The peers of the engine's measurements: llama-server and llama-bench, built from one source.

Owns a cache folder outside every GALOSH_HOME. The source is the one the binding's own source
package carries, compiled with the flags of the installed engine, otherwise as upstream ships
it (stock waits, no change of ours). The build goes on where a killed or timed-out run stopped.

llama-bench is run against the engine's *own* shared libraries (`bench_environment`), so that
a ratio to it compares programs, not builds. llama-server uses the libraries of its own build.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from galosh.engine.plan import SDIST_SHA256, VERSION
from galosh.engine.unpack import unpack_tar
from tests import real

_TARGETS = ("llama-bench", "llama-server")
_STOCK = {
    "CMAKE_BUILD_TYPE": "Release",
    "BUILD_SHARED_LIBS": "ON",
    "LLAMA_BUILD_TOOLS": "ON",
    "LLAMA_BUILD_SERVER": "ON",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_APP": "OFF",
    # The page would be fetched from the network, TLS would need a library; no figure needs them.
    "LLAMA_BUILD_UI": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
    "LLAMA_OPENSSL": "OFF",
    # Found through LD_LIBRARY_PATH, so that the same tool can run on either set of libraries.
    "CMAKE_SKIP_RPATH": "ON",
}


class NotBuiltError(Exception):
    """The peers are not (or not yet) built; the text says why."""


@dataclass(frozen=True)
class Peers:
    """The built programs. engine_libraries: the folder of the installed engine's libraries."""

    folder: Path
    engine_libraries: Path

    @property
    def llama_bench(self) -> Path:
        """The program."""
        return self.folder / "llama-bench"

    @property
    def llama_server(self) -> Path:
        """The program."""
        return self.folder / "llama-server"

    def bench_environment(self) -> dict[str, str]:
        """For llama-bench: the engine's own libllama and libggml, then its own helpers."""
        return _environment(self.engine_libraries, self.folder)

    def server_environment(self) -> dict[str, str]:
        """For llama-server: its own build throughout, default waits."""
        return _environment(self.folder)


def build(limit_seconds: float = 200.0, jobs: int = 2) -> Peers:
    """The peers of the installed engine, built as far as the time goes.

    Raises NotBuiltError when the limit came first (call again: nothing is lost) or it failed.
    """
    engine = real.real_engine()
    flags = [
        # llama.cpp uses OpenMP unless told otherwise; only our own build does not.
        (name, "ON" if name == "GGML_OPENMP" else value)
        for name, value in engine.manifest.flags
        if name.startswith("GGML_")
    ]
    identity = json.dumps([VERSION, engine.manifest.compiler, sorted(flags), _STOCK])
    folder = real.CACHE / "peers" / hashlib.sha256(identity.encode()).hexdigest()[:12]
    source = _source(folder)
    build_folder = folder / "build"
    found = Peers(build_folder / "bin", _libraries(engine.folder))
    if (folder / "ready").exists():
        return found
    if not (build_folder / "build.ninja").exists():
        defines = [f"-D{name}={value}" for name, value in [*_STOCK.items(), *flags]]
        _run(["cmake", "-G", "Ninja", "-S", str(source), "-B", str(build_folder), *defines], 120)
    _run(["ninja", "-C", str(build_folder), f"-j{jobs}", *_TARGETS], limit_seconds)
    (folder / "ready").touch()
    return found


def _source(folder: Path) -> Path:
    """The unpacked llama.cpp of the source package; whole or absent."""
    target = folder / "llama.cpp"
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    archive = real.CACHE / "home" / "cache" / "sdist" / f"llama_cpp_python-{VERSION}.tar.gz"
    with tempfile.TemporaryDirectory(dir=folder) as temp:
        if not archive.exists():
            command = ["pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", temp]
            _run([*command, f"llama-cpp-python=={VERSION}"], 600)
            archive = Path(temp) / archive.name
        if hashlib.sha256(archive.read_bytes()).hexdigest() != SDIST_SHA256:
            raise NotBuiltError(f"{archive.name} is not the source the engine was built from")
        unpack_tar(archive, Path(temp))
        (Path(temp) / f"llama_cpp_python-{VERSION}" / "vendor" / "llama.cpp").rename(target)
    return target


def _libraries(engine: Path) -> Path:
    found = sorted(engine.glob("lib/python*/site-packages/llama_cpp/lib"))
    if not found:
        raise NotBuiltError(f"no libraries in the engine {engine.name}")
    return found[-1]


def _run(command: Sequence[str], limit_seconds: float) -> None:
    if shutil.which(command[0]) is None:
        raise NotBuiltError(f"{command[0]} is not installed")
    nice = ["nice", "-n", "15"]
    with tempfile.TemporaryFile("w+") as log:
        child = subprocess.Popen([*nice, *command], stdout=log, stderr=subprocess.STDOUT)
        try:
            status = child.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            child.terminate()  # ninja ends its compilers and keeps what is done
            child.wait()
            raise NotBuiltError(f"{command[0]} needs more than {limit_seconds:.0f} s") from None
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        log.seek(0)
        last = log.read().splitlines()[-15:]
    if status:
        raise NotBuiltError(f"{command[0]} ended with {status}:\n" + "\n".join(last))


def _environment(*folders: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OMP_", "GOMP_", "GGML_", "LLAMA_"))
    }
    return kept | {"LD_LIBRARY_PATH": os.pathsep.join(str(folder) for folder in folders)}
