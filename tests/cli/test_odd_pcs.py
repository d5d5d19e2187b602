"""Whatever the PC says of itself, every command answers: a stated verdict, never a traceback.

The commands are the real ones; only the root of /proc and /sys is moved, and `nvidia-smi` is
a program of the test's own, really run.
"""

from __future__ import annotations

import functools
import importlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from galosh.cli import main
from galosh.hardware.probe_linux import LinuxFiles, LinuxProbe
from galosh.hardware.run import run_program
from tests.fakes import gguf_models as models
from tests.hardware import recorded
from tests.hardware.recorded import tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the PCs here run Linux")

Capture = pytest.CaptureFixture[str]
Odd = Callable[[Mapping[str, str], str], None]
HANGS = "import time; time.sleep(60)"
PRINTS_RUBBISH = "import os; os.write(1, bytes(range(256)) * 50 + b',,,,\\n')"
FAILS = "import sys; sys.exit(9)"
ONE_CORE = {
    "/proc/cpuinfo": "processor\t: 0\nmodel name\t: Intel Atom\nflags\t\t: sse2\n",
    "/proc/meminfo": "MemTotal: 2048000 kB\nMemAvailable: 900000 kB\nSwapTotal: 0 kB\n",
}
NO_RAM = {**ONE_CORE, "/proc/meminfo": "MemTotal: 0 kB\nMemAvailable: 0 kB\n"}
RUBBISH = {name: "\0\xff rubbish\n:::\n" for name in recorded.ALDER_LAKE if "/proc" in name}
PCS: dict[str, Mapping[str, str]] = {
    "no /proc": {}, "one core": ONE_CORE, "no ram": NO_RAM, "rubbish": RUBBISH,
    "container": recorded.CONTAINER_V2, "board": recorded.ARM_BIG_LITTLE,
}  # fmt: skip


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Odd:
    """Turns this PC into another: its files, and what its `nvidia-smi` does."""

    def become(files: Mapping[str, str], nvidia_smi: str) -> None:
        folder = tmp_path / "programs"
        folder.mkdir()
        script = folder / "nvidia-smi"
        script.write_text(f"#!{sys.executable}\n{nvidia_smi}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        quick = functools.partial(run_program, limit_seconds=0.7)
        prober = LinuxProbe(
            LinuxFiles(tree(tmp_path / "root", dict(files))), quick, {}, "x86_64", lambda: 1,
            lambda address: False, lambda: (),
        )  # fmt: skip
        monkeypatch.setattr(
            importlib.import_module("galosh.hardware.probe"), "system_prober", lambda: prober
        )
        # Nobody waits for a measurement that says nothing of these PCs.
        monkeypatch.setattr("galosh.fit.measure._load", lambda: 99.0)

    return become


def run(capsys: Capture, *words: str, status: int = 0) -> tuple[str, Any]:
    """A command's text and its JSON; both must be there, and no traceback anywhere."""
    assert main([*words]) == status
    captured = capsys.readouterr()
    assert captured.out.strip()
    assert "Traceback" not in captured.out + captured.err
    assert main([*words, "--json"]) == status
    machine = capsys.readouterr()
    assert "Traceback" not in machine.err
    return captured.out, json.loads(machine.out)


@pytest.mark.parametrize("name", sorted(PCS))
def test_every_command_on_every_pc(name: str, odd: Odd, capsys: Capture, tmp_path: Path) -> None:
    odd({**PCS[name]}, FAILS)
    file = str(models.llama().write(tmp_path / "m.gguf"))
    _, facts = run(capsys, "hardware")
    assert facts["threads"] >= 1
    text, fitted = run(capsys, "fit", file)
    _, recommended = run(capsys, "models", "recommend")
    known = bool(facts["memory"]["installed_bytes"]["value"])
    if not known:
        assert fitted["verdict"]["kind"] == "unknown"
        assert "Cannot tell: this PC does not say how much memory it has" in text
        assert recommended["best"] is None
        assert {row["verdict"]["kind"] for row in recommended["models"]} == {"unknown"}
    elif name == "board":
        assert recommended["best"]
    run(capsys, "doctor", status=1)  # nothing is installed here


@pytest.mark.parametrize(
    ("script", "why"),
    [(HANGS, "did not answer within 0.7 s"), (PRINTS_RUBBISH, "something unreadable"),
     (FAILS, "status 9")],
)  # fmt: skip
def test_nvidia_smi_with_bad_manners(
    script: str, why: str, odd: Odd, capsys: Capture, tmp_path: Path
) -> None:
    odd({**ONE_CORE, **recorded.NVIDIA_PC}, script)
    text, facts = run(capsys, "hardware")
    [gpu] = facts["gpus"]
    assert gpu["name"]["value"] == "NVIDIA GeForce RTX 3060"
    assert gpu["free_bytes"]["value"] is None
    assert why in gpu["free_bytes"]["source"]
    assert why in text
    file = str(models.llama().write(tmp_path / "m.gguf"))
    _, fitted = run(capsys, "fit", file)
    assert fitted["verdict"]["kind"] in ("fits", "fits-after-closing")


@pytest.mark.parametrize("tongue", ["en", "ru"])
def test_the_doctor_names_the_step_that_gives_swap(
    tongue: str, odd: Odd, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GALOSH_LANG", tongue)
    odd({**ONE_CORE, "/proc/swaps": "Filename Type Size Used Priority\n",
         "/proc/self/cgroup": "0::/\n"}, FAILS)  # fmt: skip
    text, document = run(capsys, "doctor", status=1)
    [swap] = [check for check in document["checks"] if check["key"] == "swap"]
    assert swap["verdict"] == "warn"
    assert "sudo fallocate -l 1G /galosh.swap" in text
    assert not Path("/galosh.swap").exists(), "named, not done"
