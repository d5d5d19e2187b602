"""The gate against a small oracle, and the named lies one by one."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from galosh.download.gate import Ask, Grant, Refusal, Reply, head_fits, judge

TOTAL = 1000
ASK = Ask(100, 200, ranged=True, total_bytes=TOTAL, etag='"v1"', lead_max_bytes=64)
WHOLE = Ask(0, None, ranged=False, total_bytes=TOTAL)
GOOD = {"content-range": "bytes 100-199/1000", "content-length": "100", "etag": '"v1"'}

statuses = st.sampled_from([200, 206, 206, 206, 204, 301, 400, 403, 404, 416, 429, 500, 503])
headers = st.fixed_dictionaries(
    {},
    optional={
        "content-range": st.one_of(
            st.builds(
                "bytes {}-{}/{}".format,
                st.sampled_from([0, 35, 36, 99, 100, 101, 200]),
                st.sampled_from([99, 150, 199, 200, 999, 1000]),
                st.sampled_from(["1000", "999", "*", "200"]),
            ),
            st.sampled_from(["bytes */1000", "", "items 100-199/1000", "bytes 100-199"]),
        ),
        "content-length": st.sampled_from(["100", "1000", "99", "0", "x", "-5"]),
        "content-encoding": st.sampled_from(["", "identity", "gzip", "br"]),
        "transfer-encoding": st.sampled_from(["", "chunked", "gzip, chunked"]),
        "content-type": st.sampled_from(
            ["application/octet-stream", "text/html; charset=utf-8", "multipart/byteranges"]
        ),
        "etag": st.sampled_from(['"v1"', '"v2"', 'W/"v2"', ""]),
    },
)


def oracle(ask: Ask, status: int, facts: dict[str, str]) -> tuple[int, int] | None:
    """(bytes to skip, bytes to take) if and only if every rule holds. Written apart from
    the gate, from the list in the design."""
    if facts.get("content-encoding", "") not in ("", "identity"):
        return None
    if facts.get("transfer-encoding", "") not in ("", "chunked"):
        return None
    if facts.get("content-type", "").startswith(("text/html", "multipart")):
        return None
    tag = facts.get("etag", "")
    if ask.etag and tag.startswith('"') and tag != ask.etag:
        return None
    if not ask.ranged:
        length = facts.get("content-length", "")
        chunked = facts.get("transfer-encoding", "") == "chunked"
        fits = chunked or not length.isdigit() or int(length) == TOTAL
        return (0, TOTAL) if status == 200 and fits else None
    if status != 206:
        return None
    try:
        unit, _, rest = facts.get("content-range", "").partition(" ")
        span, total = rest.split("/")
        first, last = (int(number) for number in span.split("-"))
        right_file = unit == "bytes" and int(total) == TOTAL
    except ValueError:
        return None
    assert ask.end is not None
    in_place = ask.start - ask.lead_max_bytes <= first <= ask.start <= last < ask.end
    return (ask.start - first, last + 1 - ask.start) if right_file and in_place else None


@settings(max_examples=600)
@given(st.sampled_from([ASK, WHOLE]), statuses, headers)
@example(ASK, 206, GOOD)
@example(WHOLE, 200, {"content-length": "1000"})
def test_the_gate_agrees_with_the_oracle(ask: Ask, status: int, facts: dict[str, str]) -> None:
    verdict = judge(ask, Reply(status, facts))
    wanted = oracle(ask, status, facts)
    if wanted is None:
        assert isinstance(verdict, Refusal)
    else:
        assert isinstance(verdict, Grant)
        assert (verdict.skip_bytes, verdict.take_bytes) == wanted


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"content-range": "bytes 101-199/1000"}, Refusal.WRONG_START),
        ({"content-range": "bytes 35-199/1000"}, Refusal.WRONG_START),
        ({"content-range": "bytes 100-200/1000"}, Refusal.WRONG_END),
        ({"content-range": "bytes 100-199/1001"}, Refusal.WRONG_TOTAL),
        ({"content-range": "bytes 100-199/*"}, Refusal.RANGE_UNSTATED),
        ({"content-range": ""}, Refusal.RANGE_UNSTATED),
        ({"content-encoding": "gzip"}, Refusal.ENCODED),
        ({"content-type": "text/html"}, Refusal.WEB_PAGE),
        ({"etag": '"v2"'}, Refusal.CHANGED),
    ],
)
def test_each_lie_has_its_name(change: dict[str, str], refusal: Refusal) -> None:
    assert judge(ASK, Reply(206, {**GOOD, **change})) is refusal


@pytest.mark.parametrize(
    ("status", "facts", "refusal"),
    [
        (200, {"content-length": "1000"}, Refusal.RANGE_IGNORED),
        (200, {"content-length": "1000", "etag": '"v2"'}, Refusal.CHANGED),
        (200, {"content-length": "20"}, Refusal.SIZE_DIFFERS),
        (416, {"content-range": "bytes */1000"}, Refusal.UNSATISFIABLE),
        (416, {"content-range": "bytes */900"}, Refusal.UNSATISFIABLE_OTHER_SIZE),
        (407, {}, Refusal.PROXY_PASSWORD),
        (429, {}, Refusal.TOO_MANY),
        (503, {}, Refusal.BUSY),
        (302, {}, Refusal.ODD_STATUS),
    ],
)
def test_other_statuses(status: int, facts: dict[str, str], refusal: Refusal) -> None:
    assert judge(ASK, Reply(status, facts)) is refusal


def test_a_lying_length_is_not_believed_either_way() -> None:
    for length in ("7", "5000"):
        verdict = judge(ASK, Reply(206, {**GOOD, "content-length": length}))
        assert isinstance(verdict, Grant)
        assert verdict.take_bytes == 100


def test_an_earlier_start_is_granted_and_its_lead_dropped() -> None:
    verdict = judge(ASK, Reply(206, {"content-range": "bytes 64-199/1000"}))
    assert verdict == Grant(36, 100, 1000, None)


def test_heads() -> None:
    assert head_fits("gguf", b"GGUF\x03\0\0\0")
    assert not head_fits("gguf", b"<!DOCTYPE html>")
    assert head_fits("zip", b"PK\x03\x04")
    assert not head_fits("zip", b"GGUF")
    assert not head_fits("any", b"\n<html><head>")
    assert head_fits("any", b"anything else")
