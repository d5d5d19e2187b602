"""Which instruction-set levels a processor is offered, and the options that make them."""

from __future__ import annotations

import pytest

from galosh.engine.levels import ladder, level_named, missing_for_prebuilt, old_numpy_needed
from tests.engine.machines import CORE_2, HASWELL, NEHALEM, SANDY_BRIDGE, SAPPHIRE_RAPIDS

X86 = "x86_64"


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (SAPPHIRE_RAPIDS, ["native", "no-amx", "avx2", "avx", "baseline", "plain"]),
        (HASWELL, ["native", "avx2", "avx", "baseline", "plain"]),
        (SANDY_BRIDGE, ["native", "avx", "baseline", "plain"]),
        (NEHALEM, ["native", "baseline", "plain"]),
        (CORE_2, ["native", "plain"]),
        (None, ["native", "avx2", "avx", "baseline", "plain"]),
    ],
)
def test_no_level_above_the_processor(flags: frozenset[str] | None, names: list[str]) -> None:
    assert [level.name for level in ladder(X86, flags)] == names


@pytest.mark.parametrize("flags", [SAPPHIRE_RAPIDS, HASWELL, SANDY_BRIDGE, NEHALEM, CORE_2])
def test_every_offered_level_needs_only_what_is_there(flags: frozenset[str]) -> None:
    assert all(level.requires <= flags for level in ladder(X86, flags))


def test_no_amx_keeps_everything_but_amx() -> None:
    level = level_named("no-amx", X86, SAPPHIRE_RAPIDS)
    assert level is not None
    defines = level.defines(X86)
    assert {name for name, value in defines.items() if value == "OFF"} == {
        "GGML_NATIVE", "GGML_AMX_TILE", "GGML_AMX_INT8", "GGML_AMX_BF16",
    }  # fmt: skip


def test_every_level_names_every_option_so_that_cmake_forgets_the_last_one() -> None:
    keys = {tuple(level.defines(X86)) for level in ladder(X86, SAPPHIRE_RAPIDS)}
    assert len(keys) == 1


def test_narrow_levels_switch_wide_options_off() -> None:
    level = level_named("avx", X86, HASWELL)
    assert level is not None
    defines = level.defines(X86)
    assert defines["GGML_AVX"] == defines["GGML_SSE42"] == "ON"
    assert defines["GGML_AVX2"] == defines["GGML_NATIVE"] == defines["GGML_F16C"] == "OFF"


def test_arm_has_native_and_baseline() -> None:
    levels = ladder("arm64", frozenset({"asimd", "asimddp"}))
    assert [level.name for level in levels] == ["native", "baseline"]
    assert levels[1].defines("arm64") == {"GGML_NATIVE": "OFF"}


def test_prebuilt_wheels_need_haswell() -> None:
    assert missing_for_prebuilt(X86, HASWELL) == ()
    assert missing_for_prebuilt(X86, SANDY_BRIDGE) == ("avx2", "bmi2", "f16c", "fma")
    assert missing_for_prebuilt("arm64", frozenset()) == ()


def test_old_processors_get_an_old_numpy() -> None:
    assert old_numpy_needed(X86, CORE_2)
    assert not old_numpy_needed(X86, NEHALEM)
    assert not old_numpy_needed("arm64", frozenset())
    assert not old_numpy_needed(X86, None)
