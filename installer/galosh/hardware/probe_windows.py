"""Reads a Windows PC's facts from system calls, through a Protocol that tests replay."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from galosh.base.texts import say
from galosh.hardware.disk import existing_parent, read_space
from galosh.hardware.facts import (
    CpuFacts,
    DiskFacts,
    DisplayFacts,
    Fact,
    GpuFacts,
    MemoryFacts,
    OsFacts,
    PowerFacts,
    SwapFacts,
)
from galosh.hardware.flags import normal_architecture, windows_flags
from galosh.hardware.gpu_texts import NVIDIA_QUERY, PCI_VENDORS, read_nvidia
from galosh.hardware.nvml import Nvml, ask_nvml
from galosh.hardware.run import Runner
from galosh.hardware.windows_bytes import (
    Adapter,
    page_file_grows,
    power_mode,
    read_adapter,
    read_cores,
    read_video_memory,
    windows_name,
)

T = TypeVar("T")
CURRENT_VERSION = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
PROCESSOR = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
PAGING = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management"
POWER = r"SYSTEM\CurrentControlSet\Control\Power\User\PowerSchemes"
DISPLAY_CLASS = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
_ADAPTERS = 16
_QUALCOMM = 0x4D4F4351  # "QCOM", where others have their PCI number
_VENDORS = {"nvidia": "nvidia", "advanced micro": "amd", "amd": "amd", "intel": "intel",
            "qualcomm": "qualcomm"}  # fmt: skip


class MemoryStatus(NamedTuple):
    """GlobalMemoryStatusEx. The page-file numbers are commit: RAM plus page files."""

    total: int
    available: int
    commit_limit: int
    commit_free: int


class WindowsCalls(Protocol):
    """The system calls that are needed; each gives None when it fails."""

    def registry(self, path: str, name: str) -> object:
        """A value below HKEY_LOCAL_MACHINE."""

    def architectures(self) -> tuple[str | None, str | None]:
        """(the PC's own, this process's)."""

    def feature(self, number: int) -> bool:
        """IsProcessorFeaturePresent."""

    def processor_information(self) -> bytes | None:
        """GetLogicalProcessorInformationEx(RelationProcessorCore)."""

    def affinity(self) -> int | None:
        """How many logical processors this process may use."""

    def memory(self) -> MemoryStatus | None:
        """GlobalMemoryStatusEx."""

    def on_battery(self) -> bool | None:
        """GetSystemPowerStatus."""

    def adapters(self) -> list[tuple[bytes, int | None]]:
        """DXGI's adapters: (description, bytes this program may still use)."""

    def filesystem(self, folder: str) -> str | None:
        """GetVolumeInformation of the volume that holds a folder."""

    def seek_penalty(self, folder: str) -> bool | None:
        """Whether the drive's heads must move: a hard disk."""


