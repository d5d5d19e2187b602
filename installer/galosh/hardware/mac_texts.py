"""Reads what macOS's own programs print. Pure: text in, values out, None for nonsense."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Mapping


def read_sysctl(text: str) -> dict[str, str]:
    """`sysctl -a` as a table."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and re.fullmatch(r"[\w.\-%]+", name):
            values[name] = value.strip()
    return values


def whole(values: Mapping[str, str], name: str) -> int | None:
    """A whole number of the table."""
    text = values.get(name, "")
    return int(text) if re.fullmatch(r"\d{1,19}", text) else None


def read_vm_stat(text: str) -> int | None:
    """Bytes programs can get without swapping: free, inactive and speculative pages."""
    page = re.search(r"page size of (\d{3,6}) bytes", text)
    names = ("Pages free", "Pages inactive", "Pages speculative")
    counts = [re.search(rf"^{name}:\s+(\d+)\.", text, re.MULTILINE) for name in names]
    found = [int(match[1]) for match in counts if match]
    if page is None or len(found) != len(names):
        return None
    return sum(found) * int(page[1])


def read_swap_usage(text: str) -> tuple[int, int] | None:
    """(total, free) of `vm.swapusage`, in bytes."""
    sizes = {
        match[1]: int(float(match[2]) * 1024 * 1024)
        for match in re.finditer(r"(total|free) = ([\d.]+)M", text)
    }
    return (sizes["total"], sizes["free"]) if len(sizes) == 2 else None


def read_on_battery(text: str) -> bool | None:
    """The source of power from `pmset -g batt`."""
    match = re.search(r"drawing from '([^']+)'", text)
    return match[1] == "Battery Power" if match else None


def read_power_mode(text: str) -> str | None:
    """The mode of `pmset -g`: low-power, high-power or automatic."""
    match = re.search(r"^\s*(?:lowpowermode|powermode)\s+([012])\b", text, re.MULTILINE)
    return {"0": "automatic", "1": "low-power", "2": "high-power"}[match[1]] if match else None


def read_df_device(text: str) -> str | None:
    """The device in the answer of `df -P PATH`."""
    lines = text.strip().splitlines()
    fields = lines[-1].split() if len(lines) >= 2 else []
    return fields[0] if fields and fields[0].startswith("/dev/") else None


def read_diskutil(text: str) -> tuple[bool | None, str | None]:
    """(solid state, filesystem) of `diskutil info -plist DEVICE`."""
    try:
        document = plistlib.loads(text.encode())
    except Exception:  # plistlib lets its XML parser's own error types through
        return None, None
    if not isinstance(document, dict):
        return None, None
    solid, kind = document.get("SolidState"), document.get("FilesystemType")
    return (
        solid if isinstance(solid, bool) else None,
        kind if isinstance(kind, str) else None,
    )
