"""Fault cases of downloads.md section 7 that the network brings: 6 to 24, 27 and 30.

The others are in `test_faults_disk.py`. Times are a hundredth of the shipped ones
(`support.FAST`); the rules are the same.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path

import pytest

from galosh.download.limits import KIB, MIB
from galosh.download.plan import ByteSource, Plan
from galosh.download.state import State
from tests.download.endings import extra_bytes, fails
from tests.download.layers import StuckRename
from tests.download.support import FAST, JumpClock, Rig, until
from tests.fakes.faults import Fault
from tests.fakes.hub import FaultHub
from tests.fakes.model_files import gguf
from tests.fakes.proxy import Proxy
from tests.fakes.tls import write_certificate

PAGE = {"Content-Type": "text/html"}
ALL = "/model.gguf"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate nobody has heard of."""
    return write_certificate(tmp_path)


def hub_plan(rig: Rig) -> Plan:
    """The file on the hub, behind a signed redirect to the other host name."""
    repo = rig.hub.add_repo("o/r", {"model.gguf": rig.data}, token="hf_x")
    url = f"{rig.hub.url}/o/r/resolve/{repo.commit}/model.gguf"
    return rig.plan(ByteSource(url, "hub"), commit=repo.commit)


def test_06_wifi_loss(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    rig.hub.faults.add(ALL, Fault(drip_bytes_per_second=8 * MIB))
    healer: list[threading.Thread] = []

    def follow(progress: object) -> None:
        if not rig.hub.offline and not healer and rig.hub.bytes_sent() > MIB:
            rig.hub.go_offline()
            healer.append(threading.Thread(target=heal))
            healer[0].start()

    def heal() -> None:
        until(lambda: bool(rig.causes()))
        time.sleep(0.5)  # several tries fail meanwhile
        rig.hub.offline = False

    rig.fetch(plan, follow=follow)
    healer[0].join()
    assert rig.right()
    assert State.WAITING_NETWORK in rig.states()
    assert rig.falls() == 0
    assert extra_bytes(rig) <= MIB


def test_07_sleep_resume(rig: Rig) -> None:
    clock = JumpClock()
    rig.clock = clock
    rig.limits = dataclasses.replace(FAST, stall_seconds=60.0, stuck_seconds=60.0)
    rig.hub.faults.add(ALL, Fault(hang_after_bytes=MIB, times=1))
    plan = rig.plan(rig.serve())

    def sleep() -> None:
        until(lambda: rig.hub.bytes_sent() >= MIB)
        clock.jump_seconds = 3600.0

    laptop = threading.Thread(target=sleep)
    laptop.start()
    start = time.monotonic()
    rig.fetch(plan, connections=1)
    laptop.join()
    assert rig.right()
    assert time.monotonic() - start < 5, "the half-dead socket was dropped at once"


def test_08_hanging_socket(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(hang_after_bytes=MIB, times=1))
    rig.fetch(rig.plan(rig.serve()), connections=1)
    assert rig.right()
    assert "download-link-stalled" in rig.causes() or len(rig.hub.requests()) > 1
    assert extra_bytes(rig) <= 64 * KIB


def test_09_slow_drip(rig: Rig) -> None:
    rig.limits = dataclasses.replace(FAST, slow_bytes_per_second=64 * KIB, stall_seconds=5.0)
    rig.hub.faults.add(ALL, Fault(drip_bytes_per_second=300, times=1))
    rig.fetch(rig.plan(rig.serve()), connections=1)
    assert rig.right()


def test_10_body_truncated_each_3_mib(rig: Rig) -> None:
    rig.data = gguf(10 * MIB, seed=3)
    rig.hub.faults.add(ALL, Fault(cut_every_bytes=3 * MIB))
    receipt = rig.fetch(rig.plan(rig.serve()), connections=1)
    assert rig.right()
    assert extra_bytes(rig) <= 0.02 * len(rig.data)
    assert receipt.refetched_bytes == 0
    assert rig.falls() == 0


def test_11_early_close_without_length(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(no_length=True, cut_after_bytes=MIB))
    rig.fetch(rig.plan(rig.serve()))
    assert rig.right()
    assert extra_bytes(rig) == 0


@pytest.mark.parametrize("delta", [-100_000, 100_000])
def test_12_content_length_wrong(rig: Rig, delta: int) -> None:
    rig.hub.faults.add(ALL, Fault(length_delta=delta, times=3))
    rig.fetch(rig.plan(rig.serve()), connections=1)
    assert rig.right()


def test_13_chunked_without_terminator(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(chunked=True, cut_after_bytes=MIB))
    rig.fetch(rig.plan(rig.serve()))
    assert rig.right()
    assert extra_bytes(rig) == 0


def test_14_range_ignored(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.4)
    rig.hub.faults.add(ALL, Fault(ignore_range=True, cut_after_bytes=2 * MIB, times=2),
                       Fault(ignore_range=True))  # fmt: skip
    rig.fetch(plan)
    assert rig.right()
    assert any(one.notice == "download-no-resume" and not one.resumable for one in rig.seen)


def test_15_206_wrong_start_or_total(rig: Rig) -> None:
    good = rig.serve("/good.gguf")
    # Earlier by a block, as caches answer: the lead is dropped.
    rig.hub.faults.add(ALL, Fault(start_shift=-4096))
    rig.fetch(rig.plan(rig.serve()))
    assert rig.right()
    for fault in (Fault(start_shift=4096, resume_only=True), Fault(claimed_total=99 * MIB)):
        rig.target.unlink()
        rig.hub.faults.clear()
        rig.hub.faults.add(ALL, fault)
        rig.hub.forget()
        rig.limits = dataclasses.replace(FAST, range_min_bytes=MIB, range_max_bytes=MIB)
        rig.fetch(rig.plan(rig.serve(), good), connections=1)
        assert rig.right()
        refused = [r for r in rig.hub.requests(ALL) if r.status == 206]
        assert rig.hub.requests("/good.gguf"), "the next source took over"
        assert len(refused) <= 8
    rig.target.unlink()
    rig.hub.faults.clear()
    rig.hub.faults.add(ALL, Fault(claimed_total=99 * MIB))
    error = fails(rig, rig.plan(rig.serve()))
    assert (error.code, error.facts["reason"]) == ("download-source-wrong", "wrong-total")


def test_16_416_with_equal_size(rig: Rig) -> None:
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.5)
    refusal = Fault(status=416, headers={"Content-Range": f"bytes */{len(rig.data)}"}, times=2)
    rig.hub.faults.add(ALL, refusal)
    rig.fetch(plan)
    assert rig.right()


