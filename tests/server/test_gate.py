"""Who may pass: exact hosts, own pages, the token, and nothing open by accident."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.server.gate import Door, Knock, Verdict, is_inference, page_headers

PORT = 11435
TOKEN = "ab" * 32
TCP = Door(PORT, TOKEN)
OPEN = Door(PORT, TOKEN, require_token=False)
UNIX = Door(None, TOKEN)
GOOD = Knock("/v1/models", (f"127.0.0.1:{PORT}",), (), (), (), (f"Bearer {TOKEN}",))


def knock(**changes: object) -> Knock:
    return dataclasses.replace(GOOD, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1:11435", "localhost:11435", "[::1]:11435"])
def test_our_own_names_pass(host: str) -> None:
    assert TCP.judge(knock(host=(host,))) is Verdict.PASS


@pytest.mark.parametrize(
    "host",
    [
        (),
        ("",),
        ("127.0.0.1",),
        ("localhost",),
        ("127.0.0.1:80",),
        ("evil.example:11435",),
        ("127.0.0.1:11435", "127.0.0.1:11435"),
        ("0.0.0.0:11435",),
        ("[::]:11435",),
        ("localhost.:11435",),
        ("LOCALHOST:11435",),
        ("127.0.0.1.:11435",),
        ("127.1:11435",),
        ("2130706433:11435",),
        ("my-pc:11435",),
        ("my-pc.local:11435",),
        ("[::ffff:127.0.0.1]:11435",),
        ("127.0.0.1:11435:11435",),
        ("user@localhost:11435",),
        ("localhost:011435",),
        (" localhost:11435",),
        ("localhost:11435\0",),
        ("galosh:11435",),
        ("[0:0::1]:11435",),
    ],
)
def test_any_other_host_is_forbidden(host: tuple[str, ...]) -> None:
    assert TCP.judge(knock(host=host)) is Verdict.FORBIDDEN
    assert OPEN.judge(knock(host=host)) is Verdict.FORBIDDEN


@given(st.text(max_size=30))
def test_no_text_is_a_host_by_luck(host: str) -> None:
    names = {f"{name}:{PORT}" for name in ("127.0.0.1", "localhost", "[::1]")}
    assert (TCP.judge(knock(host=(host,))) is Verdict.PASS) is (host in names)


@pytest.mark.parametrize(
    ("header", "value", "passes"),
    [
        ("origin", "http://127.0.0.1:11435", True),
        ("origin", "http://localhost:11435", True),
        ("origin", "http://localhost:3000", False),
        ("origin", "https://localhost:11435", False),
        ("origin", "null", False),
        ("origin", "", False),
        ("origin", "http://evil.example", False),
        ("origin", "chrome-extension://abc", False),
        ("origin", "http://localhost:11435.evil.example", False),
        ("referer", "http://localhost:11435/page", True),
        ("referer", "http://localhost:11435", True),
        ("referer", "http://localhost:114350/", False),
        ("referer", "https://evil.example/", False),
        ("fetch_site", "same-origin", True),
        ("fetch_site", "none", True),
        ("fetch_site", "cross-site", False),
        ("fetch_site", "same-site", False),
    ],
)
def test_pages(header: str, value: str, passes: bool) -> None:
    verdict = Verdict.PASS if passes else Verdict.FORBIDDEN
    assert TCP.judge(knock(**{header: (value,)})) is verdict
    assert OPEN.judge(knock(**{header: (value,)})) is verdict
    if not passes:
        on_socket = knock(**{header: (value,), "host": ("localhost",)})
        assert UNIX.judge(on_socket) is Verdict.FORBIDDEN


def test_one_foreign_origin_beside_ours_is_forbidden() -> None:
    both = (f"http://localhost:{PORT}", "http://evil.example")
    assert TCP.judge(knock(origin=both)) is Verdict.FORBIDDEN


@pytest.mark.parametrize(
    "authorization",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        (f"Basic {TOKEN}",),
        (TOKEN,),
        (f"Bearer {TOKEN[:-1]}",),
        (f"Bearer {TOKEN}0",),
        (f"Bearer {TOKEN.upper()}",),
        (f"Bearer {TOKEN}", f"Bearer {TOKEN}"),
        ("Bearer \udcff\udcff",),
        ("Bearer ключ",),
    ],
)
def test_wrong_tokens(authorization: tuple[str, ...]) -> None:
    assert TCP.judge(knock(authorization=authorization)) is Verdict.UNAUTHORIZED


def test_open_inference_never_opens_management() -> None:
    for path in ("/v1/models", "/v1/chat/completions", "/v1/completions"):
        assert OPEN.judge(knock(path=path, authorization=())) is Verdict.PASS
    for path in (
        "/galosh/v1/status",
        "/galosh/v1/models",
        "/galosh/v1/shutdown",
        "/page",
        "/galosh/v1/session",
        "/v1/models/",
        "/v1/../galosh/v1/shutdown",
        "//v1/models",
        "/v1/nothing",
    ):
        assert not is_inference(path)
        assert OPEN.judge(knock(path=path, authorization=())) is Verdict.UNAUTHORIZED


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1", "galosh", "[::1]"])
def test_the_socket_needs_no_token(host: str) -> None:
    assert UNIX.judge(knock(host=(host,), authorization=())) is Verdict.PASS


@pytest.mark.parametrize("host", ["", "evil.example", "localhost:", "localhost:x", "d"])
def test_the_socket_looks_at_the_host_too(host: str) -> None:
    assert UNIX.judge(knock(host=(host,))) is Verdict.FORBIDDEN


PAGE = "https://app.example"
GUEST = dataclasses.replace(
    GOOD, origin=(PAGE,), referer=(f"{PAGE}/",), fetch_site=("cross-site",), method="POST"
)
INVITING = Door(PORT, TOKEN, origins=frozenset({PAGE}))


def test_a_page_let_in_by_a_setting_still_needs_the_token() -> None:
    assert INVITING.judge(GUEST) is Verdict.PASS
    assert INVITING.page_of(GUEST) == PAGE
    without = dataclasses.replace(GUEST, authorization=())
    assert INVITING.judge(without) is Verdict.UNAUTHORIZED
    assert TCP.judge(GUEST) is Verdict.FORBIDDEN


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "/galosh/v1/status"},
        {"path": "/galosh/v1/settings"},
        {"path": "/api/pull"},
        {"path": "/api/delete"},
        {"path": "/"},
        {"origin": ("https://other.example",)},
        {"origin": ("http://app.example",)},
        {"origin": (f"{PAGE}:443",)},
        {"origin": (PAGE, PAGE)},
        {"origin": (PAGE, "https://other.example")},
        {"origin": ()},
        {"origin": ("null",)},
        {"referer": ("https://other.example/",)},
        {"host": (f"app.example:{PORT}",)},
    ],
)
def test_nothing_else_opens_with_it(changes: dict[str, object]) -> None:
    for method in ("POST", "GET", "OPTIONS"):
        knocked = dataclasses.replace(GUEST, method=method, asks_method=("POST",), **changes)  # type: ignore[arg-type]
        assert INVITING.judge(knocked) is Verdict.FORBIDDEN, method


def test_a_browser_may_ask_first() -> None:
    asking = dataclasses.replace(
        GUEST,
        method="OPTIONS",
        authorization=(),
        asks_method=("POST",),
        asks_headers=("authorization,content-type",),
    )
    assert INVITING.judge(asking) is Verdict.PREFLIGHT
    headers = page_headers(PAGE, asking, Verdict.PREFLIGHT)
    assert headers["Access-Control-Allow-Origin"] == PAGE
    assert headers["Access-Control-Allow-Headers"] == "authorization,content-type"
    assert "Access-Control-Allow-Credentials" not in headers
    for methods in ((), ("DELETE",), ("PUT",), ("POST", "DELETE")):
        odd = dataclasses.replace(asking, asks_method=methods)
        assert INVITING.judge(odd) is Verdict.FORBIDDEN
    for names in ("*", "a\r\nx: y", "a," * 70, "", "ключ"):
        odd = dataclasses.replace(asking, asks_headers=(names,))
        assert "Access-Control-Allow-Headers" not in page_headers(PAGE, odd, Verdict.PREFLIGHT)


def test_a_host_let_in_by_a_setting_is_no_page_of_ours() -> None:
    door = Door(PORT, TOKEN, hosts=frozenset({"host.docker.internal"}))
    inside = knock(host=(f"host.docker.internal:{PORT}",))
    assert door.judge(inside) is Verdict.PASS
    assert door.judge(dataclasses.replace(inside, authorization=())) is Verdict.UNAUTHORIZED
    page = dataclasses.replace(inside, origin=(f"http://host.docker.internal:{PORT}",))
    assert door.judge(page) is Verdict.FORBIDDEN
    for host in ("host.docker.internal", "x.host.docker.internal:11435", "localhost"):
        assert door.judge(knock(host=(host,))) is Verdict.FORBIDDEN
