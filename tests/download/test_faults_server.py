"""The named fault cases that a server or a line brings about (numbers: the case list)."""

from __future__ import annotations

import dataclasses
import threading
import time

import pytest

from galosh.base.errors import GaloshError
from galosh.download.limits import MIB
from galosh.download.plan import ByteSource
from galosh.download.state import State
from tests.download.support import DATA, SIZE, JumpClock, Rig, until
from tests.fakes.faults import Fault
from tests.fakes.model_files import gguf

ALL = "/model.gguf"


def test_an_honest_server(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    receipt = rig.fetch(plan)
    assert rig.right()
    assert (receipt.verified, receipt.sha256) == (True, plan.sha256)
    assert receipt.refetched_bytes == 0
    assert rig.hub.bytes_sent(ALL) <= SIZE * 1.02
    assert State.DONE in rig.states()
    assert rig.falls() == 0
    rig.hub.forget()
    assert rig.fetch(plan).path == receipt.path
    assert not rig.hub.requests(), "a file that is there is not asked for again"


def test_08_a_hanging_link_is_replaced_while_others_run(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(hang_after_bytes=500_000, times=2))
    started = time.monotonic()
    rig.fetch(rig.plan(rig.serve()))
    assert rig.right()
    assert time.monotonic() - started < 8 * rig.limits.stall_seconds


def test_09_a_dripping_link_is_replaced(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(drip_bytes_per_second=40, times=1))
    rig.fetch(rig.plan(rig.serve()))
    assert rig.right()


def test_10_a_cut_every_so_often_costs_nothing(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(cut_every_bytes=300_000))
    receipt = rig.fetch(rig.plan(rig.serve()))
    assert rig.right()
    assert receipt.received_bytes <= SIZE * 1.02
    assert rig.falls() == 0


def test_10_resets_instead_of_closes(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(cut_after_bytes=700_000, reset=True, times=4))
    rig.fetch(rig.plan(rig.serve()))
    assert rig.right()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(no_length=True, cut_after_bytes=400_000, times=5), id="11"),
        pytest.param(Fault(length_delta=-50_000, times=3), id="12-short"),
        pytest.param(Fault(length_delta=50_000), id="12-long"),
        pytest.param(Fault(chunked=True), id="13-chunked"),
        pytest.param(Fault(chunked=True, cut_after_bytes=400_000, times=5), id="13"),
        pytest.param(Fault(start_shift=-4096), id="15-earlier"),
        pytest.param(Fault(start_shift=512, times=2), id="15-later"),
        pytest.param(Fault(claimed_total=SIZE + 1, times=2), id="15-total"),
        pytest.param(Fault(gzip=True, times=2), id="24"),
        pytest.param(Fault(status=500, times=6), id="22"),
        pytest.param(Fault(status=502, body="<html>bad gateway</html>", times=3), id="22-html"),
    ],
)
def test_lies_and_troubles_that_pass(rig: Rig, fault: Fault) -> None:
    rig.hub.faults.add(ALL, fault)
    rig.fetch(rig.plan(rig.serve()))
    assert rig.right()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(Fault(start_shift=512), "wrong-start", id="15-later"),
        pytest.param(Fault(claimed_total=SIZE + 1), "wrong-total", id="15-total"),
        pytest.param(Fault(gzip=True), "encoded", id="24"),
        pytest.param(Fault(hide_headers=("Content-Range",)), "range-unstated", id="no-range"),
    ],
)
def test_persistent_lies_lead_to_the_next_source(rig: Rig, fault: Fault, reason: str) -> None:
    rig.hub.faults.add("/bad.gguf", fault)
    bad, good = rig.serve("/bad.gguf"), rig.serve("/good.gguf")
    with pytest.raises(GaloshError) as caught:
        rig.fetch(rig.plan(bad))
    assert caught.value.code == "download-source-wrong"
    assert caught.value.facts["reason"] == reason
    assert "?" not in str(caught.value)
    rig.fetch(rig.plan(bad, good))
    assert rig.right()


def test_14_a_server_that_ignores_range_is_streamed_once(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(ignore_range=True))
    receipt = rig.fetch(rig.plan(rig.serve()))
    assert rig.right()
    assert receipt.received_bytes == SIZE
    assert not rig.seen[-1].resumable
    assert rig.seen[-1].notice == "download-no-resume"


def test_14_range_ignored_after_a_restart_compares_what_is_kept(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.4)
    rig.hub.faults.add(ALL, Fault(ignore_range=True, cut_after_bytes=2 * MIB, times=2))
    rig.hub.faults.add(ALL, Fault(ignore_range=True))
    rig.seen.clear()
    rig.fetch(plan)
    assert rig.right()
    assert rig.falls() == 0


def test_16_a_416_for_a_range_inside_the_file_is_no_end(rig: Rig) -> None:
    headers = {"Content-Range": f"bytes */{SIZE}"}
    rig.hub.faults.add(ALL, Fault(status=416, headers=headers, times=2))
    rig.fetch(rig.plan(rig.serve()))
    assert rig.right()


