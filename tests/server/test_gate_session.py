"""The page's session at the gate: both halves, from the page's own origin, or nothing."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.server.gate import SESSION, Door, Knock, Verdict, seal

PORT = 11435
TOKEN = "ab" * 32
COOKIE, KEY = "c" * 43, "k" * 43
MARK = seal(TOKEN, COOKIE, KEY)
DOOR = Door(PORT, TOKEN, sessions={MARK})
HOST = f"127.0.0.1:{PORT}"
OWN = f"http://{HOST}"
BOTH = Knock(
    "/galosh/v1/settings",
    (HOST,),
    (OWN,),
    (),
    ("same-origin",),
    (),
    "PUT",
    cookie=(f"galosh_session={COOKIE}",),
    page_key=(KEY,),
)


def both(**changes: object) -> Knock:
    return dataclasses.replace(BOTH, **changes)  # type: ignore[arg-type]


def test_both_halves_count_as_the_token_management_included() -> None:
    for path in ("/v1/models", "/galosh/v1/shutdown", "/api/delete", "/nowhere"):
        assert DOOR.judge(both(path=path)) is Verdict.PASS
    assert DOOR.session_of(BOTH) == MARK


def test_old_browsers_name_no_origin_when_they_read() -> None:
    assert DOOR.judge(both(origin=(), fetch_site=(), method="GET")) is Verdict.PASS


@pytest.mark.parametrize(
    "changes",
    [
        {"page_key": ()},
        {"cookie": ()},
        {"page_key": (COOKIE,), "cookie": (f"galosh_session={KEY}",)},
        {"page_key": (KEY, KEY)},
        {"page_key": (KEY[:-1],)},
        {"page_key": ("",), "cookie": ("galosh_session=",)},
        {"cookie": (f"galosh_session={COOKIE}x",)},
        {"cookie": (f"other={COOKIE}",)},
        {"cookie": (f"xgalosh_session={COOKIE}",)},
        {"cookie": (COOKIE,)},
        {"page_key": (), "authorization": (f"Bearer {KEY}",)},
        {"page_key": (), "api_key": (KEY,)},
        {"page_key": (MARK,), "cookie": (f"galosh_session={MARK}",)},
        {"fetch_site": ("none",)},
        {"page_key": ("ключ\udcff",)},
    ],
)
def test_anything_less_is_nothing(changes: dict[str, object]) -> None:
    assert DOOR.judge(both(**changes)) is Verdict.UNAUTHORIZED


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": ("http://127.0.0.1:8080",)},
        {"origin": ("https://127.0.0.1:11435",)},
        {"origin": ("http://evil.example",)},
        {"origin": ("null",)},
        {"origin": (OWN, "http://evil.example")},
        {"fetch_site": ("same-site",)},  # another port of this address
        {"fetch_site": ("cross-site",)},
        {"host": (f"evil.example:{PORT}",)},
        {"host": ("127.0.0.1:8080",)},
        {"referer": ("http://127.0.0.1:8080/",)},
        {"method": "OPTIONS", "origin": ("http://127.0.0.1:8080",), "asks_method": ("PUT",)},
    ],
)
def test_no_other_origin_may_use_it(changes: dict[str, object]) -> None:
    for path in ("/galosh/v1/settings", "/v1/models", SESSION, "/", "/page/page.js"):
        assert DOOR.judge(both(path=path, **changes)) is Verdict.FORBIDDEN


def test_our_other_names_are_other_origins() -> None:
    """localhost is ours, but what the browser keeps for 127.0.0.1 is not shown to it."""
    mixed = both(host=(f"localhost:{PORT}",))
    assert DOOR.session_of(mixed) is None
    assert DOOR.judge(mixed) is Verdict.UNAUTHORIZED


def test_neither_guests_nor_other_names_of_this_port_have_a_session() -> None:
    page = "https://app.example"
    door = dataclasses.replace(
        DOOR, origins=frozenset({page}), hosts=frozenset({"host.docker.internal"})
    )
    guest = both(origin=(page,), fetch_site=("cross-site",), path="/v1/models", method="GET")
    assert door.judge(guest) is Verdict.UNAUTHORIZED
    assert door.judge(both(path="/galosh/v1/settings", origin=(page,))) is Verdict.FORBIDDEN
    inside = both(host=(f"host.docker.internal:{PORT}",), origin=(), fetch_site=())
    assert door.judge(inside) is Verdict.UNAUTHORIZED
    trade = both(host=(f"host.docker.internal:{PORT}",), origin=(), path=SESSION, method="POST")
    assert door.judge(trade) is Verdict.FORBIDDEN


def test_another_token_ends_every_session() -> None:
    assert dataclasses.replace(DOOR, token="cd" * 32).session_of(BOTH) is None


def test_a_cookie_that_another_port_set_beside_ours_locks_nobody_out() -> None:
    planted = "galosh_session=planted; x=y; "
    assert DOOR.judge(both(cookie=(planted + f"galosh_session={COOKIE}",))) is Verdict.PASS
    flood = "; ".join(["galosh_session=planted"] * 50 + [f"galosh_session={COOKIE}"])
    assert DOOR.judge(both(cookie=(flood,))) is Verdict.UNAUTHORIZED


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_two_texts_are_a_session_by_luck(cookie: str, key: str) -> None:
    shown = both(cookie=(f"galosh_session={cookie}",), page_key=(key,))
    assert DOOR.session_of(shown) is None


def test_the_page_itself_needs_no_token_but_our_name() -> None:
    plain = Knock("/", (HOST,), (), (), ("none",), ())
    for path in ("/", "/page/page.js", "/page/..", "/page/"):
        assert DOOR.judge(dataclasses.replace(plain, path=path)) is Verdict.PASS
    for path in ("/page", "/pages/x", "//", "/page.js", "/galosh/v1/page/x"):
        assert DOOR.judge(dataclasses.replace(plain, path=path)) is Verdict.UNAUTHORIZED
    linked = dataclasses.replace(plain, fetch_site=("cross-site",))
    assert DOOR.judge(linked) is Verdict.FORBIDDEN


def test_a_code_is_traded_by_our_own_page_only() -> None:
    trade = both(path=SESSION, method="POST", cookie=(), page_key=())
    assert DOOR.judge(trade) is Verdict.PASS
    assert DOOR.judge(dataclasses.replace(trade, origin=())) is Verdict.FORBIDDEN
    assert DOOR.judge(dataclasses.replace(trade, origin=(OWN, OWN))) is Verdict.FORBIDDEN
    other = dataclasses.replace(trade, origin=(f"http://localhost:{PORT}",))
    assert DOOR.judge(other) is Verdict.FORBIDDEN
    for method in ("GET", "DELETE", "PUT"):
        assert DOOR.judge(dataclasses.replace(trade, method=method)) is Verdict.UNAUTHORIZED
