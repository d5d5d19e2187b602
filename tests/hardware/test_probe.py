"""The probe as a whole: this very PC, time limits, programs with bad manners."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from galosh.hardware import Fact, Machine, probe
from galosh.hardware.facts import CpuFacts, MemoryFacts
from galosh.hardware.probe import ask, blank_machine, probe_threads, system_prober
from galosh.hardware.run import run_program


def test_this_pc(paths: Paths) -> None:
    machine = probe(paths)
    assert machine.os.system.value in ("linux", "darwin", "windows")
    assert (machine.memory.installed_bytes.value or 0) > 0
    assert (machine.cpu.logical_cores.value or 0) >= machine.threads >= 1
    assert machine.disk.path.value == str(paths.models)
    assert (machine.disk.free_bytes.value or 0) > 0
    assert not paths.models.exists(), "asking must not make the folder"


def test_json_has_value_and_source_at_every_leaf(paths: Paths) -> None:
    document = json.loads(json.dumps(probe(paths).to_json()))
    assert isinstance(document.pop("threads"), int)
    leaves = [
        leaf
        for part in document.values()
        for table in (part if isinstance(part, list) else [part])
        for leaf in table.values()
    ]
    assert len(leaves) > 30
    assert all(set(leaf) == {"value", "source"} and leaf["source"] for leaf in leaves)


@pytest.mark.parametrize(
    ("performance", "physical", "logical", "usable", "quota", "threads"),
    [
        (8, 16, 24, 24, None, 8),
        (None, 4, 8, 8, None, 4),
        (None, None, 8, 8, None, 8),
        (None, None, None, None, None, 1),
        (8, 8, 16, 3, None, 3),
        (8, 8, 16, 16, 2.5, 2),
        (8, 8, 16, 16, 0.3, 1),
        (0, 0, 1, 1, None, 1),
    ],
)
def test_threads(
    performance: int | None, physical: int | None, logical: int | None, usable: int | None,
    quota: float | None, threads: int,
) -> None:  # fmt: skip
    cpu = CpuFacts(
        performance_cores=Fact(performance, "t"),
        physical_cores=Fact(physical, "t"),
        logical_cores=Fact(logical, "t"),
        usable_cores=Fact(usable, "t"),
        quota_cores=Fact(quota, "t"),
    )
    assert Machine(cpu=cpu).threads == threads


def test_a_machine_nobody_asked_is_unknown_not_wrong() -> None:
    assert Machine().threads == 1
    assert Machine().memory.installed_bytes.value is None
    assert blank_machine("no probe").os.system.value is not None


def test_a_hanging_probe_costs_no_more_than_the_limit(tmp_path: Path) -> None:
    stuck = threading.Event()

    class Hanging:
        """This PC, but its memory and GPU driver never answer."""

        def __getattr__(self, name: str) -> object:
            return getattr(system_prober(), name)

        def memory(self) -> MemoryFacts:
            stuck.wait(30)
            return MemoryFacts()

        gpus = memory

    started = time.monotonic()
    machine = ask(Hanging(), tmp_path, 0.7)  # type: ignore[arg-type]
    stuck.set()
    assert time.monotonic() - started < 2
    assert machine.memory.installed_bytes.value is None
    assert "0.7 s" in machine.memory.installed_bytes.source
    assert machine.gpus == ()


def program(folder: Path, text: str) -> str:
    path = folder / "nvidia-smi"
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o755)
    return str(path)


if sys.platform != "win32":

    def test_program_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
        mark = tmp_path / "child.pid"
        text = (
            "import subprocess, sys, time, pathlib\n"
            "c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
            f"pathlib.Path({str(mark)!r}).write_text(str(c.pid))\n"
            "time.sleep(60)"
        )
        command = [program(tmp_path, text)]
        started = time.monotonic()
        answer = run_program(command, limit_seconds=1.0)
        assert answer.text is None
        assert "1.0 s" in answer.why
        assert time.monotonic() - started < 5
        child = int(mark.read_text())
        for _ in range(100):
            if not _runs(child):
                break
            time.sleep(0.02)
        assert not _runs(child)

    def _runs(pid: int) -> bool:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            return not (state.exists() and state.read_text().split(")")[1].split()[0] == "Z")
        except ProcessLookupError:
            return False

    def test_program_that_fails_or_prints_rubbish(tmp_path: Path) -> None:
        failed = run_program([program(tmp_path, "import sys; sys.exit(9)")])
        assert failed.text is None
        assert "9" in failed.why
        rubbish = run_program([program(tmp_path, "import os; os.write(1, bytes(range(256)))")])
        assert rubbish.text is not None
        flood = run_program([program(tmp_path, "print('x' * 9_000_000)")])
        assert flood.text is not None
        assert len(flood.text) <= 4 << 20

    def test_program_that_is_missing_or_no_program(tmp_path: Path) -> None:
        assert "not installed" in run_program(["galosh-no-such-program"]).why
        plain = tmp_path / "plain"
        plain.write_text("text")
        assert run_program([str(plain)]).text is None
        assert run_program(["bad\0name"]).text is None


def test_the_threads_alone_are_those_of_the_whole_probe() -> None:
    assert probe_threads() == probe().threads
