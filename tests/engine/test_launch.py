"""The worker's files inside an engine, kept up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from galosh.engine import shelf
from galosh.engine.launch import worker_command
from galosh.engine.records import Engine, Manifest, Trial

ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine(paths: Paths) -> Engine:
    """A real environment, without llama-cpp-python."""
    staging = shelf.new_staging(paths)
    command = [sys.executable, "-I", "-m", "venv", "--without-pip", str(staging)]
    subprocess.run(command, check=True)
    return shelf.publish(paths, staging, "one", Manifest("1", "x", trial=Trial(ok=True)))


def copied(engine: Engine) -> Path:
    [folder] = engine.folder.glob("lib/python3*/site-packages/galosh")
    return folder


def test_the_worker_is_copied_and_nothing_else_of_galosh(paths: Paths, engine: Engine) -> None:
    command = worker_command(paths, engine)
    assert command == [str(engine.python), "-I", "-m", "galosh.worker"]
    assert [path.name for path in copied(engine).iterdir()] == ["worker"]
    ours = {path.name for path in (ROOT / "daemon/galosh/worker").glob("*.py")}
    assert {path.name for path in (copied(engine) / "worker").glob("*.py")} == ours
    code = "import galosh.worker.frames, importlib.util as u; print(u.find_spec('galosh.base'))"
    done = subprocess.run([command[0], "-I", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "None", done.stderr


def test_an_unchanged_copy_is_left_alone(paths: Paths, engine: Engine) -> None:
    worker_command(paths, engine)
    before = (copied(engine) / "worker").stat().st_ino
    again = shelf.find(paths, "one")
    assert again.manifest.worker_digest is not None
    worker_command(paths, again)
    assert (copied(engine) / "worker").stat().st_ino == before


def test_a_damaged_or_outdated_copy_is_replaced(paths: Paths, engine: Engine) -> None:
    worker_command(paths, engine)
    frames = copied(engine) / "worker" / "frames.py"
    good = frames.read_bytes()
    frames.write_bytes(b"broken")
    (frames.parent / "old_module.py").write_text("gone = 1\n")
    worker_command(paths, shelf.find(paths, "one"))
    assert frames.read_bytes() == good
    assert not (frames.parent / "old_module.py").exists()
    assert [path.name for path in copied(engine).iterdir()] == ["worker"]
