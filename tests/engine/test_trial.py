"""Trials of real engines: what is measured, and how each kind of failure is told."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from galosh.engine.records import Engine, Manifest
from galosh.engine.trial import try_engine
from tests import real

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real.real_engine()


def test_a_sound_engine_answers_and_is_measured(engine: Engine) -> None:
    trial = try_engine(engine, real.starter_model())
    assert trial.ok, trial
    assert (trial.cause, trial.signal) == (None, None)
    assert "Paris" in trial.text
    assert trial.prompt_tokens is not None
    assert trial.prompt_tokens >= 64
    assert trial.decode_tps is not None
    assert trial.decode_tps > 0
    assert "CPU" in trial.system_info


def test_a_processor_without_avx_ends_it_with_an_illegal_instruction(engine: Engine) -> None:
    emulator = shutil.which("qemu-x86_64")
    assert emulator, "this test needs qemu-user (Debian: apt install qemu-user)"
    prefix = (emulator, "-cpu", "Nehalem")
    trial = try_engine(engine, real.starter_model(), limit_seconds=300, prefix=prefix)
    assert (trial.ok, trial.cause, trial.signal) == (False, "illegal-instruction", 4)


def test_the_time_limit_is_kept(engine: Engine) -> None:
    trial = try_engine(engine, real.starter_model(), limit_seconds=0.05)
    assert (trial.ok, trial.cause) == (False, "timeout")


def test_a_model_that_is_cut_in_half_is_said_to_be_the_problem(
    engine: Engine, tmp_path: Path
) -> None:
    half = tmp_path / "half.gguf"
    data = real.starter_model().read_bytes()
    half.write_bytes(data[: len(data) // 2])
    for model in (half, tmp_path / "missing.gguf"):
        trial = try_engine(engine, model)
        assert (trial.ok, trial.cause) == (False, "load-failed")
        assert trial.detail


def test_an_environment_without_the_binding_is_an_import_error(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-m", "venv", "--without-pip", str(tmp_path / "empty")]
    subprocess.run(command, check=True)
    empty = Engine("empty", tmp_path / "empty", Manifest("1", "x"))
    trial = try_engine(empty, real.starter_model())
    assert (trial.ok, trial.cause) == (False, "import-error")
    assert "llama_cpp" in trial.detail
    gone = dataclasses.replace(empty, folder=tmp_path / "gone")
    assert try_engine(gone, real.starter_model()).cause == "import-error"


@pytest.mark.parametrize(
    ("crash", "cause", "signal"),
    [
        ("os.kill(os.getpid(), 11)", "segmentation-fault", 11),
        ("os.abort()", "abort", 6),
        ("os.kill(os.getpid(), 9)", "killed", 9),
        ("raise OSError('libgomp.so.1: cannot open shared object file')", "import-error", None),
    ],
)
def test_each_way_to_die_has_its_name(tmp_path: Path, crash: str, cause: str, signal: int) -> None:
    """A real environment whose binding dies as a broken native library does."""
    folder = tmp_path / "dying"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], check=True)
    [packages] = folder.glob("lib/python3*/site-packages")
    (packages / "llama_cpp.py").write_text(f"import os\n{crash}\n")
    trial = try_engine(Engine("x", folder, Manifest("1", "x")), real.starter_model())
    assert (trial.ok, trial.cause, trial.signal) == (False, cause, signal)
