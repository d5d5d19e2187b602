"""A small memory of its own for a measurement: a control group with a limit, and swap.

Needs root and version 1 of the memory controller (what this project's machines have); raises
UnavailableError with the reason where either is missing. Removes what it made. Only processes
put into the group feel the limit; the rest of the PC does not.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

_ROOT = Path("/sys/fs/cgroup/memory")


class UnavailableError(Exception):
    """This PC cannot make such a group; the text says why."""


class Group:
    """A context: the group exists while it is open."""

    def __init__(self, limit_bytes: int, swap_bytes: int = 0) -> None:
        self._limit_bytes = limit_bytes
        self._swap_bytes = swap_bytes
        self._swap: Path | None = None
        self.folder = _own_folder() / f"galosh-bench-{os.getpid()}"

    def __enter__(self) -> Group:
        try:
            self.folder.mkdir()
            (self.folder / "memory.limit_in_bytes").write_text(str(self._limit_bytes))
        except OSError as error:
            raise UnavailableError(f"no memory group can be made: {error.strerror}") from error
        if self._swap_bytes:
            self._swap = _swap_on(self._swap_bytes)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for _ in range(50):
            with contextlib.suppress(OSError):
                self.folder.rmdir()
            if not self.folder.exists():
                break
            time.sleep(0.1)  # a killed process leaves it a little later
        if self._swap is not None:
            subprocess.run(["swapoff", str(self._swap)], check=False)
            self._swap.unlink()

    def add(self, pid: int) -> None:
        """Put a process in; its later children come along."""
        (self.folder / "cgroup.procs").write_text(str(pid))

    def number(self, name: str) -> int:
        """One figure of memory.stat."""
        for line in (self.folder / "memory.stat").read_text(encoding="ascii").splitlines():
            if line.split()[0] == name:
                return int(line.split()[1])
        raise KeyError(name)


def swapped_out_pages() -> int:
    """Pages the whole PC has written to swap so far."""
    return _counter("/proc/vmstat", "pswpout ")


def wrested_pages() -> int:
    """Pages of programs (no file's) that were taken because memory was short, so far. A system
    that swaps out whatever lies idle (DAMON; this project's machines do) is not counted."""
    return _counter("/proc/vmstat", "pgsteal_anon ")


def _counter(path: str, start: str) -> int:
    for line in Path(path).read_text(encoding="ascii").splitlines():
        if line.startswith(start):
            return int(line.split()[1])
    return 0


def _own_folder() -> Path:
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        _, names, path = line.split(":", 2)
        if "memory" in names.split(","):
            return _ROOT / path.lstrip("/")
    raise UnavailableError("the memory controller is not of version 1")


def _swap_on(size_bytes: int) -> Path:
    handle, name = tempfile.mkstemp(prefix="galosh-bench-swap-")
    path = Path(name)
    try:
        os.posix_fallocate(handle, 0, size_bytes)
        os.close(handle)
        for command in (["mkswap", name], ["swapon", name]):
            subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        path.unlink()
        raise UnavailableError(f"no swap can be made: {error}") from error
    return path
