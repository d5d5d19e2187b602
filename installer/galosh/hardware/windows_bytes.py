"""Reads the structures Windows answers with. Pure: bytes and numbers in, values out."""

from __future__ import annotations

import struct
from typing import NamedTuple


class Cores(NamedTuple):
    """The processor's cores by kind."""

    physical: int
    performance: int
    efficiency: int
    logical: int


def read_cores(data: bytes) -> Cores | None:
    """GetLogicalProcessorInformationEx(RelationProcessorCore).

    The higher a core's efficiency class, the faster it is.
    """
    classes: list[int] = []
    logical = 0
    position = 0
    while position + 8 <= len(data):
        relation, size = struct.unpack_from("<II", data, position)
        if size < 32 or position + size > len(data):
            return None
        if relation == 0:
            classes.append(data[position + 9])
            (groups,) = struct.unpack_from("<H", data, position + 30)
            for group in range(groups):
                place = position + 32 + 16 * group
                if place + 8 > position + size:
                    return None
                (mask,) = struct.unpack_from("<Q", data, place)
                logical += (mask).bit_count()
        position += size
    if not classes or not logical:
        return None
    fast = sum(1 for kind in classes if kind == max(classes))
    return Cores(len(classes), fast, len(classes) - fast, logical)


def windows_name(product: str | None, build: str | None, edition: str | None) -> str | None:
    """`Windows 11 Pro 24H2`: the registry still says 10 on Windows 11."""
    if not product:
        return None
    if (build or "").isdigit() and int(build or 0) >= 22_000:
        product = product.replace("Windows 10", "Windows 11")
    return f"{product} {edition}" if edition else product


def read_video_memory(value: object) -> int | None:
    """HardwareInformation.qwMemorySize: a number, or its bytes in old drivers."""
    if isinstance(value, bytes) and 4 <= len(value) <= 8:
        return int.from_bytes(value, "little") or None
    return value if isinstance(value, int) and value > 0 else None


class Adapter(NamedTuple):
    """A graphics adapter. is_software: Windows draws by itself, no GPU is there."""

    name: str
    vendor_id: int
    dedicated_bytes: int
    is_software: bool


def read_adapter(data: bytes) -> Adapter | None:
    """DXGI_ADAPTER_DESC1 of 64-bit Windows; None for anything shorter."""
    if len(data) < 308:
        return None
    name = data[:256].decode("utf-16-le", "replace").partition("\0")[0].strip()
    vendor, _, _, _, dedicated = struct.unpack_from("<IIIIQ", data, 256)
    (flags,) = struct.unpack_from("<I", data, 304)
    return Adapter(name, vendor, dedicated, bool(flags & 2)) if name else None


def page_file_grows(value: object) -> bool | None:
    """Whether Windows sizes the paging file itself, from the PagingFiles list of the registry:
    a line with no sizes, or with two zeros."""
    lines = [str(line).split() for line in value] if isinstance(value, (list, tuple)) else []
    lines = [line for line in lines if line]
    if not lines:
        return None
    return any(line[0].startswith("?:") or line[1:] in ([], ["0", "0"]) for line in lines)


_POWER_MODES = {
    "961cc777-2547-4f9d-8174-7d86181b8a7a": "power-saver",
    "3af9b8d9-7c97-431d-ad78-34a8bfea439f": "balanced",
    "00000000-0000-0000-0000-000000000000": "balanced",
    "ded574b5-45a0-4f42-8737-46345c09c238": "performance",
    "a1841308-3541-4fab-bc81-f71556f20b4a": "power-saver",
    "381b4222-f694-41f0-9685-ff5bb260df2e": "balanced",
    "8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c": "performance",
}


def power_mode(overlay: object, scheme: object) -> str | None:
    """The power mode by its registry names: the slider of Windows 10 and later, or, where
    it stands in the middle, the power plan."""
    slider = _POWER_MODES.get(str(overlay or "").strip("{}").lower())
    plan = _POWER_MODES.get(str(scheme or "").strip("{}").lower())
    return plan or slider if slider in (None, "balanced") else slider
