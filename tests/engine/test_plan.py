"""The order of candidates, and what earlier failures do to it."""

from __future__ import annotations

from galosh.engine.levels import ladder
from galosh.engine.plan import CachedWheel, Failure, Gpu, Host, Plan, Tools, missing_sets, plan
from tests.engine.machines import HASWELL, NEHALEM, SANDY_BRIDGE, SAPPHIRE_RAPIDS

GCC = Tools(compiler="gcc 12")
NONE = Tools(compiler=None)


def host(flags: frozenset[str] | None, *gpus: Gpu, system: str = "linux") -> Host:
    return Host(system, "x86_64", flags, gpus)


def names(found: Plan) -> list[str]:
    return [candidate.name for candidate in found.candidates]


def native_needs(flags: frozenset[str]) -> frozenset[str]:
    return ladder("x86_64", flags)[0].requires


def test_a_haswell_with_a_compiler_gets_prebuilt_then_native_then_narrower() -> None:
    assert names(plan(host(HASWELL), GCC)) == [
        "prebuilt-cpu",
        "source-cc-native", "source-cc-avx2", "source-cc-avx", "source-cc-baseline",
        "source-cc-plain",
        "source-zig-native", "source-zig-avx2", "source-zig-avx", "source-zig-baseline",
        "source-zig-plain",
    ]  # fmt: skip


def test_without_a_compiler_zig_builds_it() -> None:
    found = plan(host(NEHALEM), NONE)
    assert names(found) == ["source-zig-native", "source-zig-baseline", "source-zig-plain"]
    reasons = {refusal.way: refusal.reason for refusal in found.refusals}
    assert reasons["source-cc"] == "no-compiler"
    assert reasons["prebuilt"] == "the processor lacks avx, avx2, bmi2, f16c, fma"


def test_a_crash_of_the_native_build_on_a_chip_with_amx_leads_to_the_build_without_amx() -> None:
    for cause in ("segmentation-fault", "illegal-instruction", "abort", "garbage", "timeout"):
        crashed = Failure("source-cc-native", cause)
        unavailable = Failure("prebuilt-cpu", "not-available")
        found = plan(host(SAPPHIRE_RAPIDS), GCC, [unavailable, crashed])
        assert names(found)[0] == "source-cc-no-amx"
        assert "source-zig-native" not in names(found), "the same code would crash again"


def test_a_compiler_that_fails_hands_over_to_zig_at_the_same_level() -> None:
    failures = [
        Failure("prebuilt-cpu", "not-available"),
        Failure("source-cc-native", "build-failed"),
    ]
    assert names(plan(host(HASWELL), GCC, failures))[0] == "source-zig-native"


def test_a_missing_library_is_the_fault_of_that_way_only() -> None:
    failures = [Failure("source-cc-native", "import-error")]
    found = names(plan(host(HASWELL), GCC, failures))
    assert found[:2] == ["prebuilt-cpu", "source-zig-native"]


def test_a_crashed_prebuilt_wheel_says_nothing_about_our_own_builds() -> None:
    failures = [Failure("prebuilt-cpu", "illegal-instruction")]
    assert names(plan(host(HASWELL), GCC, failures))[0] == "source-cc-native"


def test_nothing_is_left_when_everything_failed() -> None:
    failures = [
        Failure("prebuilt-cpu", "not-available"),
        Failure("source-cc-plain", "segmentation-fault"),
    ]
    assert plan(host(HASWELL), GCC, failures).candidates == ()
    assert missing_sets(host(NEHALEM), failures) == "avx, avx2, fma, f16c"
    assert missing_sets(host(HASWELL), failures) == "not-available, segmentation-fault"


def test_the_cache_comes_first_and_only_with_what_fits() -> None:
    mine = CachedWheel("a", "source-zig-native", native_needs(HASWELL))
    other = CachedWheel("b", "source-cc-native", native_needs(SANDY_BRIDGE))
    wide = CachedWheel("c", "source-cc-native", native_needs(SAPPHIRE_RAPIDS))
    found = plan(host(HASWELL), GCC, cached=[other, wide, mine])
    assert found.candidates[0].way == "cached"
    assert found.candidates[0].wheel_key == "a"
    assert [c.way for c in found.candidates].count("cached") == 1


def test_a_narrow_wheel_left_over_does_not_stop_a_better_build() -> None:
    left = CachedWheel("a", "source-cc-baseline", frozenset({"sse4_2"}))
    assert "cached" not in [c.way for c in plan(host(HASWELL), GCC, cached=[left]).candidates]
    crashed = [Failure("source-cc-avx", "illegal-instruction")]
    found = plan(host(HASWELL), GCC, crashed, [left])
    assert found.candidates[0].wheel_key == "a"


def test_a_cached_wheel_that_crashed_is_not_taken_again() -> None:
    mine = CachedWheel("a", "source-cc-native", native_needs(HASWELL))
    failures = [Failure("source-cc-native", "garbage")]
    assert "cached" not in [c.way for c in plan(host(HASWELL), GCC, failures, [mine]).candidates]


def test_gpu_indexes_only_where_a_gpu_was_found() -> None:
    card = Gpu("nvidia", "580.12", integrated=False)
    found = names(plan(host(HASWELL, card), NONE))
    assert found[:3] == ["prebuilt-cu130", "prebuilt-vulkan", "prebuilt-cpu"]
    old = Gpu("nvidia", "535.1", integrated=False)
    assert names(plan(host(HASWELL, old), NONE))[0] == "prebuilt-cu125"
    inside = Gpu("intel", None, integrated=True)
    assert names(plan(host(HASWELL, inside), NONE))[0] == "prebuilt-cpu"


def test_apple_silicon_gets_metal() -> None:
    mac = Host("darwin", "arm64", frozenset({"asimd"}))
    assert names(plan(mac, NONE)) == [
        "prebuilt-metal", "prebuilt-cpu", "source-zig-native", "source-zig-baseline",
    ]  # fmt: skip


def test_unknown_flags_leave_out_what_cannot_be_checked() -> None:
    found = plan(host(None), NONE)
    assert not [c for c in found.candidates if c.way == "prebuilt"]
    assert names(found)[0] == "source-zig-native"
