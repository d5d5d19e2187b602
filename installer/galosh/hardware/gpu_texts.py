"""Reads what nvidia-smi and system_profiler print. Pure; rubbish gives no GPU at all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from galosh.hardware.facts import Fact, GpuFacts

_MIB = 1024 * 1024
NVIDIA_QUERY = (
    "--query-gpu=name,driver_version,memory.total,memory.free",
    "--format=csv,noheader,nounits",
)
PCI_VENDORS = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel", "0x106b": "apple"}


def read_nvidia(text: str, source: str) -> tuple[GpuFacts, ...]:
    """The GPUs of nvidia-smi's CSV; lines of another shape are ignored."""
    gpus: list[GpuFacts] = []
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 4 or not re.fullmatch(r"[\d.]+", fields[1]):
            continue
        gpus.append(
            GpuFacts(
                name=Fact(fields[0], source),
                vendor=Fact("nvidia", source),
                driver=Fact(fields[1], source),
                total_bytes=_mebibytes(fields[2], source),
                free_bytes=_mebibytes(fields[3], source),
                integrated=Fact(value=False, source=source),
            )
        )
    return tuple(gpus)


def _mebibytes(text: str, source: str) -> Fact[int]:
    if re.fullmatch(r"\d{1,9}", text):
        return Fact(int(text) * _MIB, source)
    return Fact(None, f"{source}: {text[:40]}")


def read_system_profiler(
    text: str, source: str, installed_bytes: int | None, wired_limit_bytes: int | None
) -> tuple[GpuFacts, ...]:
    """The GPUs of `system_profiler SPDisplaysDataType -json`."""
    try:
        document = json.loads(text)
    except ValueError:
        return ()
    items = document.get("SPDisplaysDataType") if isinstance(document, dict) else None
    if not isinstance(items, list):
        return ()
    return tuple(
        _mac_gpu(item, source, installed_bytes, wired_limit_bytes)
        for item in items
        if isinstance(item, Mapping)
    )


def _mac_gpu(
    item: Mapping[str, object], source: str, installed_bytes: int | None, wired: int | None
) -> GpuFacts:
    name = str(item.get("sppci_model") or item.get("_name") or "")
    vendor_text = f"{item.get('spdisplays_vendor', '')} {name}".lower()
    vendor = next((v for v in ("apple", "amd", "intel", "nvidia") if v in vendor_text), None)
    shared = "spdisplays_vram_shared" in item
    memory = _size(str(item.get("spdisplays_vram_shared") or item.get("spdisplays_vram") or ""))
    total: Fact[int] = Fact(memory, source) if memory else Fact(None, source)
    if vendor == "apple" and wired:
        total = Fact(wired, "sysctl iogpu.wired_limit_mb")
    elif vendor == "apple" and installed_bytes:
        # The system lets the GPU hold about two thirds of RAM, three quarters above 36 GB.
        share = 0.75 if installed_bytes > 36 * 1024 * _MIB else 2 / 3
        total = Fact(int(installed_bytes * share), "share of hw.memsize the system grants")
    return GpuFacts(
        name=Fact(name, source) if name else Fact(None, source),
        vendor=Fact(vendor, source),
        driver=Fact("metal", source),
        total_bytes=total,
        free_bytes=Fact(None, source),
        integrated=Fact(shared or vendor in ("apple", "intel"), source),
    )


def _size(text: str) -> int | None:
    match = re.fullmatch(r"\s*([\d.]{1,8})\s*(MB|GB)\s*", text)
    if not match:
        return None
    return int(float(match[1]) * (_MIB if match[2] == "MB" else 1024 * _MIB))


def read_shared_usage(text: str) -> int | None:
    """Bytes of all adapters in `typeperf "\\GPU Adapter Memory(*)\\Shared Usage" -sc 1`.

    The first field of a line of values is the time; None when there is no such line.
    """
    for line in text.splitlines():
        values = re.findall(r'"([^"]*)"', line)
        numbers = [value.strip() for value in values[1:]]
        if numbers and all(re.fullmatch(r"\d{1,15}([.,]\d+)?", number) for number in numbers):
            return sum(int(re.split("[.,]", number)[0]) for number in numbers)
    return None
