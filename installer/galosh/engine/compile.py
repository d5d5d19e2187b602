"""Compiles the binding's wheel from its source package, resuming where a killed run stopped.

Kept in the builds folder: the unpacked source, and one CMake build folder per compiler.
Ninja recompiles only what the changed flags touch, so a narrower level after a crash costs
the processor-specific files alone. Deleted by `clean` once an engine stands.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.engine import source
from galosh.engine.levels import NATIVE, Level
from galosh.engine.pip import run_pip
from galosh.engine.plan import CC, SDIST_SHA256, VERSION, ZIG, Candidate
from galosh.engine.processes import Outcome, run_streaming
from galosh.engine.report import Report
from galosh.engine.toolbox import Toolbox, host_platform, open_toolbox
from galosh.engine.unpack import unpack_tar
from galosh.engine.wheels import SOURCE_FLAG, Wheel, keep, sha256_of, wheel_key

# Source package, sources, build folder and tools at their largest; zig alone is 0.5 GB.
BUILD_BYTES = {CC: 600_000_000, ZIG: 1_400_000_000}
_STEP = re.compile(r"^\[(\d+)/(\d+)\] (.*)")
# A C++ compiler takes up to this much for one of llama.cpp's larger files.
_COMPILER_BYTES = 800_000_000
_NICE = 10
_FULL_MARKS = ("No space left on device", "Disk quota exceeded", "not enough space on the disk")
_KILLED_MARKS = ("Killed signal terminated", "out of memory", "Cannot allocate memory")
# The binding asks for llama.cpp's helper library, a third of the compile time that no file
# of the wheel uses. A normal variable set right after project() outranks its cache entry.
_SLIM = "set(LLAMA_BUILD_COMMON OFF)\n"
# On a Mac the binding forces Metal on; without Apple's tools only the processor is left.
_NO_APPLE_TOOLS = "set(GGML_METAL OFF)\nset(GGML_ACCELERATE OFF)\nset(GGML_BLAS OFF)\n"


def compile_wheel(
    paths: Paths, candidate: Candidate, architecture: str, report: Report, *, jobs: int
) -> Wheel:
    """Compile the wheel of a source candidate and keep it in the cache.

    jobs: compilers at a time. Raises GaloshError `engine-disk-full`,
    `engine-index-unreachable`, `engine-install-failed` or `engine-build-failed`; what is
    compiled so far stays for the next attempt.
    """
    level = candidate.level
    assert level is not None, "a source candidate has a level"
    require_space(paths.builds, BUILD_BYTES[candidate.way])
    _sweep(paths)
    toolbox = open_toolbox(paths, candidate.way, report)
    folder = _source(paths, toolbox, report)
    defines = level.defines(architecture) | _common_defines()
    settings = _settings(paths, toolbox, candidate.way, defines)
    report.step("engine.step-compile", compiler=toolbox.compiler_name, level=level.name)
    out = paths.builds / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    outcome = _run(toolbox, folder, out, settings, jobs, report)
    if outcome.status != 0 and jobs > 1 and _was_killed(outcome):
        report.step("engine.step-compile-slowly")
        outcome = _run(toolbox, folder, out, settings, 1, report)
    made = list(out.glob("*.whl"))
    if outcome.status != 0 or len(made) != 1:
        raise _explain(outcome, paths, candidate.way, toolbox)
    return _keep(paths, made[0], candidate, level, defines, toolbox)


def clean(paths: Paths) -> None:
    """Delete sources, build folders and tools; the wheels stay."""
    shutil.rmtree(paths.builds, ignore_errors=True)


def _sweep(paths: Paths) -> None:
    """Delete what a killed run left half unpacked or half fetched."""
    for dead in (*paths.builds.glob(".unpack-*"), *(paths.cache / "sdist").glob(".part-*")):
        shutil.rmtree(dead, ignore_errors=True)


def require_space(folder: Path, needed_bytes: int) -> None:
    """Raise GaloshError `engine-disk-full` when the volume has less than `needed_bytes`."""
    free = durable.free_bytes(folder)
    if free is not None and free < needed_bytes:
        raise GaloshError(
            "engine-disk-full", folder=str(folder), needed_bytes=needed_bytes, free_bytes=free
        )


def jobs_for(threads: int, available_bytes: int | None) -> int:
    """How many compilers may run at a time without pushing the desktop out of memory."""
    if available_bytes is None:
        return max(1, min(threads, 2))
    return max(1, min(threads, available_bytes // _COMPILER_BYTES))


def _common_defines() -> dict[str, str]:
    defines = {"LLAVA_BUILD": "OFF", "GGML_CCACHE": "OFF", "LLAMA_BUILD_IS_DEV": "OFF"}
    # ggml's own threads wait as `galosh.engine.source` has them wait; OpenMP's are not ours.
    return defines | {"GGML_OPENMP": "OFF"}


def _settings(paths: Paths, toolbox: Toolbox, way: str, defines: dict[str, str]) -> dict[str, str]:
    slim = paths.builds / f"slim-{way}.cmake"
    apple = way == ZIG and sys.platform == "darwin"
    durable.write_text(slim, _SLIM + (_NO_APPLE_TOOLS if apple else ""))
    identity = f"{VERSION}|{way}|{toolbox.compiler_name}|{sys.version}|{platform.machine()}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    settings = {
        "build-dir": (paths.builds / f"{way}-{digest}").as_posix(),
        "wheel.exclude": "lib/**;include/**;bin/**",
        "cmake.verbose": "false",
        "cmake.build-type": "Release",
        # Nothing else goes into the wheel, and the rest would need an `ar`, which a machine
        # without compilers does not have.
        "build.targets": "llama;ggml",
        "cmake.define.CMAKE_PROJECT_llama_cpp_INCLUDE": slim.as_posix(),
    }
    return settings | {f"cmake.define.{name}": value for name, value in defines.items()}


def _run(
    toolbox: Toolbox, folder: Path, out: Path, settings: dict[str, str], jobs: int, report: Report
) -> Outcome:
    def hear(line: str) -> None:
        report.line(line)
        step = _STEP.match(line)
        if step:
            done, total = int(step[1]), int(step[2])
            report.progress(done / total, f"{done}/{total}")

    child = Path(__file__).with_name("build_child.py")
    command = [
        str(toolbox.python), "-I", "-X", "utf8", str(child),
        str(folder), str(out), json.dumps(settings),
    ]  # fmt: skip
    environment = {**toolbox.environment, "CMAKE_BUILD_PARALLEL_LEVEL": str(jobs)}
    return run_streaming(command, hear, environment, nice=_NICE)


def _source(paths: Paths, toolbox: Toolbox, report: Report) -> Path:
    folder = paths.builds / f"llama_cpp_python-{VERSION}"
    if folder.is_dir():
        _change(folder, report)
        return folder
    archive = _archive(paths, toolbox, report)
    report.step("engine.step-unpack")
    with tempfile.TemporaryDirectory(dir=paths.builds, prefix=".unpack-") as temp:
        try:
            unpack_tar(archive, Path(temp))
        except OSError as error:
            raise durable.explain_os_error(error, Path(temp)) from error
        durable.replace(Path(temp) / folder.name, folder)
    _change(folder, report)
    return folder


def _change(folder: Path, report: Report) -> None:
    """Make galosh's own changes to the source."""
    for group, files in source.GROUPS.items():
        texts = {file: (folder / file).read_text(encoding="utf-8") for file in files}
        changed = source.changed(group, texts)
        if changed is None:
            report.line(f"the source's {group} are not those that galosh knows; left as they are")
            continue
        for file, text in changed.items():
            if text != texts[file]:
                durable.write_text(folder / file, text)


