"""Asks Windows' graphics interface (DXGI) for its adapters, by ctypes; nothing here decides.

Unlike WMI it knows sizes above 4 GB, and what this program may still use. `windows_bytes`
reads the descriptions. Anything that fails gives no adapters.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any
from uuid import UUID

_MOST_ADAPTERS = 16
_DESCRIPTION_BYTES = 312
FACTORY = UUID("770aae78-f26f-4dba-a829-253c83d1b387")  # IDXGIFactory1
ADAPTER3 = UUID("645967a4-1392-4310-a798-8053ce3e93fd")  # IDXGIAdapter3
# Places in the tables of methods, counted from IUnknown.
QUERY_INTERFACE, RELEASE, GET_DESC1, ENUM_ADAPTERS1, QUERY_MEMORY = 0, 2, 10, 12, 14
# CreateDXGIFactory1(interface, place of the answer): 0 when it worked.
Create = Callable[[Any, Any], int]
# The calls' convention; on other systems only tests make such objects, with C's own.
_prototype = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)


class MemoryInfo(ctypes.Structure):
    """DXGI_QUERY_VIDEO_MEMORY_INFO. budget: what Windows lets this program use."""

    _fields_ = [
        ("budget", ctypes.c_uint64), ("used", ctypes.c_uint64),
        ("reservable", ctypes.c_uint64), ("reserved", ctypes.c_uint64),
    ]  # fmt: skip


def list_adapters(create: Create) -> list[tuple[bytes, int | None]]:
    """(DXGI_ADAPTER_DESC1, bytes this program may still use) of every adapter."""
    factory = ctypes.c_void_p()
    if create(_guid(FACTORY), ctypes.byref(factory)) != 0:
        return []
    found: list[tuple[bytes, int | None]] = []
    try:
        for index in range(_MOST_ADAPTERS):
            adapter = ctypes.c_void_p()
            place = ctypes.byref(adapter)
            if _call(factory, ENUM_ADAPTERS1, ctypes.c_uint(index), place) != 0:
                break
            try:
                found += _describe(adapter)
            finally:
                _call(adapter, RELEASE)
    finally:
        _call(factory, RELEASE)
    return found


def _describe(adapter: ctypes.c_void_p) -> list[tuple[bytes, int | None]]:
    description = ctypes.create_string_buffer(_DESCRIPTION_BYTES)
    if _call(adapter, GET_DESC1, description) != 0:
        return []
    return [(description.raw, _free_bytes(adapter))]


def _free_bytes(adapter: ctypes.c_void_p) -> int | None:
    newer = ctypes.c_void_p()
    if _call(adapter, QUERY_INTERFACE, _guid(ADAPTER3), ctypes.byref(newer)) != 0:
        return None  # before Windows 10
    try:
        info = MemoryInfo()
        local = ctypes.c_uint(0)  # the adapter's own memory, or RAM where it has none
        if _call(newer, QUERY_MEMORY, ctypes.c_uint(0), local, ctypes.byref(info)) != 0:
            return None
        return int(max(0, info.budget - info.used))
    finally:
        _call(newer, RELEASE)


def _call(thing: ctypes.c_void_p, method: int, *arguments: Any) -> int:
    """Call a method of a COM object; what it returned."""
    methods = ctypes.cast(thing, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
    kinds = [
        ctypes.c_uint if isinstance(one, ctypes.c_uint) else ctypes.c_void_p for one in arguments
    ]
    call = _prototype(ctypes.c_long, ctypes.c_void_p, *kinds)(methods[method])
    return int(call(thing, *arguments))


def _guid(value: UUID) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(value.bytes_le, 16)
