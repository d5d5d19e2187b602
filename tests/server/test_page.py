"""The notebook page over real sockets: files, links that work once, sessions that last."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import stat
import time
from pathlib import Path

import pytest

from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.server import doorway, page_files, peers_linux, sessions
from galosh.server.sessions import Sessions
from tests.fakes.page import Browser
from tests.fakes.serving import Running, any_port, serving


def test_the_page_comes_with_headers_that_let_nothing_else_in(running: Running) -> None:
    reply = Browser(running).get("/")
    policy = reply.headers["content-security-policy"]
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.body == (page_files.FOLDER / "index.html").read_bytes()


def test_whoever_only_reads_the_page_makes_room_in_a_full_door(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user of the PC may read it too, and keep as many connections as there are."""
    monkeypatch.setattr(doorway, "_CONNECTIONS", 20)
    browser = Browser.opened(running)
    readers = [socket.create_connection(("127.0.0.1", running.port), timeout=5) for _ in range(20)]
    try:
        for one in readers:
            one.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n\r\n".encode())
            assert one.recv(65536).startswith(b"HTTP/1.1 200")
        for _ in range(5):
            assert browser.call("GET", "/galosh/v1/status").status == 200
    finally:
        for one in readers:
            one.close()


def test_a_browser_that_has_a_file_is_told_so_and_packed_ones_are_the_same(
    running: Running,
) -> None:
    browser = Browser(running)
    whole = browser.get("/page/index.html")
    again = browser.get("/page/index.html", {"If-None-Match": whole.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    packed = browser.get("/page/index.html", {"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == whole.body


@pytest.mark.parametrize(
    "name",
    ["..", "../gate.py", "%2e%2e/gate.py", "..%2fgate.py", "a/../../gate.py", "gate.py", "",
     "index.html/", "/etc/passwd", "index.html%00.js", "x.js", "a/b/c.js", ".hidden.js", "page/"],
)  # fmt: skip
def test_nothing_but_the_page_is_served(running: Running, name: str) -> None:
    assert Browser(running).get(f"/page/{name}").status in (401, 404)


def test_a_link_opens_the_page_once(running: Running) -> None:
    browser = Browser(running)
    link = running.client.make_link()
    assert str(link["url"]).startswith(f"http://127.0.0.1:{running.port}/#code=")
    assert link["expires_seconds"] == 60
    code = str(link["url"]).partition("#code=")[2]
    reply = browser.trade(code)
    cookie = reply.headers["set-cookie"]
    assert reply.status == 200
    for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=34560000"):
        assert part in cookie
    assert len(browser.key) >= 43
    assert len(browser.cookie) >= 43
    assert browser.call("GET", "/galosh/v1/status").status == 200
    assert browser.call("PUT", "/galosh/v1/settings", {"name": "history.keep", "value": True}
                        ).status == 200  # fmt: skip
    second = Browser(running)
    refused = second.trade(code)
    assert refused.status == 401
    assert json.loads(refused.body)["error"]["code"] == "server-link-spent"
    assert second.trade("x" * 43).status == 401
    assert "set-cookie" not in refused.headers


def test_another_link_leaves_the_session_of_tabs_that_are_open(running: Running) -> None:
    browser = Browser.opened(running)
    code = code_of(running)
    again = browser.call("POST", "/galosh/v1/session", {"code": code})
    assert (again.status, again.json["key"]) == (200, browser.key)
    assert "set-cookie" not in again.headers
    assert browser.call("POST", "/galosh/v1/session", {"code": code}).status == 401
    assert browser.call("GET", "/galosh/v1/status").status == 200
    browser.key = "k" * 43  # as of a session that ended
    assert browser.trade(code_of(running)).status == 200
    assert browser.key != "k" * 43
    assert browser.call("GET", "/galosh/v1/status").status == 200


def test_half_a_session_is_none(running: Running) -> None:
    browser = Browser.opened(running)
    whole = (browser.cookie, browser.key)
    for cookie, key in ((whole[0], ""), ("", whole[1]), (whole[1], whole[0])):
        browser.cookie, browser.key = cookie, key
        assert browser.call("GET", "/galosh/v1/status").status == 401
    browser.cookie, browser.key = whole
    for origin in ("http://127.0.0.1:9", "http://evil.example", "null"):
        assert browser.call("GET", "/galosh/v1/status", origin=origin).status == 403
        assert Browser(running).trade("x", origin=origin).status == 403
    assert Browser(running).trade("x", origin="").status == 403
    assert Browser(running).trade("x" * 5000).status == 413  # and nothing of it was read
    assert browser.call("GET", "/galosh/v1/status").status == 200


def test_a_link_grows_old_and_can_be_ended(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (code_of(running) for _ in range(2))
    running.client.end_links()
    assert Browser(running).trade(first).status == 401
    monkeypatch.setattr(sessions, "LINK_SECONDS", 0.2)
    late = code_of(running)
    time.sleep(0.3)
    assert Browser(running).trade(late).status == 401
    assert Browser(running).trade(second).status == 401


def code_of(running: Running) -> str:
    return str(running.client.make_link()["url"]).partition("#code=")[2]


def test_a_session_outlives_the_daemon_and_its_file_opens_nothing(paths: Paths) -> None:
    any_port(paths)
    with serving(paths) as first:
        browser = Browser.opened(first)
    text = paths.sessions_file.read_text()
    assert browser.cookie not in text
    assert browser.key not in text
    assert stat.S_IMODE(paths.sessions_file.stat().st_mode) == 0o600
    with serving(paths) as second:
        browser.running = second
        assert browser.call("GET", "/galosh/v1/status").status == 200
        assert browser.call("DELETE", "/galosh/v1/session").status == 200
        assert browser.call("GET", "/galosh/v1/status").status == 401


def test_whoever_held_our_port_may_have_heard_the_session(paths: Paths) -> None:
    any_port(paths)
    with serving(paths) as running:
        Browser.opened(running)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        paths.settings_file.write_text(f"[api]\nport = {port}\n")
        with pytest.raises(GaloshError), serving(paths):
            pass
    assert not paths.sessions_file.exists()


def test_another_token_ends_sessions_and_links(paths: Paths) -> None:
    any_port(paths)
    with serving(paths) as first:
        browser, code = Browser.opened(first), code_of(first)
        first.client.rotate_token()
        assert browser.call("GET", "/galosh/v1/status").status == 401
        assert Browser(first).trade(code).status == 401
        browser = Browser.opened(first)
    paths.token_file.unlink()  # what `galosh token rotate` does where no daemon runs
    with serving(paths) as second:
        browser.running = second
        assert browser.call("GET", "/galosh/v1/status").status == 401


def test_the_page_that_changes_the_token_goes_on_and_others_end(running: Running) -> None:
    asking, other = Browser.opened(running), Browser.opened(running)
    before = running.token
    reply = asking.call("POST", "/galosh/v1/token/rotate")
    assert running.token != before
    assert before not in reply.body.decode()
    assert running.token not in reply.body.decode()
    assert asking.call("GET", "/galosh/v1/status").status == 401  # by its old halves
    asking.take(reply)
    assert asking.call("GET", "/galosh/v1/access").json["token"] == running.token
    assert other.call("GET", "/galosh/v1/status").status == 401
    plain = running.client
    plain.rotate_token()
    assert asking.call("GET", "/galosh/v1/status").status == 401


def test_a_full_disk_keeps_nobody_from_their_texts(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = code_of(running)

    def full(*_: object, **__: object) -> None:
        raise GaloshError("base-disk-full", path="x", free_bytes=0)

    monkeypatch.setattr("galosh.base.durable.write_json", full)
    browser = Browser(running)
    assert browser.trade(code).status == 200
    assert browser.call("GET", "/galosh/v1/notebooks").status == 200


def test_the_addresses_and_the_token_are_there_to_copy(running: Running) -> None:
    found = json.loads(Browser.opened(running).call("GET", "/galosh/v1/access").body)
    assert found["token"] == running.token
    assert found["addresses"]["openai"] == f"http://127.0.0.1:{running.port}/v1"
    assert Browser(running).call("GET", "/galosh/v1/access").status == 401


def test_without_tcp_there_is_no_link(paths: Paths) -> None:
    any_port(paths, "tcp = false\n")
    with serving(paths) as running, pytest.raises(GaloshError) as caught:
        running.client.make_link()
    assert caught.value.code == "server-no-tcp"


class SetClock(SystemClock):
    """Wall time as the test sets it."""

    def __init__(self) -> None:
        self.now = 1e9

    def wall_seconds(self) -> float:
        return self.now


def test_sessions_nobody_uses_are_forgotten(tmp_path: Path) -> None:
    clock = SetClock()
    file = tmp_path / "sessions.json"

    async def live() -> None:
        book = Sessions(file, clock)
        halves = await book.add("t" * 64)
        assert len(book.known()) == 1
        clock.now += 29 * 86_400
        book.use(next(iter(book.known())))
        await asyncio.sleep(0.05)
        clock.now += 29 * 86_400
        assert len(Sessions(file, clock).known()) == 1
        clock.now += 2 * 86_400
        assert not Sessions(file, clock).known()
        assert halves.cookie != halves.key
        for _ in range(40):
            await book.add("t" * 64)
        assert len(book.known()) == 32
        file.write_text("{nonsense")
        assert not Sessions(file, clock).known()

    asyncio.run(live())


def test_the_kernel_tells_whose_connection_it_is(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
    line = "   0: {} {} 01 00000000:00000000 00:00000000 00000000  1234        0 5 1 0\n"
    table.write_text(
        head
        + line.format("0100007F:2CAB", "0100007F:9C40").replace("1234", "   7")
        + line.format("0100007F:9C40", "0100007F:2CAB")
    )
    found = peers_linux.tcp_peer_uid(
        ("127.0.0.1", 0x9C40), ("127.0.0.1", 0x2CAB), (str(table), str(tmp_path / "none"))
    )
    assert found == 1234


def test_a_code_in_another_users_hands_opens_nothing(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other users read the link in the browser's command line."""
    code = code_of(running)
    monkeypatch.setattr("galosh.server.peers.tcp_peer_uid", lambda *_: 54321)
    assert Browser(running).trade(code).status == 403
    monkeypatch.undo()
    assert Browser(running).trade(code).status == 200
