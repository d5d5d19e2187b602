"""`galosh models verify`: what is sound is vouched for, what is damaged is repaired in place."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from galosh.download.receipt import receipt_path
from galosh.download.sources import resolve
from galosh.download.verify import check_again, repair
from tests.pull.kit import SOURCE, Place

CHUNK = 256 * 1024


def flip(path: Path, *offsets: int) -> None:
    """Turn single bits, as a failing disk does."""
    with path.open("r+b") as file:
        for offset in offsets:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 1]))


@pytest.fixture
def pulled(place: Place) -> Place:
    done = place.run("pull", SOURCE)
    assert done.returncode == 0, done.stderr
    place.hub.forget()
    return place


def mend(place: Place) -> int:
    """Check and repair; bytes of the file fetched for it."""
    checked = check_again(place.target)
    assert not checked.sound
    resolved = resolve(SOURCE, place.paths, environ={"HF_ENDPOINT": place.hub.url})
    repair(checked, resolved.plans[0], place.paths)
    assert place.target.read_bytes() == place.data
    assert check_again(place.target).sound
    assert not any(place.paths.downloads.iterdir())
    return place.moved_bytes() - 1  # the look that asks whether we may have it


@pytest.mark.parametrize("offset", [0, CHUNK - 1, CHUNK, 300_000, -1])
def test_a_flipped_bit_costs_one_block(pulled: Place, offset: int) -> None:
    flip(pulled.target, offset % len(pulled.data))
    assert mend(pulled) <= CHUNK


def test_a_file_cut_short_is_made_whole(pulled: Place) -> None:
    with pulled.target.open("r+b") as file:
        file.truncate(CHUNK + 5)
    assert mend(pulled) <= len(pulled.data) - CHUNK


def test_without_a_receipt_the_source_is_compared(pulled: Place) -> None:
    receipt_path(pulled.target).unlink()
    flip(pulled.target, 10)
    checked = check_again(pulled.target, pinned=hashlib.sha256(pulled.data).hexdigest())
    resolved = resolve(SOURCE, pulled.paths, environ={"HF_ENDPOINT": pulled.hub.url})
    repair(checked, resolved.plans[0], pulled.paths)
    assert pulled.target.read_bytes() == pulled.data


def test_the_command_repairs_and_says_so(pulled: Place, paths: Paths) -> None:
    flip(pulled.target, 123_456)
    shutil.copy(pulled.target, paths.models / "of my own.gguf")
    (paths.settings_file).write_text("[api]\nport = 0\n")
    done = pulled.run("models", "verify", "--json")
    found = {Path(one["path"]).name: one for one in json.loads(done.stdout)["models"]}
    assert done.returncode == 0, done.stderr
    assert found[pulled.target.name]["result"] == "repaired"
    assert found[pulled.target.name]["fetched_bytes"] <= CHUNK
    assert found["of my own.gguf"]["result"] == "unknown"
    assert pulled.target.read_bytes() == pulled.data
    again = pulled.run("models", "verify")
    assert "sound" in again.stdout
