"""Names of processor abilities, turned into the ones Linux uses. Pure.

Linux's names are what engine builds ask for: sse4_2, avx, avx2, fma, f16c, bmi2,
avx512f, avx512_vnni, amx_int8 on x86; asimd, asimddp, i8mm, bf16, sve on ARM.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

_MAC_X86 = {
    "sse4.1": "sse4_1",
    "sse4.2": "sse4_2",
    "avx1.0": "avx",
    "sse3": "pni",
    "avx512vnni": "avx512_vnni",
    "avx512bf16": "avx512_bf16",
}
_MAC_ARM = {
    "hw.optional.neon": "asimd",
    "hw.optional.AdvSIMD": "asimd",
    "hw.optional.arm.AdvSIMD": "asimd",
    "hw.optional.arm.FEAT_DotProd": "asimddp",
    "hw.optional.arm.FEAT_FP16": "asimdhp",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.arm.FEAT_SME": "sme",
    "hw.optional.arm.FEAT_LSE": "atomics",
}
# PF_… numbers of IsProcessorFeaturePresent.
_WINDOWS_X86 = {
    13: "pni", 36: "ssse3", 37: "sse4_1", 38: "sse4_2", 39: "avx", 40: "avx2", 41: "avx512f",
    60: "bmi2",
}  # fmt: skip
_WINDOWS_ARM = {
    19: "asimd", 34: "atomics", 43: "asimddp", 46: "sve", 47: "sve2", 66: "i8mm", 68: "bf16",
}  # fmt: skip


def mac_flags(sysctl: Mapping[str, str]) -> frozenset[str] | None:
    """Abilities from `sysctl -a`; None when it names none."""
    names: set[str] = set()
    for key in ("features", "leaf7_features", "extfeatures"):
        for word in sysctl.get(f"machdep.cpu.{key}", "").lower().split():
            names.add(_MAC_X86.get(word, word))
    for key, name in _MAC_ARM.items():
        if sysctl.get(key) == "1":
            names.add(name)
    return frozenset(names) or None


def windows_flags(present: Callable[[int], bool], architecture: str | None) -> frozenset[str]:
    """Abilities from IsProcessorFeaturePresent.

    Windows does not tell FMA and F16C; every Intel and AMD processor with AVX2 has both,
    and an engine is tried in a process of its own before it is trusted.
    """
    table = _WINDOWS_ARM if architecture == "arm64" else _WINDOWS_X86
    names = {name for number, name in table.items() if present(number)}
    if "avx2" in names:
        names |= {"fma", "f16c", "bmi1", "bmi2"}
    return frozenset(names)


def normal_architecture(name: str | None) -> str | None:
    """`platform.machine()` in one spelling: x86_64, arm64, i686, armv7l, …"""
    text = (name or "").lower()
    spellings = {
        "amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64", "arm64e": "arm64",
        "i386": "i686", "x86": "i686",
    }  # fmt: skip
    return spellings.get(text, text) or None
