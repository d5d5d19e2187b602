"""What the settings and commands of the lock change, on real sockets."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.cli.entry import main
from galosh.server import doorway
from tests.fakes.serving import Running, any_port, raw, serving, wait_until

if sys.platform == "win32":
    pytest.skip("Unix sockets are POSIX", allow_module_level=True)

PAGE = "https://app.example"


def ask(running: Running, *lines: str, method: str = "POST", path: str = "/v1/chat/completions",
        stream: bool = False) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
    body = b""
    if method == "POST":
        question = {"messages": [{"role": "user", "content": "hello"}], "stream": stream}
        body = json.dumps(question).encode()
    head = [
        f"{method} {path} HTTP/1.1",
        f"Host: localhost:{running.port}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *lines,
    ]
    reply = raw(running.port, "\r\n".join([*head, "", ""]).encode() + body)
    top, _, rest = reply.partition(b"\r\n\r\n")
    first, *fields = top.decode().split("\r\n")
    return int(first.split()[1]), dict(f.lower().split(": ", 1) for f in fields), rest


def bearer(running: Running) -> str:
    return f"Authorization: Bearer {running.token}"


@pytest.fixture
def inviting(paths: Paths) -> Iterator[Running]:
    any_port(paths, f'allowed_origins = ["{PAGE}"]\n')
    with serving(paths) as running:
        yield running


@pytest.mark.parametrize("stream", [False, True])
def test_a_page_let_in_reads_its_answer(inviting: Running, stream: bool) -> None:
    lines = (f"Origin: {PAGE}", "Sec-Fetch-Site: cross-site", bearer(inviting))
    status, headers, body = ask(inviting, *lines, stream=stream)
    assert status == 200, body
    assert headers["access-control-allow-origin"] == PAGE
    assert headers["vary"] == "origin"
    assert "access-control-allow-credentials" not in headers


def test_a_page_let_in_reads_why_it_is_refused(inviting: Running) -> None:
    status, headers, _ = ask(inviting, f"Origin: {PAGE}")
    assert (status, headers["access-control-allow-origin"]) == (401, PAGE)
    for lines, path in (
        ((f"Origin: {PAGE}", bearer(inviting)), "/galosh/v1/tokenize"),
        (("Origin: https://other.example", bearer(inviting)), "/v1/chat/completions"),
    ):
        status, headers, _ = ask(inviting, *lines, path=path)
        assert status == 403
        assert not any(name.startswith("access-control") for name in headers)
    assert not inviting.supervisor.requests


def test_a_preflight_is_answered_without_work(inviting: Running) -> None:
    asks = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization")
    status, headers, body = ask(inviting, f"Origin: {PAGE}", *asks, method="OPTIONS")
    assert (status, body) == (204, b"")
    assert headers["access-control-allow-headers"] == "authorization"
    assert headers["access-control-allow-methods"] == "get, post"
    status, headers, _ = ask(inviting, "Origin: https://x.example", *asks, method="OPTIONS")
    assert status == 403
    assert not any(name.startswith("access-control") for name in headers)
    assert not inviting.supervisor.requests


def test_the_setting_counts_at_once_and_only_while_it_stands(running: Running) -> None:
    lines = (f"Origin: {PAGE}", bearer(running))
    assert ask(running, *lines)[0] == 403
    assert main(["settings", "set", "api.allowed_origins", PAGE]) == 0
    assert ask(running, *lines)[0] == 200
    assert main(["settings", "set", "api.allowed_origins", ""]) == 0
    assert ask(running, *lines)[0] == 403
    with pytest.raises(GaloshError) as caught:
        running.client.change_setting("api.allowed_origins", ["*"])
    assert caught.value.code == "base-setting-wrong"


def test_a_rotated_token_is_the_only_one(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    old = running.token
    assert ask(running, f"Authorization: Bearer {old}")[0] == 200
    assert main(["token", "rotate"]) == 0
    fresh = running.token
    assert fresh != old
    assert len(bytes.fromhex(fresh)) == 32
    assert ask(running, f"Authorization: Bearer {old}")[0] == 401
    assert ask(running, f"Authorization: Bearer {fresh}")[0] == 200
    assert fresh not in capsys.readouterr().out
    assert main(["token", "show"]) == 0
    assert capsys.readouterr().out.strip() == fresh


def test_a_token_rotated_while_galosh_rests(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "show"]) == 1
    with serving(paths) as first:
        old = first.token
    assert main(["token", "rotate"]) == 0
    with serving(paths) as second:
        assert second.token != old
    capsys.readouterr()


@pytest.mark.parametrize("content", ["", "short", "ab" * 16, "zz zz" * 20, "\0" * 64, "ключ" * 20])
def test_a_token_file_that_holds_no_256_bits_is_made_anew(paths: Paths, content: str) -> None:
    paths.config.mkdir(parents=True)
    paths.token_file.write_text(content, encoding="utf-8")
    paths.token_file.chmod(0o644)
    with serving(paths) as running:
        assert len(bytes.fromhex(running.token)) == 32
        assert paths.token_file.stat().st_mode & 0o077 == 0


def test_a_full_door_drops_those_who_never_passed_the_gate(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorway, "_CONNECTIONS", 20)
    head = f"Host: localhost:{running.port}\r\n{bearer(running)}\r\n\r\n"
    friend = socket.create_connection(("127.0.0.1", running.port), timeout=5)
    friend.sendall(f"GET /galosh/v1/events HTTP/1.1\r\n{head}".encode())
    assert friend.recv(100).startswith(b"HTTP/1.1 200")
    silent = [socket.create_connection(("127.0.0.1", running.port), timeout=5) for _ in range(60)]
    try:
        assert silent[0].recv(1) == b""  # made room for one that came later
        assert ask(running, bearer(running))[0] == 200
        running.client.change_setting("log.level", "debug")
        seen = b""

        def told() -> bool:
            nonlocal seen
            seen += friend.recv(4096)
            return b"settings.changed" in seen

        wait_until(told)
    finally:
        for one in (friend, *silent):
            one.close()
