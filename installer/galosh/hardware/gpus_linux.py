"""Finds the graphics processors of a Linux PC: PCI devices in sysfs, then NVML, then
nvidia-smi."""

from __future__ import annotations

import re
from typing import Protocol

from galosh.base.texts import say
from galosh.hardware import linux_texts as texts
from galosh.hardware.facts import Fact, GpuFacts
from galosh.hardware.gpu_texts import NVIDIA_QUERY, PCI_VENDORS, read_nvidia
from galosh.hardware.nvml import Nvml, ask_nvml
from galosh.hardware.run import Runner

_DEVICES = "/sys/bus/pci/devices"
_DISPLAY_CLASS = "0x03"
# nvidia-smi is not on PATH in WSL.
_NVIDIA_PROGRAMS = ("nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi")


class Files(Protocol):
    """What is needed of the file system."""

    def read(self, path: str) -> str | None:
        """The text of a file; None when it cannot be read."""

    def names(self, path: str) -> list[str]:
        """The names in a folder."""


def find_gpus(files: Files, run: Runner, nvml: Nvml = ask_nvml) -> tuple[GpuFacts, ...]:
    """Every GPU, real ones only (a virtual machine's screen adapter is none).

    NVIDIA's are asked for only where one is seen: its library may hang with its driver.
    """
    found = [gpu for name in files.names(_DEVICES) if (gpu := _read_device(files, name))]
    nvidia = [gpu for gpu in found if gpu.vendor.value == "nvidia"]
    if nvidia or files.read("/proc/driver/nvidia/version") or _is_wsl(files):
        measured, why = nvml(), ""
        if not measured:
            measured, why = _ask_nvidia(run)
        if measured:
            found = [gpu for gpu in found if gpu.vendor.value != "nvidia"]
            return (*measured, *found)
        found = [_unmeasured(gpu, why) if gpu.vendor.value == "nvidia" else gpu for gpu in found]
    return tuple(found)


def _ask_nvidia(run: Runner) -> tuple[tuple[GpuFacts, ...], str]:
    why = ""
    for program in _NVIDIA_PROGRAMS:
        answer = run([program, *NVIDIA_QUERY])
        if answer.text is None:
            why = why or answer.why
            continue
        gpus = read_nvidia(answer.text, "nvidia-smi")
        if gpus:
            return gpus, ""
        return (), say("hardware.why.rubbish", program="nvidia-smi")
    return (), why


def _is_wsl(files: Files) -> bool:
    return "microsoft" in (files.read("/proc/sys/kernel/osrelease") or "").lower()


def _unmeasured(gpu: GpuFacts, why: str) -> GpuFacts:
    return GpuFacts(
        name=gpu.name,
        vendor=gpu.vendor,
        driver=gpu.driver,
        total_bytes=Fact(None, why),
        free_bytes=Fact(None, why),
        integrated=gpu.integrated,
    )


def _read_device(files: Files, name: str) -> GpuFacts | None:
    folder = f"{_DEVICES}/{name}"
    if not (files.read(f"{folder}/class") or "").startswith(_DISPLAY_CLASS):
        return None
    vendor = PCI_VENDORS.get((files.read(f"{folder}/vendor") or "").strip().lower())
    if vendor is None:
        return None
    uevent = texts.read_uevent(files.read(f"{folder}/uevent"))
    driver = uevent.get("DRIVER")
    total = texts.read_whole(files.read(f"{folder}/mem_info_vram_total"))
    used = texts.read_whole(files.read(f"{folder}/mem_info_vram_used"))
    absent = say("hardware.why.absent", place=folder)
    free = None if total is None or used is None else max(0, total - used)
    return GpuFacts(
        name=_name(files, vendor, name, uevent.get("PCI_ID")),
        vendor=Fact(vendor, f"{folder}/vendor"),
        driver=Fact(driver, f"{folder}/uevent" if driver else absent),
        total_bytes=Fact(total, f"{folder}/mem_info_vram_total" if total else absent),
        free_bytes=Fact(free, f"{folder}/mem_info_vram_used" if free is not None else absent),
        integrated=_integrated(files, folder, vendor, total),
    )


def _name(files: Files, vendor: str, device: str, pci_id: str | None) -> Fact[str]:
    place = f"/proc/driver/nvidia/gpus/{device}/information"
    match = re.search(r"^Model:\s*(.+)$", files.read(place) or "", re.MULTILINE)
    if match:
        return Fact(match[1].strip(), place)
    place = f"{_DEVICES}/{device}/label"
    label = (files.read(place) or "").strip()
    title = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}.get(vendor, vendor)
    words = [title, label or "GPU", f"[{pci_id}]" if pci_id else ""]
    return Fact(" ".join(word for word in words if word), f"{_DEVICES}/{device}")


def _integrated(files: Files, folder: str, vendor: str, total: int | None) -> Fact[bool]:
    if vendor == "nvidia":
        return Fact(value=False, source=f"{folder}/vendor")
    if vendor == "intel":
        # Intel's built-in graphics has sat at this address since 2004; its cards do not.
        return Fact(folder.endswith("0000:00:02.0"), folder)
    shared = texts.read_whole(files.read(f"{folder}/mem_info_gtt_total"))
    if total is not None and shared is not None:
        # A built-in GPU has a small carve-out and may use far more of the RAM.
        return Fact(total <= 4 << 30 and shared > total, f"{folder}/mem_info_gtt_total")
    return Fact(None, say("hardware.why.absent", place=folder))
