"""What there is to compile with, and the environment that supplies what is missing.

The tools environment lies in the builds folder: scikit-build-core always, cmake and ninja
where the system has none (or too old ones), ziglang where no compiler is wanted or found.
Nothing is ever installed into the system or into the app environment.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from galosh.base import durable
from galosh.base.paths import Paths
from galosh.engine.pip import make_environment, run_pip
from galosh.engine.plan import ZIG, Tools
from galosh.engine.processes import ask
from galosh.engine.records import python_of
from galosh.engine.report import Report

_OLDEST_CMAKE = (3, 21)
_ZIG_GLIBC = (2, 28)
_COMPILERS = (("cc", "c++"), ("gcc", "g++"), ("clang", "clang++"))
_WINDOWS_COMPILERS = (("cl", "cl"), ("clang", "clang++"), ("gcc", "g++"))


@dataclass(frozen=True)
class Compiler:
    """A C and a C++ compiler that are present. name: what it calls itself."""

    cc: str
    cxx: str
    name: str


@dataclass(frozen=True)
class Toolbox:
    """Everything a build needs: Python with the build backend, and the environment for it."""

    python: Path
    environment: Mapping[str, str]
    compiler_name: str


def find_compiler(environ: Mapping[str, str] | None = None) -> Compiler | None:
    """The compiler on the PATH; None when there is none (or only macOS's stand-in for one)."""
    path = (os.environ if environ is None else environ).get("PATH", "")
    if sys.platform == "darwin" and ask(["xcode-select", "-p"]) is None:
        # Without the command line tools `cc` exists, but opens a window that offers them.
        return None
    for cc, cxx in _WINDOWS_COMPILERS if sys.platform == "win32" else _COMPILERS:
        found = shutil.which(cc, path=path), shutil.which(cxx, path=path)
        if found[0] is None or found[1] is None:
            continue
        if cc == "cl":
            return Compiler(found[0], found[1], "cl")
        words = ask([found[1], "--version"])
        if words:
            return Compiler(found[0], found[1], words.splitlines()[0].strip())
    return None


def survey() -> Tools:
    """What this machine can build with."""
    compiler = find_compiler()
    return Tools(compiler=None if compiler is None else compiler.name)


def open_toolbox(paths: Paths, way: str, report: Report) -> Toolbox:
    """The tools for one way of building, fetched where they are missing.

    Raises GaloshError of `run_pip` and `make_environment`.
    """
    folder = paths.builds / "tools"
    python = python_of(folder)
    if ask([str(python), "-I", "-c", "print(1)"]) is None:
        shutil.rmtree(folder, ignore_errors=True)
        make_environment(folder)
        python = python_of(folder)
    needed = ["scikit-build-core"]
    if not _new_enough("cmake", _OLDEST_CMAKE):
        needed.append("cmake")
    if not _new_enough("ninja", (1, 5)):
        needed.append("ninja")
    if way == ZIG:
        needed.append("ziglang")
    missing = [name for name in needed if not _installed(folder, name)]
    if missing:
        names = ", ".join(missing)
        report.step("engine.step-tools", names=names)
        run_pip(python, ["install", "--prefer-binary", *missing], report, purpose=names)
    return _toolbox(paths, folder, python, way)


def host_platform() -> str:
    """The wheel platform of this machine without the C library's version."""
    machine = platform.machine().lower()
    return f"{sys.platform}-{ {'amd64': 'x86_64', 'aarch64': 'arm64'}.get(machine, machine) }"


def _toolbox(paths: Paths, folder: Path, python: Path, way: str) -> Toolbox:
    environment = {name: value for name, value in os.environ.items() if name not in _CONFUSING}
    environment["PATH"] = os.pathsep.join((str(python.parent), environment.get("PATH", "")))
    environment["CMAKE_GENERATOR"] = "Ninja"
    if way != ZIG:
        compiler = find_compiler()
        assert compiler is not None, "planned only where a compiler was found"
        environment |= {"CC": compiler.cc, "CXX": compiler.cxx}
        return Toolbox(python, environment, compiler.name)
    zig = _zig_program(folder)
    cache = str(paths.builds / "zig-cache")
    environment |= {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    environment |= _zig_compilers(folder, zig)
    version = (ask([str(zig), "version"]) or "").strip()
    return Toolbox(python, environment, f"zig {version}")


# Flags meant for other builds would end up in ours; SOURCE_DATE_EPOCH turns off NATIVE.
_CONFUSING = frozenset(
    {"CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "CMAKE_ARGS", "SKBUILD_CMAKE_ARGS",
     "SKBUILD_CMAKE_DEFINE", "CMAKE_TOOLCHAIN_FILE", "SOURCE_DATE_EPOCH", "PYTHONPATH",
     "PYTHONHOME", "DESTDIR", "CMAKE_PREFIX_PATH"}
)  # fmt: skip


def _zig_compilers(folder: Path, zig: Path) -> dict[str, str]:
    """CC and CXX for zig: it must not target this processor where ggml does not ask for it.

    ggml adds `-march=native` or the flags of a level to its own processor code; all the
    rest is compiled for the oldest chip, so that one build folder serves every level.
    """
    target = zig_target()
    if sys.platform == "win32":
        # CMake reads these as a Unix shell would: quotes for spaces, no backslashes.
        program = f'"{zig.as_posix()}"'
        return {
            "CC": f"{program} cc {target} -O2",
            "CXX": f"{program} c++ {target} -O2",
            "RC": f"{program} rc",
        }
    found = {}
    for variable, mode in (("CC", "cc"), ("CXX", "c++")):
        script = folder / f"zig-{mode}"
        # Without -O zig would make its C++ library twice: once more for CMake's own checks.
        text = f'#!/bin/sh\nexec {shlex.quote(str(zig))} {mode} {target} -O2 "$@"\n'
        if not script.exists() or script.read_text(encoding="utf-8") != text:
            durable.write_text(script, text, mode=0o755)
            script.chmod(script.stat().st_mode | stat.S_IXUSR)
        found[variable] = str(script)
    return found


def zig_target() -> str:
    """zig's target options for this system, with the C library this system has."""
    machine = platform.machine().lower()
    arch = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    baseline = " -mcpu=x86_64" if arch == "x86_64" else ""
    if sys.platform == "win32":
        return f"-target {arch}-windows-gnu{baseline}"
    if sys.platform == "darwin":
        return baseline.strip()  # the native target knows where the SDK is
    library, version = platform.libc_ver()
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    # An older C library than the host's serves as well, and zig is sure to know it.
    oldest = min(numbers, _ZIG_GLIBC)
    kind = f"gnu.{oldest[0]}.{oldest[1]}" if library == "glibc" and numbers else "musl"
    return f"-target {arch}-linux-{kind}{baseline}"


def _zig_program(folder: Path) -> Path:
    name = "zig.exe" if sys.platform == "win32" else "zig"
    return next(folder.glob(f"**/site-packages/ziglang/{name}"))


def _installed(folder: Path, name: str) -> bool:
    pattern = f"**/site-packages/{name.replace('-', '_')}-*.dist-info/RECORD"
    return next(folder.glob(pattern), None) is not None


def _new_enough(program: str, oldest: tuple[int, int]) -> bool:
    if shutil.which(program) is None:
        return False
    numbers = re.search(r"(\d+)\.(\d+)", ask([program, "--version"]) or "")
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= oldest
