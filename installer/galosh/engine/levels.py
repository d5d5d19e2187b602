"""Instruction-set levels an engine can be compiled for, widest first. Pure.

A level says which processor flags it needs (Linux names, as in /proc/cpuinfo) and which
options make llama.cpp's build use exactly those. The option names are ggml's own
(vendor/llama.cpp/ggml/CMakeLists.txt). Every option is always given: the build folder is
kept between levels, and CMake remembers what an earlier level switched on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NATIVE = "native"
NO_AMX = "no-amx"

# ggml option -> the processor flags its code uses.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "GGML_SSE42": ("sse4_2", "popcnt", "ssse3"),
    "GGML_AVX": ("avx",),
    "GGML_F16C": ("f16c",),
    "GGML_FMA": ("fma",),
    "GGML_BMI2": ("bmi2",),
    "GGML_AVX2": ("avx2",),
    "GGML_AVX_VNNI": ("avx_vnni",),
    "GGML_AVX512": ("avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw"),
    "GGML_AVX512_VBMI": ("avx512vbmi",),
    "GGML_AVX512_VNNI": ("avx512_vnni",),
    "GGML_AVX512_BF16": ("avx512_bf16",),
    "GGML_AMX_TILE": ("amx_tile",),
    "GGML_AMX_INT8": ("amx_int8",),
    "GGML_AMX_BF16": ("amx_bf16",),
}
_AMX_OPTIONS = ("GGML_AMX_TILE", "GGML_AMX_INT8", "GGML_AMX_BF16")
_V3_OPTIONS = ("GGML_SSE42", "GGML_AVX", "GGML_F16C", "GGML_FMA", "GGML_BMI2", "GGML_AVX2")

# What a compiler may use when it is told to build for "this processor": all flags that
# name instructions an ordinary program can run. A native wheel needs every one of these
# that its builder had.
_INSTRUCTION_FLAGS = frozenset(
    {flag for flags in _OPTIONS.values() for flag in flags}
    | {
        "abm", "adx", "aes", "amx_fp16", "avx_ifma", "avx_vnni_int8", "avx_ne_convert",
        "avx512_bitalg", "avx512_fp16", "avx512_vbmi2", "avx512_vp2intersect",
        "avx512_vpopcntdq", "avx512ifma", "bmi1", "cldemote", "clwb", "fma4", "fsgsbase",
        "gfni", "lahf_lm", "movbe", "movdir64b", "movdiri", "pclmulqdq", "pni", "prfchw",
        "3dnowprefetch", "rdpid", "rdrand", "rdseed", "serialize", "sha_ni", "sse4_1",
        "sse4a", "tbm", "vaes", "vpclmulqdq", "wbnoinvd", "xop", "xsave", "xsavec",
        "xsaveopt", "xsaves",
        # arm64
        "asimd", "asimddp", "asimdhp", "bf16", "dotprod", "fp16", "i8mm", "neon", "sme",
        "sve", "sve2",
    }
)  # fmt: skip

X86 = "x86_64"


@dataclass(frozen=True)
class Level:
    """One set of instruction sets.

    requires: flags without which its code ends in an illegal instruction.
    options: ggml options switched on (all others of the family are switched off).
    """

    name: str
    requires: frozenset[str]
    options: tuple[str, ...]

    def defines(self, architecture: str) -> dict[str, str]:
        """The CMake definitions that select exactly this level."""
        native = {"GGML_NATIVE": "ON" if self.name == NATIVE else "OFF"}
        if architecture != X86:
            return native
        return native | {name: "ON" if name in self.options else "OFF" for name in _OPTIONS}


def ladder(architecture: str, flags: Iterable[str] | None) -> tuple[Level, ...]:
    """Every level this processor can run, widest first.

    flags None means the processor could not be asked: then the levels that old and new
    chips are known to run are offered, and the trial decides.
    """
    known = None if flags is None else frozenset(flags)
    native = Level(NATIVE, (known or frozenset()) & _INSTRUCTION_FLAGS, ())
    if architecture != X86:
        return native, Level("baseline", frozenset(), ())
    rungs = [native]
    if known is not None and any(flag.startswith("amx_") for flag in known):
        rungs.append(_level(NO_AMX, _without_amx(known)))
    rungs += [
        _level("avx2", _V3_OPTIONS),
        _level("avx", ("GGML_SSE42", "GGML_AVX")),
        _level("baseline", ("GGML_SSE42",)),
        _level("plain", ()),
    ]
    return tuple(rung for rung in rungs if known is None or rung.requires <= known)


def level_named(name: str, architecture: str, flags: Iterable[str] | None) -> Level | None:
    """The level called `name` if this processor can run it."""
    return next((rung for rung in ladder(architecture, flags) if rung.name == name), None)


def missing_for_prebuilt(architecture: str, flags: frozenset[str]) -> tuple[str, ...]:
    """Flags that the binding's prebuilt CPU wheels need and this processor lacks.

    Linux and Intel-Mac wheels are compiled with AVX2, FMA, F16C and BMI2; the Windows
    wheel takes what its build machine had, which is at least that.
    """
    if architecture != X86:
        return ()
    return tuple(sorted(_level("avx2", _V3_OPTIONS).requires - flags))


def old_numpy_needed(architecture: str, flags: Iterable[str] | None) -> bool:
    """Whether the processor is older than x86-64-v2, which numpy's wheels need since 2.4."""
    if architecture != X86 or flags is None:
        return False
    return not {"ssse3", "sse4_1", "sse4_2", "popcnt"} <= frozenset(flags)


def _level(name: str, options: tuple[str, ...]) -> Level:
    requires = frozenset(flag for option in options for flag in _OPTIONS[option])
    return Level(name, requires, options)


def _without_amx(flags: frozenset[str]) -> tuple[str, ...]:
    return tuple(
        option
        for option, needed in _OPTIONS.items()
        if option not in _AMX_OPTIONS and flags.issuperset(needed)
    )