def test_17_416_with_other_size(rig: Rig) -> None:
    plan = rig.plan(rig.serve(), rig.serve("/good.gguf"))
    rig.stop_at(plan, 0.5)
    rig.hub.faults.add(ALL, Fault(status=416, headers={"Content-Range": "bytes */77"}))
    rig.fetch(plan)
    assert rig.right()
    lonely = rig.plan(rig.serve())
    rig.target.unlink()
    assert fails(rig, lonely).code == "download-remote-changed"


@pytest.mark.parametrize("pinned", [True, False])
def test_18_remote_changed_same_size(rig: Rig, pinned: bool) -> None:
    url = rig.serve()
    source = ByteSource(url, etag=rig.hub.files[ALL].etag)
    # Made-up models do not pass the whole check of a model that nobody vouched for.
    plan = rig.plan(source, pinned=pinned, expects="any")
    rig.stop_at(plan, 0.5)
    other = gguf(len(rig.data), seed=77)
    rig.serve(data=other)
    if pinned:
        assert fails(rig, plan).code in ("download-remote-changed", "download-quarantined")
        assert not rig.target.exists()
        rig.fetch(rig.plan(url, rig.serve("/old.gguf")))
        assert rig.right()
    else:
        rig.data = other
        rig.fetch(plan)
        assert rig.right(), "all of the new version, nothing of the old"


def test_19_signed_url_expired(rig: Rig) -> None:
    plan = hub_plan(rig)
    rig.hub.faults.add("/cdn/*", Fault(cut_after_bytes=MIB))
    # Slow enough that the signature ends while bytes are still to come.
    rig.hub.connection_bytes_per_second = 4 * MIB
    expired: list[bool] = []

    def follow(progress: object) -> None:
        if not expired and rig.hub.bytes_sent("/cdn/") > MIB:
            expired.append(True)
            rig.hub.repos.expire_signatures()

    rig.fetch(plan, follow=follow, connections=1)
    assert rig.right()
    assert expired
    assert len(rig.hub.requests("/resolve/")) >= 2
    assert rig.causes() <= {"download-link-cut"}, "a renewal is no wait"
    denied = sum(r.bytes_sent for r in rig.hub.requests("/cdn/") if r.status == 403)
    assert extra_bytes(rig) - denied <= 64 * KIB


@pytest.mark.parametrize(
    ("status", "code", "token", "expected"),
    [
        (401, "GatedRepo", None, "download-licence"),
        (403, "GatedRepo", "hf_x", "download-licence"),
        (401, "RepoNotFound", None, "download-needs-token"),
        (401, "", "hf_x", "download-token-denied"),
        (403, "", "hf_x", "download-access-denied"),
        (404, "EntryNotFound", None, "download-not-found"),
    ],
)
def test_20_resolve_refused(
    rig: Rig, status: int, code: str, token: str | None, expected: str
) -> None:
    plan = hub_plan(rig)
    source = dataclasses.replace(plan.sources[0], token=token)
    plan = dataclasses.replace(plan, sources=(source,))
    rig.stop_at(plan, 0.5)
    headers = {"X-Error-Code": code} if code else {}
    rig.hub.faults.add("/o/r/*", Fault(status=status, headers=headers))
    error = fails(rig, plan)
    assert error.code == expected
    kept = error.facts["kept_bytes"]
    assert isinstance(kept, int)
    assert kept > 0.4 * len(rig.data), "the partial file is kept"
    assert "hf_x" not in f"{error} {error.facts}"
    rig.hub.faults.clear()
    rig.fetch(plan)
    assert rig.right()