def test_17_a_416_that_tells_of_another_size_stops_clearly(rig: Rig) -> None:
    headers = {"Content-Range": f"bytes */{SIZE + 5}"}
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.3)
    rig.hub.faults.add(ALL, Fault(status=416, headers=headers))
    with pytest.raises(GaloshError) as caught:
        rig.fetch(plan)
    assert caught.value.code == "download-remote-changed"


def test_18_a_pinned_file_that_changed_stops_or_moves_to_the_next_source(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.4)
    rig.serve(data=gguf(SIZE, 99))
    with pytest.raises(GaloshError) as caught:
        rig.fetch(plan)
    assert caught.value.code == "download-remote-changed"
    assert caught.value.facts["kept_bytes"] >= 0.4 * SIZE  # type: ignore[operator]
    mirror = rig.serve("/mirror.gguf")
    rig.fetch(rig.plan(plan.sources[0].url, mirror))
    assert rig.right()


def test_18_an_unpinned_file_that_changed_is_fetched_anew_never_mixed(rig: Rig) -> None:
    plan = rig.plan(rig.serve(), pinned=False)
    rig.stop_at(plan, 0.4)
    rig.data = gguf(SIZE - 70_000, 99)
    rig.serve(data=rig.data)
    receipt = rig.fetch(plan)
    assert rig.right()
    assert not receipt.verified
    assert "download-started-over" in {one.notice for one in rig.seen}


def test_18_same_size_other_content_while_the_transfer_runs(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(cut_after_bytes=MIB, times=1))
    rig.hub.faults.add(ALL, Fault(delay_seconds=0.2))
    plan = rig.plan(rig.serve(), pinned=False)
    new = gguf(SIZE, 99)

    def swap() -> None:
        until(lambda: len(rig.hub.requests(ALL)) > 1)
        rig.data = new
        rig.serve(data=new)

    thread = threading.Thread(target=swap)
    thread.start()
    rig.fetch(plan, connections=1)
    thread.join()
    assert rig.right()


def test_19_an_expired_signature_is_renewed_without_a_retry(rig: Rig) -> None:
    repo = rig.hub.add_repo("o/r", {"model.gguf": DATA})
    url = f"{rig.hub.url}/o/r/resolve/{repo.commit}/model.gguf"
    limits = dataclasses.replace(rig.limits, range_max_bytes=MIB)

    def expire() -> None:
        for share in (0.2, 0.5, 0.8):
            until(lambda: bool(rig.seen) and rig.seen[-1].kept_bytes > share * SIZE)  # noqa: B023
            rig.hub.repos.expire_signatures()

    thread = threading.Thread(target=expire)
    thread.start()
    source = ByteSource(url, "hub")
    rig.fetch(rig.plan(source), limits=limits, max_rate_bytes=12 * MIB, connections=1)
    thread.join()
    assert rig.right()
    assert not rig.causes()
    assert len(rig.hub.requests("/resolve/")) > 1


def test_20_gates_and_tokens_are_named_and_what_is_there_is_kept(rig: Rig) -> None:
    repo = rig.hub.add_repo("o/gated", {"model.gguf": DATA}, gated=True, token="hf_good")
    url = f"{rig.hub.url}/o/gated/resolve/{repo.commit}/model.gguf"

    def code(token: str | None) -> str:
        with pytest.raises(GaloshError) as caught:
            rig.fetch(rig.plan(ByteSource(url, "hub", token=token)))
        assert "?" not in str(caught.value)
        return caught.value.code

    assert code(None) in ("download-licence", "download-needs-token")
    assert code("hf_bad") in ("download-licence", "download-token-denied")
    rig.fetch(rig.plan(ByteSource(url, "hub", token="hf_good")))
    assert rig.right()
    assert not [r for r in rig.hub.requests("/cdn/") if "authorization" in r.headers]
    everything = b"".join(p.read_bytes() for p in rig.paths.data.rglob("*.json"))
    assert b"hf_good" not in everything


def test_21_a_429_is_obeyed_by_all_links_and_the_next_process(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(status=429, headers={"Retry-After": "1"}, times=1))
    plan = rig.plan(rig.serve())
    rig.fetch(plan)
    times = [request.started_seconds for request in rig.hub.requests(ALL)]
    assert times[1] - times[0] >= 1.0
    assert "download-rate-held" in rig.causes()
    assert State.WAITING_RATE in rig.states()
    assert rig.right()
    assert (rig.paths.downloads / "holds.json").exists()


def test_22_a_storm_of_errors_is_waited_out(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(status=503))
    plan = rig.plan(rig.serve())

    def heal() -> None:
        until(lambda: len(rig.hub.requests(ALL)) > 8)
        rig.hub.faults.clear()

    thread = threading.Thread(target=heal)
    thread.start()
    rig.fetch(plan)
    thread.join()
    assert rig.right()
    assert "download-server-down" in rig.causes()


