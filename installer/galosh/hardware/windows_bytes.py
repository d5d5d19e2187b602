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
