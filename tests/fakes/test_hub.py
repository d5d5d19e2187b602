"""The fault server keeps its contract: the real hub client accepts it, faults are what they say."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path

import pytest

from tests.fakes.faults import Fault
from tests.fakes.hub import FaultHub
from tests.fakes.hub_process import HubProcess
from tests.fakes.model_files import gguf, sha256
from tests.fakes.proxy import Proxy
from tests.fakes.wheels import wheel

KIB = 1024
DATA = gguf(300 * KIB)


@pytest.fixture
def hub() -> Iterator[FaultHub]:
    with FaultHub() as server:
        yield server


def get(url: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    """One request on a connection of its own: (reply, body as far as it came)."""
    parts = urllib.parse.urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"{parts.path}?{parts.query}", headers=names)
        reply = connection.getresponse()
        try:
            return reply, reply.read()
        except IncompleteRead as error:
            return reply, error.partial
    finally:
        connection.close()


_CLIENT = """
import sys, hashlib, huggingface_hub as h
path = h.hf_hub_download("owner/name", sys.argv[1], token=sys.argv[2] or False)
print(hashlib.sha256(open(path, "rb").read()).hexdigest())
"""


def real_client(hub: FaultHub, tmp_path: Path, file: str, token: str = "") -> str:
    """What the real huggingface_hub client makes of the fake: a digest, or its error."""
    environment = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "PATH": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", _CLIENT, file, token], env=environment, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1] + done.stderr


def test_real_hub_client_downloads_large_and_small_files(hub: FaultHub, tmp_path: Path) -> None:
    # Two client processes: over 0.25 s, as nothing else proves the fake to be a hub.
    hub.add_repo("owner/name", {"a/model.gguf": DATA, "config.json": b"{}"}, small=("config.json",))
    assert real_client(hub, tmp_path, "a/model.gguf") == sha256(DATA)
    assert real_client(hub, tmp_path, "config.json") == sha256(b"{}")
    hosts = {request.host.split(":")[0] for request in hub.requests("/cdn/")}
    assert hosts == {"localhost"}


def test_real_hub_client_sees_a_gate(hub: FaultHub, tmp_path: Path) -> None:
    hub.add_repo("owner/name", {"model.gguf": DATA}, gated=True, token="hf_good")
    assert "GatedRepoError" in real_client(hub, tmp_path, "model.gguf")
    assert real_client(hub, tmp_path, "model.gguf", "hf_good") == sha256(DATA)


def test_tree_is_paged_and_complete(hub: FaultHub) -> None:
    hub.add_repo("owner/name", {f"file-{i}.gguf": b"x" for i in range(9)})
    url, found = f"{hub.url}/api/models/owner/name/tree/main?recursive=true", []
    while url:
        reply, body = get(url)
        found += json.loads(body)
        url = reply.headers.get("Link", "").partition("<")[2].partition(">")[0]
    assert [entry["path"] for entry in found] == [f"file-{i}.gguf" for i in range(9)]
    assert found[0]["lfs"] == {"oid": sha256(b"x"), "size": 1, "pointerSize": 135}
    assert len(hub.requests("/tree/")) == 3


def test_signed_urls_end(hub: FaultHub) -> None:
    hub.add_repo("owner/name", {"m.gguf": DATA})
    reply, _ = get(f"{hub.url}/owner/name/resolve/main/m.gguf", "HEAD")
    signed = reply.headers["Location"]
    assert get(signed)[1] == DATA
    hub.repos.expire_signatures()
    assert get(signed)[0].status == 403


def test_ranges_and_validators(hub: FaultHub) -> None:
    url = hub.add_file("/m.gguf", DATA)
    etag = get(url, "HEAD")[0].headers["ETag"]
    reply, body = get(url, Range="bytes=100-199", If_Range=etag)
    assert (reply.status, body) == (206, DATA[100:200])
    assert reply.headers["Content-Range"] == f"bytes 100-199/{len(DATA)}"
    assert get(url, Range="bytes=100-", If_Range='"old"')[0].status == 200
    reply, _ = get(url, Range=f"bytes={len(DATA)}-")
    assert (reply.status, reply.headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (Fault(cut_after_bytes=1000), 200, DATA[:1000]),
        (Fault(ignore_range=True), 200, DATA),
        (Fault(start_shift=-50), 206, DATA[50:]),
        (Fault(silent_shift=5), 206, DATA[105:] + bytes(5)),
        (Fault(length_delta=-10), 206, DATA[100:-10]),
        (Fault(length_delta=10), 206, DATA[100:]),
        (Fault(no_length=True), 206, DATA[100:]),
        (Fault(no_length=True, cut_after_bytes=50), 206, DATA[100:150]),
        (Fault(chunked=True), 206, DATA[100:]),
        (Fault(chunked=True, cut_after_bytes=50), 206, DATA[100:150]),
        (Fault(flip_at=100), 206, bytes([DATA[100] ^ 1]) + DATA[101:]),
        (Fault(status=503, headers={"Retry-After": "7"}, body="busy"), 503, b"busy"),
    ],
    ids=lambda value: str(value.to_json()) if isinstance(value, Fault) else None,
)
def test_faults_on_the_body(hub: FaultHub, fault: Fault, status: int, body: bytes) -> None:
    url = hub.add_file("/m.gguf", DATA)
    hub.faults.add("/m.gguf", fault)
    headers = {} if fault.cut_after_bytes == 1000 else {"Range": "bytes=100-"}
    reply, got = get(url, **headers)
    assert reply.status == status
    assert got == body


def test_gzip_unasked(hub: FaultHub) -> None:
    url = hub.add_file("/m.gguf", DATA)
    hub.faults.add("/m.gguf", Fault(gzip=True))
    reply, body = get(url)
    assert reply.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == DATA


def test_faults_are_chosen_by_count_and_kind(hub: FaultHub) -> None:
    url = hub.add_file("/m.gguf", DATA)
    hub.faults.add("/m.*", Fault(status=500, times=2), Fault(status=429, resume_only=True))
    assert [get(url)[0].status for _ in range(3)] == [500, 500, 200]
    assert get(url, Range="bytes=5-")[0].status == 429
    assert get(url, Range="bytes=0-5")[0].status == 206
    hub.faults.clear()
    assert get(url, Range="bytes=5-")[0].status == 206


def test_reset_is_a_reset_and_hang_hangs(hub: FaultHub) -> None:
    url = hub.add_file("/m.gguf", DATA)
    hub.faults.add("/m.gguf", Fault(cut_after_bytes=10, reset=True, times=1))
    with pytest.raises(ConnectionResetError):
        get(url)
    hub.faults.add("/m.gguf", Fault(hang_after_bytes=10))
    with socket.create_connection(("127.0.0.1", hub.port)) as client:
        client.settimeout(0.2)
        client.sendall(b"GET /m.gguf HTTP/1.1\r\nHost: h\r\n\r\n")
        got = b""
        while b"GGUF" not in got:
            got += client.recv(65536)
        time.sleep(0.1)  # nothing more may come in this time
        with pytest.raises(TimeoutError):
            client.recv(65536)
    assert got.endswith(b"\r\n\r\n" + DATA[:10])


def test_offline_is_no_answer_at_all(hub: FaultHub) -> None:
    url = hub.add_file("/m.gguf", DATA)
    hub.go_offline()
    with pytest.raises(ConnectionError):
        get(url)
    hub.offline = False
    assert get(url)[1] == DATA


def test_connection_and_total_speed_limits() -> None:
    # Speed needs time to be measured: 0.3 s each.
    size = len(DATA)
    with FaultHub(connection_bytes_per_second=size / 0.3) as hub:
        url = hub.add_file("/m.gguf", DATA)
        start = time.monotonic()
        assert get(url)[1] == DATA
        assert 0.22 < time.monotonic() - start < 0.9
    with FaultHub(total_bytes_per_second=size / 0.3) as hub:
        url = hub.add_file("/m.gguf", DATA)
        start = time.monotonic()
        assert get(url, Range="bytes=0-1000")[1] + get(url, Range="bytes=1001-")[1] == DATA
        assert 0.22 < time.monotonic() - start < 0.9


def test_index_in_json_and_html(hub: FaultHub) -> None:
    name, data = wheel("llm-tiny", "1.0", {"llm_tiny/m.gguf": DATA}, stored=True)
    hub.add_wheel(name, data)
    url = f"{hub.url}/simple/llm-tiny/"
    reply, body = get(url, Accept="application/vnd.pypi.simple.v1+json")
    listed = json.loads(body)["files"][0]
    assert listed["hashes"] == {"sha256": sha256(data)}
    assert get(urllib.parse.urljoin(url, listed["url"]))[1] == data
    reply, body = get(url)
    assert reply.headers["Content-Type"].startswith("text/html")
    assert f"#sha256={sha256(data)}" in body.decode()


def test_proxy_wants_its_password_and_forwards(hub: FaultHub) -> None:
    hub.add_file("/m.gguf", DATA)
    with Proxy("ann", "secret", blocked=("localhost",)) as proxy:
        connection = HTTPConnection("127.0.0.1", proxy.port, timeout=5)
        connection.request("GET", f"{hub.url}/m.gguf")
        assert connection.getresponse().status == 407
        login = {"Proxy-Authorization": "Basic YW5uOnNlY3JldA=="}
        connection.close()
        connection.request("GET", f"{hub.url}/m.gguf", headers=login)
        assert connection.getresponse().read() == DATA
        connection.close()
        connection.request("GET", f"{hub.cdn_url}/m.gguf", headers=login)
        assert connection.getresponse().status == 403
        connection.close()


def test_own_process_serves_a_disk_file_and_takes_faults(tmp_path: Path) -> None:
    # Starts a process: over 0.25 s.
    file = tmp_path / "m.gguf"
    file.write_bytes(DATA)
    with HubProcess() as hub:
        url = hub.control("file", {"path": "/m.gguf", "disk_path": str(file)})["url"]
        assert get(url)[1] == DATA
        hub.add_fault("/m.gguf", Fault(cut_after_bytes=7))
        assert get(url)[1] == DATA[:7]
        assert [request["bytes_sent"] for request in hub.control("log")] == [len(DATA), 7]
