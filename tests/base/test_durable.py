"""The durable writer: old or new, never half, whatever happens in between."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from galosh.base import durable
from galosh.base.errors import GaloshError

OLD, NEW = b"old" * 1000, b"new contents" * 1000
CALLS = ("open", "write", "fsync", "rename", "close")

# Runs one write in a child that dies at the n-th durability call (an audit hook sees open
# and rename; os.fsync is counted by wrapping it, the only way to die *inside* a flush).
CHILD = """
import os, sys
from pathlib import Path
sys.path[:0] = [sys.argv[3]]
from galosh.base import durable
left = int(sys.argv[2])
armed = False
def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
real = os.fsync
def fsync(descriptor):
    step()
    real(descriptor)
    step()
os.fsync = fsync
def hook(event, arguments):
    if armed and event in ("open", "os.rename", "os.remove"):
        step()
sys.addaudithook(hook)
armed = True
durable.write_bytes(Path(sys.argv[1]), b"new contents" * 1000)
"""


def test_a_killed_writer_leaves_old_or_new(tmp_path: Path) -> None:
    target = tmp_path / "settings.toml"
    seen = set()
    core = str(Path(__file__).parents[2] / "core")
    for step in range(1, 30):
        target.write_bytes(OLD)
        done = subprocess.run([sys.executable, "-c", CHILD, str(target), str(step), core])
        content = target.read_bytes()
        assert content in (OLD, NEW), f"half a file after dying at step {step}"
        seen.add(content)
        durable.remove_leftovers(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]
        if done.returncode == 0:
            break
    assert done.returncode == 0, "the child never finished: more steps than tried"
    assert seen == {OLD, NEW}


def test_a_missing_folder_is_made_and_the_mode_holds(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "token"
    durable.write_text(target, "secret", mode=0o600)
    assert target.read_text() == "secret"
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("I am a file")
    with pytest.raises(GaloshError) as caught:
        durable.write_text(tmp_path / "config" / "settings.toml", "x = 1")
    assert caught.value.code == "base-not-writable"
    assert (tmp_path / "config").read_text() == "I am a file"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's full device")
def test_a_full_disk_is_named() -> None:
    with pytest.raises(OSError) as caught, Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")
    error = durable.explain_os_error(caught.value, Path("/dev/full"))
    assert error.code == "base-disk-full"
    assert caught.value.errno == errno.ENOSPC


def test_json_round_trip_and_damage(tmp_path: Path) -> None:
    target = tmp_path / "facts.json"
    assert durable.read_json(target) is None
    durable.write_json(target, {"имя": "модель", "n": 1})
    assert durable.read_json(target) == {"имя": "модель", "n": 1}
    target.write_text('{"cut')
    assert durable.read_json(target) is None


def test_a_private_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    durable.private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.access(folder, os.W_OK)