class WindowsProbe:
    """A Windows PC."""

    def __init__(self, calls: WindowsCalls, run: Runner, nvml: Nvml = ask_nvml) -> None:
        self._calls = calls
        self._run = run
        self._nvml = nvml

    def os(self) -> OsFacts:
        """Version and architecture; x64 Python on an ARM PC runs translated."""
        build = self._text(CURRENT_VERSION, "CurrentBuild")
        name = windows_name(
            self._text(CURRENT_VERSION, "ProductName"),
            build,
            self._text(CURRENT_VERSION, "DisplayVersion"),
        )
        own, process = (normal_architecture(item) for item in self._calls.architectures())
        both = own is not None and process is not None
        return OsFacts(
            system=Fact("windows", "sys.platform"),
            release=_fact(build, "registry CurrentBuild"),
            distribution=_fact(name, "registry ProductName"),
            wsl=Fact(0, "sys.platform"),
            container=Fact("", "sys.platform"),
            architecture=_fact(own, "IsWow64Process2"),
            emulated=_fact(own != process if both else None, "IsWow64Process2"),
        )

    def cpu(self) -> CpuFacts:
        """Cores by efficiency class."""
        cores = read_cores(self._calls.processor_information() or b"")
        place = "GetLogicalProcessorInformationEx"
        model = self._text(PROCESSOR, "ProcessorNameString")
        own, _ = self._calls.architectures()
        flags = windows_flags(self._calls.feature, normal_architecture(own))
        return CpuFacts(
            model=_fact(model.strip() if model else None, "registry ProcessorNameString"),
            flags=_fact(flags or None, "IsProcessorFeaturePresent"),
            physical_cores=_fact(cores.physical if cores else None, place),
            performance_cores=_fact(cores.performance if cores else None, place),
            efficiency_cores=_fact(cores.efficiency if cores else None, place),
            logical_cores=_fact(cores.logical if cores else None, place),
            usable_cores=_fact(self._calls.affinity(), "GetProcessAffinityMask"),
            quota_cores=Fact(None, say("hardware.why.no-limit", place="Windows")),
        )

    def memory(self) -> MemoryFacts:
        """RAM."""
        status, place = self._calls.memory(), "GlobalMemoryStatusEx"
        return MemoryFacts(
            installed_bytes=_fact(status.total if status else None, place),
            available_bytes=_fact(status.available if status else None, place),
            limit_bytes=Fact(None, say("hardware.why.no-limit", place="Windows")),
        )

    def swap(self) -> SwapFacts:
        """The page file at its present size, and commit: what Windows still promises."""
        status, place = self._calls.memory(), "GlobalMemoryStatusEx"
        if status is None:
            none = say("hardware.why.absent", place=place)
            return SwapFacts(*(Fact(None, none) for _ in range(8)))
        grows = page_file_grows(self._calls.registry(PAGING, "PagingFiles"))
        penalty = self._calls.seek_penalty("C:\\")
        kind = None if penalty is None else "hdd" if penalty else "ssd"
        return SwapFacts(
            total_bytes=Fact(max(0, status.commit_limit - status.total), place),
            free_bytes=Fact(None, say("hardware.why.absent", place=place)),
            zram_bytes=Fact(0, "sys.platform"),
            commit_limit_bytes=Fact(status.commit_limit, place),
            committed_bytes=Fact(max(0, status.commit_limit - status.commit_free), place),
            grows=_fact(grows, "registry PagingFiles"),
            disk_kind=_fact(kind, "IOCTL_STORAGE_QUERY_PROPERTY C:"),
            filesystem=_fact(self._calls.filesystem("C:\\"), "GetVolumeInformation C:"),
        )

    def gpus(self) -> tuple[GpuFacts, ...]:
        """DXGI's adapters (else the registry's, which have no free sizes); NVIDIA's by NVML,
        else by nvidia-smi."""
        listed = [gpu for i in range(_ADAPTERS) if (gpu := self._adapter(i))]
        drivers = {gpu.name.value: gpu.driver for gpu in listed}
        found = [
            _by_dxgi(adapter, free, drivers)
            for data, free in self._calls.adapters()
            if (adapter := read_adapter(data)) and not adapter.is_software
        ]
        known = [gpu for gpu in found if gpu.vendor.value is not None] or listed
        if any(gpu.vendor.value == "nvidia" for gpu in known):
            measured = self._nvml()
            if not measured:
                answer = self._run(["nvidia-smi", *NVIDIA_QUERY])
                measured = read_nvidia(answer.text or "", "nvidia-smi")
            if measured:
                return (*measured, *(gpu for gpu in known if gpu.vendor.value != "nvidia"))
        return tuple(known)

    def disk(self, path: Path) -> DiskFacts:
        """The volume of `path`, which need not exist yet."""
        folder = existing_parent(path)
        total, free = read_space(folder)
        penalty = self._calls.seek_penalty(str(folder))
        kind = None if penalty is None else "hdd" if penalty else "ssd"
        return DiskFacts(
            path=Fact(str(path), "paths"),
            total_bytes=total,
            free_bytes=free,
            kind=_fact(kind, "IOCTL_STORAGE_QUERY_PROPERTY"),
            filesystem=_fact(self._calls.filesystem(str(folder)), "GetVolumeInformation"),
        )

    def power(self) -> PowerFacts:
        """Battery or mains, and the power mode for the one in use."""
        battery = self._calls.on_battery()
        overlay = f"ActiveOverlay{'Dc' if battery else 'Ac'}PowerScheme"
        mode = power_mode(
            self._calls.registry(POWER, overlay), self._calls.registry(POWER, "ActivePowerScheme")
        )
        return PowerFacts(
            on_battery=_fact(battery, "GetSystemPowerStatus"),
            profile=_fact(mode, f"registry {overlay}"),
        )

    def display(self) -> DisplayFacts:
        """Always the desktop Windows has."""
        return DisplayFacts(Fact("windows", "sys.platform"))

    def _adapter(self, index: int) -> GpuFacts | None:
        path = rf"{DISPLAY_CLASS}\{index:04d}"
        name = self._text(path, "DriverDesc")
        maker = f"{self._text(path, 'ProviderName') or ''} {name or ''}".lower()
        vendor = next((value for word, value in _VENDORS.items() if word in maker), None)
        if name is None or vendor is None:  # the basic and remote adapters are no GPUs
            return None
        memory = read_video_memory(self._calls.registry(path, "HardwareInformation.qwMemorySize"))
        place = "registry display adapters"
        return GpuFacts(
            name=Fact(name, place),
            vendor=Fact(vendor, place),
            driver=_fact(self._text(path, "DriverVersion"), place),
            total_bytes=_fact(memory, "registry qwMemorySize"),
            free_bytes=Fact(None, say("hardware.why.absent", place=place)),
            integrated=_integrated(vendor, name, place),
        )

    def _text(self, path: str, name: str) -> str | None:
        value = self._calls.registry(path, name)
        return value if isinstance(value, str) and value else None


def _by_dxgi(adapter: Adapter, free: int | None, drivers: dict[str | None, Fact[str]]) -> GpuFacts:
    vendor = PCI_VENDORS.get(f"0x{adapter.vendor_id:04x}")
    if vendor is None and adapter.vendor_id == _QUALCOMM:
        vendor = "qualcomm"
    place = "DXGI"
    return GpuFacts(
        name=Fact(adapter.name, place),
        vendor=_fact(vendor, place),
        driver=drivers.get(adapter.name, Fact(None, say("hardware.why.absent", place=place))),
        total_bytes=_fact(adapter.dedicated_bytes or None, place),
        free_bytes=_fact(free, "DXGI QueryVideoMemoryInfo"),
        integrated=_integrated(vendor or "", adapter.name, place),
    )


def _integrated(vendor: str, name: str, place: str) -> Fact[bool]:
    if vendor == "nvidia":
        return Fact(value=False, source=place)
    text = name.lower().replace("(tm)", "").replace("(r)", "")
    if vendor == "qualcomm":
        return Fact(value=True, source=place)
    if vendor == "intel":
        # Arc cards carry a letter and three digits (A770, B580); built-in Arc does not.
        return Fact(not re.search(r"\barc (pro )?[ab]\d{2,3}\b", text), place)
    if re.search(r"\brx \d", text):
        return Fact(value=False, source=place)
    if re.search(r"radeon (vega \d+ |\d{3}m )?graphics|radeon \d{3}m$", text):
        return Fact(value=True, source=place)
    return Fact(None, say("hardware.why.absent", place=place))


def _fact(value: T | None, place: str) -> Fact[T]:
    return Fact(value, place if value is not None else say("hardware.why.absent", place=place))
