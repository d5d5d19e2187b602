"""Child processes that never outlive us and never escape a time limit.

Every child is the leader of its own group, so that a compiler and all it started can be
ended together. Each is handed a leash: a pipe as its stdin whose other end only this
process holds. When we die, however suddenly, the child reads end-of-file and ends itself
(`trial_child.py` does so itself; other programs run under `leash_child.py`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

if sys.platform == "win32":
    from galosh.engine import processes_windows as system
else:
    from galosh.engine import processes_posix as system

_KEEP_LINES = 400
_GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class Outcome:
    """How a child ended. status: negative signal on POSIX, unsigned exit code on Windows."""

    status: int
    timed_out: bool
    out: str
    err: str


def run_limited(command: Sequence[str], limit_seconds: float, env: Mapping[str, str]) -> Outcome:
    """Run a child to its end or to the limit; its whole group is ended at the limit.

    Raises OSError when the program cannot be started.
    """
    with _Leash() as leash:
        process = subprocess.Popen(
            list(command),
            stdin=leash.read_end,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            **system.group_options(),
        )
        timed_out = False
        try:
            out, err = process.communicate(timeout=limit_seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
            system.end_group(process)
            out, err = process.communicate(timeout=_GRACE_SECONDS)
        except BaseException:
            system.end_group(process)
            process.wait(_GRACE_SECONDS)
            raise
    return Outcome(process.returncode, timed_out, _text(out), _text(err))


def run_streaming(
    command: Sequence[str],
    on_line: Callable[[str], None],
    env: Mapping[str, str],
    *,
    nice: int = 0,
) -> Outcome:
    """Run a child and hand over each line it writes as it writes it.

    nice: how much lower its priority is (a build must not slow the desktop down).
    `out` of the outcome holds the last lines. Raises OSError when it cannot be started.
    Whatever interrupts us (Ctrl-C included) ends the child's group first.
    """
    lines: list[str] = []
    wrapper = [sys.executable, "-I", str(Path(__file__).with_name("leash_child.py")), str(nice)]
    with _Leash() as leash:
        process = subprocess.Popen(
            [*wrapper, *command],
            stdin=leash.read_end,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            **system.group_options(),
        )
        assert process.stdout is not None
        try:
            with process.stdout:
                for raw in process.stdout:
                    line = _text(raw).rstrip()
                    lines.append(line)
                    del lines[:-_KEEP_LINES]
                    on_line(line)
            process.wait()
        except BaseException:
            system.end_group(process)
            process.wait(_GRACE_SECONDS)
            raise
    return Outcome(process.returncode, False, "\n".join(lines), "")


def ask(command: Sequence[str], limit_seconds: float = 20.0) -> str | None:
    """What a small tool prints (`cmake --version`); None when it fails or is not there."""
    try:
        outcome = run_limited(command, limit_seconds, os.environ)
    except OSError:
        return None
    return outcome.out if outcome.status == 0 else None


class _Leash:
    """The pipe whose closing tells a child that its parent is gone."""

    def __enter__(self) -> _Leash:
        self.read_end, self._write_end = os.pipe()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.read_end)
        os.close(self._write_end)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
