"""The small pure rules: back-off, signatures, space, speed, repair, plan, supply, states."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.base.errors import GaloshError
from galosh.base.messages.download import ERRORS, TEXTS
from galosh.download import repair
from galosh.download.backoff import Backoff, wish_seconds
from galosh.download.gate import Refusal
from galosh.download.journal import Done, Flag, session
from galosh.download.limits import GIB, MIB, Limits
from galosh.download.plan import ByteSource, Plan, check_plan, is_private_url, public_url
from galosh.download.repair import Step
from galosh.download.signature import expiry_seconds
from galosh.download.space import Room, missing_bytes, too_large_for
from galosh.download.speed import Speed, Throttle, eta_seconds
from galosh.download.state import CAUSES, Evidence, State, Wait, derive_state
from galosh.download.supply import Supply
from galosh.download.trouble import Action, Kind, Trouble, react

LIMITS = Limits()
URL = "https://hub.example/a/b.gguf"


def plan(*sources: ByteSource, **facts: object) -> Plan:
    given: dict[str, object] = {
        "file_name": "b.gguf", "size_bytes": 1000, "sha256": "0" * 64, "authority": "hub",
        "sources": sources or (ByteSource(URL),), "origin": URL,
    }  # fmt: skip
    return Plan(**{**given, **facts})  # type: ignore[arg-type]


# Back-off.


@given(st.lists(st.floats(0, 0.999), min_size=1, max_size=40))
def test_waits_stay_below_a_ceiling_that_doubles(chances: list[float]) -> None:
    backoff = Backoff(LIMITS)
    for step, chance in enumerate(chances):
        assert backoff.fail(0, chance) <= min(60.0, 2.0**step)


def test_a_try_that_moved_enough_is_followed_at_once() -> None:
    backoff = Backoff(LIMITS)
    backoff.fail(0, 0.9)
    assert backoff.fail(MIB, 0.9) == 0.0
    assert backoff.fruitless == 0


@pytest.mark.parametrize(
    ("headers", "status", "seconds"),
    [
        ({"retry-after": "17"}, 429, 17.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, 503, 20.0),
        ({"ratelimit": '"resolve";r=0;t=55'}, 429, 55.0),
        ({"ratelimit": '"resolve";r=3;t=55'}, 429, None),
        ({"ratelimit": '"resolve";r=0;t=55'}, 503, None),
        ({"retry-after": "soon"}, 429, None),
        ({}, 429, None),
    ],
)
def test_what_a_server_asks_for(
    headers: dict[str, str], status: int, seconds: float | None
) -> None:
    assert wish_seconds(headers, status, 100.0) == seconds


# Signatures.


@pytest.mark.parametrize(
    ("query", "expiry"),
    [
        ("Expires=1700000000&Signature=x", 1700000000.0),
        ("X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-Signature=x", 1767229200.0),
        ("X-Goog-Date=20260101T000000Z&X-Goog-Expires=60", 1767225660.0),
        ("se=2026-01-01T00:00:00Z&sig=x", 1767225600.0),
        ("Expires=never", None),
        ("", None),
    ],
)
def test_when_a_signed_link_ends(query: str, expiry: float | None) -> None:
    assert expiry_seconds(f"https://cdn.example/x?{query}") == expiry


# Plans.


def test_a_plan_comes_back_from_its_json_without_its_token() -> None:
    source = ByteSource(URL, "hub", '"e"', (10, 900), 5000, token="hf_secret")
    one = plan(source, commit="c", expects="gguf")
    text = json.dumps(one.to_json())
    assert "hf_secret" not in text
    assert "hf_secret" not in repr(one)
    assert Plan.from_json(json.loads(text)) == one


def test_no_signature_or_password_reaches_the_disk() -> None:
    url = "https://me:pw@cdn.example/x.gguf?download=true&X-Amz-Signature=abc&sig=d#f"
    one = plan(ByteSource(url), origin=url, sha256=None)
    text = json.dumps(one.to_json())
    assert not {"pw", "abc", "sig=d"} & set(text.replace("&", " ").replace("=", " ").split())
    assert public_url(url) == "https://cdn.example/x.gguf?download=true"
    assert is_private_url(url)
    assert not is_private_url(URL + "?download=true")


@pytest.mark.parametrize("broken", ["{}", '{"format": 9}', "[]", '"x"', "3"])
def test_what_is_no_plan_is_refused(broken: str) -> None:
    with pytest.raises(ValueError):
        Plan.from_json(json.loads(broken))


def test_the_key_is_the_hash_or_the_place() -> None:
    assert plan().key == "0" * 64
    one = plan(sha256=None)
    assert one.key == replace(one, size_bytes=7).key
    assert one.key != plan(ByteSource(URL + "2"), sha256=None).key


def test_a_member_that_cannot_be_the_file_is_refused_before_the_first_byte() -> None:
    with pytest.raises(GaloshError) as caught:
        check_plan(plan(ByteSource(URL, member=(10, 1001))))
    assert caught.value.code == "download-sources-disagree"
    with pytest.raises(GaloshError) as caught:
        check_plan(plan(sources=()))
    assert caught.value.code == "download-plan-empty"


# Space.


def test_room_counts_margin_and_other_downloads() -> None:
    room = Room(10 * GIB, 100 * GIB, "ext4", 0, 0)
    assert missing_bytes(8 * GIB, room, LIMITS) == 0
    assert missing_bytes(8 * GIB, replace(room, promised_bytes=2 * GIB), LIMITS) > 0
    assert missing_bytes(9 * GIB + 1, room, LIMITS) > 0
    assert missing_bytes(9 * GIB + 1, replace(room, held_bytes=9 * GIB + 1), LIMITS) == 0
    assert missing_bytes(9 * GIB, replace(room, free_bytes=None), LIMITS) == 0


def test_fat32_holds_no_file_of_4_gib() -> None:
    assert too_large_for("vfat", 4 * GIB) == 4 * GIB - 1
    assert too_large_for("vfat", 4 * GIB - 1) is None
    assert too_large_for("exfat", 40 * GIB) is None
    assert too_large_for(None, 40 * GIB) is None


# Speed.


def test_speed_decays_to_zero_in_silence() -> None:
    speed = Speed(3.0)
    for second in range(5):
        speed.add(float(second), second * 1000)
    assert speed.per_second() == pytest.approx(1000.0)
    for tick in range(1, 16):
        speed.add(4.0 + tick * 0.25, 4000)
    assert speed.per_second() == 0.0
    assert eta_seconds(1000, 0.0) is None
    assert eta_seconds(1000, 100.0) == 10.0


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=50))
def test_a_throttle_never_lets_more_through_than_its_rate(steps: list[int]) -> None:
    now, throttle = 0.0, Throttle(10_000, 0.0)
    for step in steps:
        now += throttle.delay_seconds(step, now)
    assert sum(steps) / 10_000 <= now + 0.2501


# Repair.


def test_repair_takes_each_step_once_and_ends() -> None:
    tried: set[Step] = set()
    order = []
    while Step.QUARANTINE not in tried:
        step = repair.next_step(frozenset(tried), 3, True)
        order.append(step)
        tried.add(step)
    assert order == [Step.REREAD, Step.REFETCH_SUSPECTS, Step.COMPARE, Step.QUARANTINE]
    assert repair.next_step(frozenset({Step.REREAD}), 0, False) is Step.QUARANTINE


def test_suspects_are_joined_chunks_and_those_of_an_odd_session() -> None:
    sessions = [session(0, 5, 9, 0), session(0, 6, 9, 0)]
    chunks = {n: Done(10, 1, 0, Flag.NONE, n) for n in range(5)}
    chunks[1] = Done(10, 1, 0, Flag.JOINED, 1)
    chunks[4] = Done(10, 1, 1, Flag.NONE, 4)
    assert repair.suspects(chunks, sessions) == [1, 4]


# Troubles.


def refused(refusal: Refusal, **facts: object) -> Trouble:
    return Trouble(Kind.REFUSED, "h", refusal, 403, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trouble", "action", "cause"),
    [
        (Trouble(Kind.NETWORK, "h"), Action.RETRY, "download-no-network"),
        (Trouble(Kind.CONNECT, "h"), Action.RETRY, "download-host-unreachable"),
        (Trouble(Kind.PROXY_PASSWORD, "h"), Action.STOP, "download-proxy-password"),
        (Trouble(Kind.TLS, "h"), Action.RETRY, "download-tls-untrusted"),
        (refused(Refusal.FORBIDDEN, at_origin=False, fresh=False), Action.RENEW,
         "download-renewal-refused"),
        (refused(Refusal.FORBIDDEN, at_origin=False, fresh=True), Action.STRIKE,
         "download-renewal-refused"),
        (refused(Refusal.FORBIDDEN, hub=True), Action.DROP, "download-access-denied"),
        (refused(Refusal.FORBIDDEN), Action.DROP, "download-refused"),
        (refused(Refusal.UNAUTHORIZED), Action.DROP, "download-needs-token"),
        (refused(Refusal.UNAUTHORIZED, has_token=True), Action.DROP, "download-token-denied"),
        (refused(Refusal.UNAUTHORIZED, error_code="GatedRepo"), Action.DROP,
         "download-licence"),
        (refused(Refusal.TOO_MANY, wish_seconds=9.0), Action.HOLD, "download-rate-held"),
        (refused(Refusal.BUSY), Action.RETRY, "download-server-down"),
        (refused(Refusal.WEB_PAGE), Action.RETRY, "download-sign-in"),
        (refused(Refusal.WEB_PAGE, secure=True), Action.STRIKE, "download-page-instead"),
        (refused(Refusal.CHANGED), Action.CHANGED, "download-remote-changed"),
        (refused(Refusal.RANGE_IGNORED), Action.WHOLE, "download-no-resume"),
        (refused(Refusal.WRONG_START), Action.STRIKE, "download-source-wrong"),
    ],
)  # fmt: skip
def test_reactions(trouble: Trouble, action: Action, cause: str) -> None:
    reaction = react(trouble)
    assert (reaction.action, reaction.cause) == (action, cause)


def test_every_refusal_and_kind_has_a_reaction_with_sentences() -> None:
    troubles = [Trouble(kind, "h") for kind in Kind]
    troubles += [refused(refusal) for refusal in Refusal]
    for trouble in troubles:
        assert react(trouble).cause in ERRORS


# Supply.


def test_sources_are_used_in_order_and_passed_over_while_held_or_failing() -> None:
    supply = Supply(plan(ByteSource("https://a/x"), ByteSource("https://b/x")), LIMITS)

    def index() -> int | None:
        choice = supply.pick(0, 0.0)
        return None if choice is None else choice.index

    assert index() == 0
    supply.hold("a", "download-rate-held", {}, 50.0)
    assert index() == 1
    supply.hold("b", "download-rate-held", {}, 70.0)
    choice = supply.pick(0, 10.0)
    assert choice is not None
    assert (choice.index, choice.wait_seconds) == (0, 40.0)
    assert not supply.strike(0, "download-source-wrong", {})
    assert not supply.strike(0, "download-source-wrong", {})
    assert supply.strike(0, "download-source-wrong", {"host": "a"})
    assert index() == 1
    supply.drop(1, "download-not-found", {"host": "b"})
    assert index() is None
    assert supply.verdict(0) == ("download-source-wrong", {"host": "a"})


def test_sources_that_carry_parts_of_the_file() -> None:
    parts = (
        ByteSource("https://a/1", member=(50, 600), at=0),
        ByteSource("https://a/2", member=(70, 400), at=600),
    )
    supply = Supply(plan(*parts), LIMITS)
    choices = [supply.pick(position, 0.0) for position in (0, 599, 600, 999)]
    assert [choice.index for choice in choices if choice] == [0, 0, 1, 1]
    assert supply.pick(1000, 0.0) is None


def test_an_independent_source_is_on_another_host() -> None:
    sources = [ByteSource(f"https://{host}/x") for host in ("a", "a", "b")]
    supply = Supply(plan(*sources), LIMITS)
    assert supply.independent({0}) == 2
    assert supply.independent({0, 2}) is None


# States.


def test_states_follow_from_files() -> None:
    idle = Evidence(True, False, False, False, False, False, State.WAITING_RATE)
    assert derive_state(idle) is State.NEW
    assert derive_state(replace(idle, held=True)) is State.WAITING_RATE
    assert derive_state(replace(idle, paused=True)) is State.PAUSED
    assert derive_state(replace(idle, problem=True)) is State.NEEDS_USER
    assert derive_state(replace(idle, quarantined=True, problem=True)) is State.QUARANTINED
    assert derive_state(replace(idle, all_chunks=True)) is State.VERIFYING


def test_every_state_and_cause_has_words() -> None:
    assert {f"download.state.{state.value}" for state in State} <= set(TEXTS)
    assert {cause for cause in CAUSES if cause} <= set(ERRORS)
    wait = Wait("download-rate-held", 12.0, {"host": "hub.example", "status": 429})
    assert wait.state is State.WAITING_RATE
    assert "12 s" in str(wait.error())
    assert "?" not in str(wait.error())