@pytest.mark.parametrize("headers", [{"Retry-After": "1"}, {"RateLimit": '"resolvers";r=0;t=1'}])
def test_21_429_with_a_wish(rig: Rig, headers: dict[str, str]) -> None:
    # The wish is one second, the shortest a server can say.
    rig.hub.faults.add(ALL, Fault(status=429, headers=headers, times=1))
    plan = rig.plan(rig.serve())
    rig.fetch(plan)
    assert rig.right()
    times = [request.started_seconds for request in rig.hub.requests()]
    assert times[1] - times[0] >= 1.0, "never sooner than asked"
    assert State.WAITING_RATE in rig.states()


def test_22_5xx_storm(rig: Rig) -> None:
    rig.hub.faults.add(ALL, Fault(status=503, times=5), Fault(status=502, times=5))
    rig.fetch(rig.plan(rig.serve()))
    assert rig.right()
    assert rig.causes() == {"download-server-down"}


@pytest.mark.parametrize("how", ["page", "redirect"])
def test_23_captive_portal(rig: Rig, how: str) -> None:
    plan = rig.plan(rig.serve())
    rig.stop_at(plan, 0.4)
    rig.hub.faults.add("/portal", Fault(status=200, headers=PAGE, body="<html>Sign in</html>"))
    page = Fault(status=200, headers=PAGE, body="<html>Sign in</html>", times=4)
    jump = Fault(status=302, headers={"Location": "{cdn}/portal"}, times=4)
    rig.hub.faults.add(ALL, page if how == "page" else jump)
    rig.fetch(plan)
    assert rig.right()
    assert rig.causes() == {"download-sign-in"}


def test_24_gzip_encoded(rig: Rig) -> None:
    url = rig.serve()
    rig.hub.faults.add(ALL, Fault(gzip=True, times=1))
    rig.fetch(rig.plan(url))
    assert rig.right()
    assert {request.headers["accept-encoding"] for request in rig.hub.requests()} == {"identity"}
    rig.target.unlink()
    rig.hub.faults.add(ALL, Fault(gzip=True))
    rig.fetch(rig.plan(url, rig.serve("/good.gguf")))
    assert rig.right()
    rig.target.unlink()
    error = fails(rig, rig.plan(url))
    assert (error.code, error.facts["reason"]) == ("download-source-wrong", "encoded")


def test_27_bit_flip_in_transit(rig: Rig) -> None:
    # Every reply of the first source carries the flipped bit; only a comparison finds it.
    rig.hub.faults.add(ALL, Fault(flip_at=2 * MIB + 5))
    rig.serve("/other.gguf")
    other = f"{rig.hub.cdn_url}/other.gguf"  # an independent source: another host
    rig.fetch(rig.plan(rig.serve(), other), connections=1)
    assert rig.right()
    assert State.REPAIRING in rig.states()
    rig.target.unlink()
    error = fails(rig, rig.plan(rig.serve()))
    assert error.code == "download-quarantined"
    assert not rig.target.exists()


def test_27_bit_flip_at_a_join(rig: Rig) -> None:
    # One bad reply, then honest ones: the joined chunk is the suspect and is fetched again.
    rig.hub.faults.add(ALL, Fault(cut_after_bytes=MIB // 2 + 1000, times=1),
                       Fault(flip_at=MIB // 2 + 2000, times=1))  # fmt: skip
    rig.fetch(rig.plan(rig.serve()), connections=1)
    assert rig.right()
    assert extra_bytes(rig) <= 256 * KIB, "only the bad chunk again"


def test_30_proxy_wants_a_password(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = rig.plan(rig.serve())
    with Proxy("ann", "secret") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        assert fails(rig, plan).code == "download-proxy-password"
        monkeypatch.setenv("HTTP_PROXY", proxy.url("ann", "secret"))
        rig.fetch(plan)
    assert rig.right()


def test_30_cdn_host_blocked(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = hub_plan(rig)
    with Proxy(None, blocked=("localhost",)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        error = fails(rig, plan)
    assert error.facts["host"] == "localhost", "the diagnosis names the blocked host"


def test_30_tls_inspection(rig: Rig, certificate: Path) -> None:
    with FaultHub(certificate=certificate) as https:
        https.add_file(ALL, rig.data)
        error = fails(rig, rig.plan(f"{https.url}{ALL}"))
    assert error.code == "download-tls-untrusted"


def test_30_own_certificate_is_accepted(
    rig: Rig, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with FaultHub(certificate=certificate) as https:
        https.add_file(ALL, rig.data)
        rig.fetch(rig.plan(f"{https.url}{ALL}"))
    assert rig.right()


def test_30_target_locked_on_rename(rig: Rig) -> None:
    layer = StuckRename(rig.target, times=99)
    rig.layer = layer
    plan = rig.plan(rig.serve())
    assert fails(rig, plan).code == "download-target-locked"
    before = rig.hub.bytes_sent()
    layer.times = 2  # an antivirus that lets go after a moment
    rig.fetch(plan)
    assert rig.right()
    assert rig.hub.bytes_sent() == before, "sealed at the next start without the network"