def _archive(paths: Paths, toolbox: Toolbox, report: Report) -> Path:
    """The source package, from the cache or the user's index; its SHA-256 is pinned."""
    name = f"llama_cpp_python-{VERSION}.tar.gz"
    target = paths.cache / "sdist" / name
    if target.exists():
        if sha256_of(target) == SDIST_SHA256:
            return target
        target.unlink()
    report.step("engine.step-source", name=name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as temp:
        # pip reads a source package's metadata with its build backend: ours is there already.
        arguments = [
            "download", "--no-deps", "--no-binary", ":all:", "--no-build-isolation",
            "--dest", temp, f"llama-cpp-python=={VERSION}",
        ]  # fmt: skip
        run_pip(toolbox.python, arguments, report, purpose=name)
        found = Path(temp) / name
        actual = sha256_of(found) if found.exists() else "–"
        if actual != SDIST_SHA256:
            raise GaloshError(
                "engine-wheel-corrupt",
                file=name, expected=SDIST_SHA256[:16], found=actual[:16],
            )  # fmt: skip
        durable.replace(found, target)
    return target


def _keep(
    paths: Paths, made: Path, candidate: Candidate, level: Level, defines: dict[str, str],
    toolbox: Toolbox,
) -> Wheel:  # fmt: skip
    details = defines | {"compiler": toolbox.compiler_name, SOURCE_FLAG: source.MARK}
    if level.name == NATIVE:
        details["cpu"] = ",".join(sorted(level.requires))
    wheel = Wheel(
        key=wheel_key(candidate.name, VERSION, host_platform(), details),
        path=made,
        version=VERSION,
        candidate=candidate.name,
        sha256=sha256_of(made),
        size_bytes=made.stat().st_size,
        requires=level.requires,
        flags=tuple(sorted({**defines, SOURCE_FLAG: source.MARK}.items())),
        compiler=toolbox.compiler_name,
    )
    return keep(paths, made, wheel, host_platform())


def _was_killed(outcome: Outcome) -> bool:
    return outcome.status in (-9, 137) or any(mark in outcome.out for mark in _KILLED_MARKS)


def _explain(outcome: Outcome, paths: Paths, way: str, toolbox: Toolbox) -> GaloshError:
    if any(mark in outcome.out for mark in _FULL_MARKS):
        return GaloshError(
            "engine-disk-full",
            folder=str(paths.builds), needed_bytes=BUILD_BYTES[way],
            free_bytes=durable.free_bytes(paths.builds),
        )  # fmt: skip
    return GaloshError(
        "engine-build-failed", compiler=toolbox.compiler_name, reason=telling_line(outcome.out)
    )


def telling_line(out: str) -> str:
    """The line of a failed build that says most: the compiler's first error, or the last line."""
    lines = [line.strip() for line in out.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if line.startswith("FAILED:") and not any("error" in word for word in lines[number:]):
            return lines[min(number + 2, len(lines) - 1)][:300]  # after the command itself
        if re.search(r"\b(fatal error|error|CMake Error)\b.*:", line):
            return line[:300]
    return lines[-1][:300] if lines else "–"