@pytest.mark.parametrize("redirect", [False, True])
def test_23_a_sign_in_page_is_waited_out_and_never_written(rig: Rig, redirect: bool) -> None:
    page = Fault(status=200, headers={"Content-Type": "text/html"}, body="<html>sign in</html>")
    if redirect:
        rig.hub.faults.add(ALL, Fault(status=302, headers={"Location": "{cdn}/login"}))
        rig.hub.faults.add("/login", page)
    else:
        rig.hub.faults.add(ALL, page)
    plan = rig.plan(rig.serve())
    rig.hub.faults.add("/never", Fault())

    def sign_in() -> None:
        until(lambda: "download-sign-in" in rig.causes())
        assert rig.seen[-1].kept_bytes == 0
        rig.hub.faults.clear()

    thread = threading.Thread(target=sign_in)
    thread.start()
    rig.fetch(plan)
    thread.join()
    assert State.WAITING_NETWORK in rig.states()
    assert rig.right()


def test_27_a_bit_flipped_on_the_way_is_found_and_only_its_chunk_replaced(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(flip_at=2_000_000, times=1))
    limits = dataclasses.replace(rig.limits, range_min_bytes=8 * MIB, range_max_bytes=8 * MIB)
    rig.fetch(rig.plan(rig.serve()), connections=1, limits=limits)
    assert rig.right()
    assert State.REPAIRING in rig.states()


def test_27_a_source_that_always_flips_is_corrected_by_another(rig: Rig) -> None:
    rig.hub.faults.add("/bad.gguf", Fault(flip_at=2_000_000))
    bad = rig.serve("/bad.gguf")
    good = rig.serve("/good.gguf").replace("127.0.0.1", "localhost")
    rig.fetch(rig.plan(bad, good))
    assert rig.right()


def test_27_a_file_that_stays_wrong_is_set_aside_and_not_fetched_for_ever(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(flip_at=2_000_000))
    plan = rig.plan(rig.serve())
    with pytest.raises(GaloshError) as caught:
        rig.fetch(plan)
    assert caught.value.code == "download-quarantined"
    assert "?" not in str(caught.value)
    assert not rig.target.exists()
    rig.hub.forget()
    with pytest.raises(GaloshError) as again:
        rig.fetch(plan)
    assert again.value.code == "download-quarantined"
    assert not rig.hub.requests()


def test_06_a_lost_network_is_waited_out(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    rig.hub.connection_bytes_per_second = 6 * MIB
    port = rig.hub.port

    def lose() -> None:
        until(lambda: bool(rig.seen) and rig.seen[-1].kept_bytes > SIZE // 4)
        rig.hub.close()
        until(lambda: "download-host-unreachable" in rig.causes())
        until(lambda: rig.seen[-1].speed_bytes_per_second == 0.0)
        from tests.fakes.hub import FaultHub

        again = FaultHub(port=port)
        again.files = rig.hub.files
        again.__enter__()
        rig.hub = again

    thread = threading.Thread(target=lose)
    thread.start()
    rig.fetch(plan)
    thread.join()
    rig.hub.close()
    assert rig.right()
    assert rig.falls() == 0


def test_07_after_a_sleep_the_sockets_are_dropped_at_once(rig: Rig) -> None:
    clock = JumpClock()
    plan = rig.plan(rig.serve())
    rig.hub.faults.add(ALL, Fault(hang_after_bytes=900_000, times=1))
    limits = dataclasses.replace(rig.limits, stall_seconds=30.0, stuck_seconds=60.0)

    def sleep() -> None:
        until(lambda: bool(rig.seen) and rig.seen[-1].kept_bytes > 500_000)
        clock.jump_seconds = 600.0

    thread = threading.Thread(target=sleep)
    thread.start()
    started = time.monotonic()
    rig.fetch(plan, clock=clock, limits=limits, connections=1)
    thread.join()
    assert rig.right()
    assert time.monotonic() - started < 5.0


def test_no_length_and_no_hash_needs_a_whole_model(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(ignore_range=True, no_length=True))
    plan = rig.plan(rig.serve(), pinned=False, size_bytes=None)
    receipt = rig.fetch(plan)
    assert rig.right()
    assert not receipt.verified


def test_no_length_cut_early_is_never_taken_for_the_end(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(ignore_range=True, no_length=True, cut_after_bytes=MIB))
    plan = rig.plan(rig.serve(), pinned=False, size_bytes=None)
    with pytest.raises(GaloshError) as caught:
        rig.fetch(plan)
    assert caught.value.code == "download-not-sound"
    assert not rig.target.exists()


def test_a_file_carried_by_members_of_several_remote_files(rig: Rig) -> None:
    cut = 1_234_567
    boxes = (b"x" * 777 + DATA[:cut] + b"tail", b"yy" + DATA[cut:] + b"z" * 99)
    urls = [rig.serve(f"/box{n}.zip", data=box) for n, box in enumerate(boxes)]
    sources = (
        ByteSource(urls[0], "pypi", None, (777, cut), len(boxes[0]), 0),
        ByteSource(urls[1], "pypi", None, (2, SIZE - cut), len(boxes[1]), cut),
    )
    rig.fetch(rig.plan(*sources))
    assert rig.right()
    assert rig.hub.bytes_sent("/box") <= SIZE * 1.02
