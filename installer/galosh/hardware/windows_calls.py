"""The Windows system calls behind `WindowsProbe`, by ctypes; nothing here decides.

Each call gives None when Windows refuses. On other systems the class cannot be made.
"""

from __future__ import annotations

import ctypes
import sys

from galosh.hardware.probe_windows import MemoryStatus

_MACHINES = {0x8664: "AMD64", 0xAA64: "ARM64", 0x014C: "x86"}
_RELATION_CORE = 0
_IOCTL_STORAGE_QUERY_PROPERTY = 0x002D1400
_SEEK_PENALTY_PROPERTY = 7
_SHARE_ALL = 7
_OPEN_EXISTING = 3


class _MemoryStatus(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        ("page_total", ctypes.c_uint64),
        ("page_available", ctypes.c_uint64),
        ("virtual_total", ctypes.c_uint64),
        ("virtual_available", ctypes.c_uint64),
        ("extended", ctypes.c_uint64),
    ]


class _PowerStatus(ctypes.Structure):
    _fields_ = [
        ("line", ctypes.c_uint8),
        ("battery", ctypes.c_uint8),
        ("percent", ctypes.c_uint8),
        ("saver", ctypes.c_uint8),
        ("life", ctypes.c_uint32),
        ("full_life", ctypes.c_uint32),
    ]


class _SeekPenalty(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("penalty", ctypes.c_uint8),
    ]


if sys.platform == "win32":
    import winreg

    class SystemCalls:
        """The real thing; see WindowsCalls."""

        def __init__(self) -> None:
            self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
            self._kernel.GetCurrentProcess.restype = ctypes.c_void_p
            self._kernel.CreateFileW.restype = ctypes.c_void_p

        def registry(self, path: str, name: str) -> object:
            """See WindowsCalls."""
            try:
                flags = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
                with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, flags) as key:
                    value: object = winreg.QueryValueEx(key, name)[0]
            except OSError:
                return None
            return value

        def architectures(self) -> tuple[str | None, str | None]:
            """See WindowsCalls."""
            process, native = ctypes.c_uint16(), ctypes.c_uint16()
            try:
                done = self._kernel.IsWow64Process2(
                    self._self(), ctypes.byref(process), ctypes.byref(native)
                )
            except AttributeError:  # Windows before 10 1709
                done = 0
            own = _MACHINES.get(native.value) if done else None
            import sysconfig

            platform = sysconfig.get_platform()  # win-amd64, win-arm64, win32
            mine = {"win-amd64": "AMD64", "win-arm64": "ARM64", "win32": "x86"}.get(platform)
            return own or mine, mine

        def feature(self, number: int) -> bool:
            """See WindowsCalls."""
            return bool(self._kernel.IsProcessorFeaturePresent(number))

        def processor_information(self) -> bytes | None:
            """See WindowsCalls."""
            size = ctypes.c_uint32()
            ask = self._kernel.GetLogicalProcessorInformationEx
            ask(_RELATION_CORE, None, ctypes.byref(size))
            if not 0 < size.value < 1 << 20:
                return None
            buffer = ctypes.create_string_buffer(size.value)
            done = ask(_RELATION_CORE, buffer, ctypes.byref(size))
            return buffer.raw[: size.value] if done else None

        def affinity(self) -> int | None:
            """See WindowsCalls."""
            own, system = ctypes.c_size_t(), ctypes.c_size_t()
            done = self._kernel.GetProcessAffinityMask(
                self._self(), ctypes.byref(own), ctypes.byref(system)
            )
            # A process over several groups gets zeros: it may use them all.
            return (own.value.bit_count() or None) if done else None

        def memory(self) -> MemoryStatus | None:
            """See WindowsCalls."""
            status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
            if not self._kernel.GlobalMemoryStatusEx(ctypes.byref(status)):
                return None
            return MemoryStatus(
                status.total, status.available, status.page_total, status.page_available
            )

        def on_battery(self) -> bool | None:
            """See WindowsCalls."""
            status = _PowerStatus()
            if not self._kernel.GetSystemPowerStatus(ctypes.byref(status)):
                return None
            return {0: True, 1: False}.get(status.line)

        def adapters(self) -> list[tuple[bytes, int | None]]:
            """See WindowsCalls."""
            from galosh.hardware.dxgi import list_adapters

            try:
                create = ctypes.WinDLL("dxgi").CreateDXGIFactory1
            except (OSError, AttributeError):
                return []
            return list_adapters(create)

        def filesystem(self, folder: str) -> str | None:
            """See WindowsCalls."""
            root = self._root(folder)
            name = ctypes.create_unicode_buffer(64)
            done = root is not None and self._kernel.GetVolumeInformationW(
                root, None, 0, None, None, None, name, len(name)
            )
            return name.value or None if done else None

        def seek_penalty(self, folder: str) -> bool | None:
            """See WindowsCalls."""
            root = self._root(folder)
            if root is None or len(root) != 3:  # network and mounted folders
                return None
            # No access right is asked for, so no administrator is needed.
            handle = self._kernel.CreateFileW(
                rf"\\.\{root[:2]}", 0, _SHARE_ALL, None, _OPEN_EXISTING, 0, None
            )
            if handle in (None, ctypes.c_void_p(-1).value):
                return None
            query = (ctypes.c_uint32 * 3)(_SEEK_PENALTY_PROPERTY, 0, 0)
            answer, size = _SeekPenalty(), ctypes.c_uint32()
            done = self._kernel.DeviceIoControl(
                ctypes.c_void_p(handle), _IOCTL_STORAGE_QUERY_PROPERTY, ctypes.byref(query),
                ctypes.sizeof(query), ctypes.byref(answer), ctypes.sizeof(answer),
                ctypes.byref(size), None,
            )  # fmt: skip
            self._kernel.CloseHandle(ctypes.c_void_p(handle))
            return bool(answer.penalty) if done else None

        def _root(self, folder: str) -> str | None:
            name = ctypes.create_unicode_buffer(512)
            done = self._kernel.GetVolumePathNameW(folder, name, len(name))
            return name.value if done else None

        def _self(self) -> ctypes.c_void_p:
            return ctypes.c_void_p(self._kernel.GetCurrentProcess())
