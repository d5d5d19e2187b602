"""How a worker process is made: the command, its environment, what the OS is asked for.

Owns the list of environment variables a worker may see. Never passes on proxies, tokens or
anything that changes how Python or the linker finds code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths

_NAMES = frozenset(
    name
    for line in (
        "PATH HOME USER LANG LC_ALL LC_CTYPE TZ TMPDIR TEMP TMP",
        "SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC NUMBER_OF_PROCESSORS PROCESSOR_ARCHITECTURE",
        "LOCALAPPDATA APPDATA USERPROFILE PROGRAMDATA PROGRAMFILES",
    )
    for name in line.split()
)
# Prebuilt engines compute with OpenMP, whose threads spin for 300,000 rounds before they
# sleep: 3 tokens/s beside one busy program, where one thread writes 60 (decision 0007). With
# this many a quiet PC is as fast to within 2 %, and a wrong number of threads costs less.
_WAITS = {"GOMP_SPINCOUNT": "3000"}
# What glibc allocates for the engine comes in pages of 2 MB where the kernel gives them to those
# who ask (`madvise`) and the worker allows it (`Host.allow_large_pages`): llama-bench writes 3 %
# and reads 2 % faster so. Elsewhere it says nothing.
_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
# Which device is used and how threads wait are the user's choice; these are their switches.
_PREFIXES = ("GGML_", "OMP_", "GOMP_", "KMP_", "CUDA_", "HIP_", "ROCR_", "VK_", "GPU_")


@dataclass(frozen=True)
class Launch:
    """One way to start a worker. `answered` is called once it has given a whole answer."""

    command: tuple[str, ...]
    folder: Path
    build_id: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: worker_environment(os.environ))
    answered: Callable[[], None] | None = None


Launcher = Callable[[], Launch]


def worker_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of `environ` a worker may see, and what it needs."""
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() in _NAMES or name.upper().startswith(_PREFIXES)
    }
    # Without it a native abort forks a debugger inside the dying process, which takes seconds.
    waits = {} if "OMP_WAIT_POLICY" in kept else _WAITS
    return {**_PAGES, **waits, **kept, "GGML_NO_BACKTRACE": "1"}


def engine_launcher(paths: Paths) -> Launcher:
    """Starts workers in the engine that is current at that moment."""

    def launch() -> Launch:
        from galosh import engine as engines

        engine = engines.current(paths)
        if engine is None:
            raise GaloshError("supervisor-no-engine")
        build_id = engine.build_id
        return Launch(
            command=tuple(engines.worker_command(paths, engine)),
            folder=engine.folder,
            build_id=build_id,
            answered=lambda: engines.confirm(paths, build_id),
        )

    return launch


if sys.platform == "win32":
    from galosh.supervisor.process_windows import ProcessGroup as Group
else:
    from galosh.supervisor.process_posix import ProcessGroup as Group

__all__ = ["Group", "Launch", "Launcher", "engine_launcher", "worker_environment"]
