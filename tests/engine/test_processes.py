"""Children end at the limit, with all they started, and never outlive a killed parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from galosh.engine.processes import ask, run_limited, run_streaming

PYTHON = [sys.executable, "-I", "-c"]
ROOT = Path(__file__).parents[2]


def gone(pid: int, within_seconds: float = 8.0) -> bool:
    """Whether a process disappears in time (it is not our child: nothing to wait on)."""
    end = time.monotonic() + within_seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            if sys.platform == "linux":
                state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
                if state == "Z":
                    return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_a_childs_words_and_status_come_back() -> None:
    code = "import sys; print('на выход'); print('err', file=sys.stderr); sys.exit(3)"
    outcome = run_limited([*PYTHON, code], 30, {**os.environ, "PYTHONIOENCODING": "utf-8"})
    assert (outcome.status, outcome.timed_out) == (3, False)
    assert "err" in outcome.err


def test_the_limit_ends_the_child_and_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, time, pathlib\n"
        "p = subprocess.Popen([sys.executable, '-I', '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(p.pid))\n"
        "time.sleep(60)\n"
    )
    started = time.monotonic()
    outcome = run_limited([*PYTHON, code], 0.5, os.environ)
    assert outcome.timed_out
    assert time.monotonic() - started < 8
    assert gone(int(note.read_text()))


def test_lines_arrive_one_by_one() -> None:
    heard: list[str] = []
    code = "import sys\nfor n in range(3): print(n, flush=True)\nsys.exit(5)"
    outcome = run_streaming([*PYTHON, code], heard.append, os.environ)
    assert heard == ["0", "1", "2"]
    assert outcome.status == 5


def test_an_interrupt_ends_the_command(tmp_path: Path) -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    pids: list[int] = []

    def hear(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_streaming([*PYTHON, code], hear, os.environ)
    assert gone(pids[0])


def test_a_killed_parent_takes_the_command_with_it(tmp_path: Path) -> None:
    child = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    code = (
        "import os, sys\n"
        f"sys.path[:0] = {[str(ROOT / 'core'), str(ROOT / 'installer')]!r}\n"
        "from galosh.engine.processes import run_streaming\n"
        f"run_streaming([sys.executable, '-I', '-c', {child!r}], "
        "lambda line: print(line, flush=True), os.environ)\n"
    )
    with subprocess.Popen([*PYTHON, code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    assert gone(pid)


def test_asking_a_tool_that_is_not_there() -> None:
    assert ask(["galosh-no-such-program"]) is None
    assert ask([*PYTHON, "print('yes')"]) == "yes\n"
    assert ask([*PYTHON, "raise SystemExit(1)"]) is None
