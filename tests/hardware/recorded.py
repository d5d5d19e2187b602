"""What real PCs' files and programs say, shortened: the form is theirs, the rest is cut."""

from __future__ import annotations

import struct
from pathlib import Path

GIB = 1 << 30

MEMINFO_16 = """MemTotal:       16303428 kB
MemFree:         1203428 kB
MemAvailable:    9876543 kB
Buffers:          203428 kB
Cached:          6203428 kB
SwapTotal:       2097148 kB
SwapFree:        2000000 kB
CommitLimit:    10248860 kB
Committed_AS:    7123456 kB
HugePages_Total:       0
Hugepagesize:       2048 kB
"""

_FLAGS_AVX2 = "fpu sse4_1 sse4_2 avx f16c avx2 bmi1 bmi2 fma avx_vnni"


def x86_cpuinfo(model: str, cores: list[tuple[int, int]], flags: str = _FLAGS_AVX2) -> str:
    """/proc/cpuinfo with one block per logical CPU: (socket, core)."""
    return "\n".join(
        f"processor\t: {i}\nvendor_id\t: GenuineIntel\nmodel\t\t: 154\n"
        f"model name\t: {model}\nphysical id\t: {socket}\ncore id\t\t: {core}\n"
        f"flags\t\t: {flags}\n"
        for i, (socket, core) in enumerate(cores)
    )


def tree(root: Path, files: dict[str, str]) -> Path:
    """Write files of /proc and /sys below `root`."""
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def siblings(groups: list[str]) -> dict[str, str]:
    """The topology files of sysfs: one cpulist per core."""
    files = {}
    for group in groups:
        first, _, last = group.partition("-")
        for cpu in range(int(first), int(last or first) + 1):
            files[f"/sys/devices/system/cpu/cpu{cpu}/topology/core_cpus_list"] = group + "\n"
    return files


# A laptop: i7-1260P, four P cores with two threads each and eight E cores.
ALDER_LAKE = {
    "/proc/cpuinfo": x86_cpuinfo(
        "12th Gen Intel(R) Core(TM) i7-1260P",
        [(0, core) for core in (0, 0, 4, 4, 8, 8, 12, 12, *range(16, 24))],
    ),
    "/proc/meminfo": MEMINFO_16,
    "/proc/swaps": "Filename\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    "/dev/zram0                              partition\t8388604\t1024\t100\n"
    "/swap.img                               file\t\t2097148\t0\t-2\n",
    "/proc/sys/kernel/osrelease": "6.8.0-45-generic\n",
    "/proc/self/cgroup": "0::/user.slice/user-1000.slice/session-2.scope\n",
    "/proc/self/mountinfo": "22 1 259:2 / / rw,relatime - ext4 /dev/nvme0n1p2 rw\n"
    "30 22 0:44 / /media/win\\040disk rw - fuseblk /dev/sda1 rw\n",
    "/sys/dev/block/259:2/../queue/rotational": "0\n",
    "/sys/class/block/sda1/../queue/rotational": "1\n",
    "/etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\n',
    "/sys/devices/system/cpu/online": "0-15\n",
    "/sys/devices/cpu_core/cpus": "0-7\n",
    "/sys/devices/cpu_atom/cpus": "8-15\n",
    "/sys/class/power_supply/AC/type": "Mains\n",
    "/sys/class/power_supply/AC/online": "0\n",
    "/sys/class/power_supply/BAT0/type": "Battery\n",
    "/sys/class/power_supply/BAT0/status": "Discharging\n",
    "/sys/class/power_supply/hidpp_battery_0/type": "Battery\n",
    "/sys/class/power_supply/hidpp_battery_0/scope": "Device\n",
    "/sys/firmware/acpi/platform_profile": "low-power\n",
    "/sys/bus/pci/devices/0000:00:02.0/class": "0x030000\n",
    "/sys/bus/pci/devices/0000:00:02.0/vendor": "0x8086\n",
    "/sys/bus/pci/devices/0000:00:02.0/uevent": "DRIVER=i915\nPCI_CLASS=30000\nPCI_ID=8086:46A6\n",
    "/sys/bus/pci/devices/0000:00:1f.3/class": "0x040100\n",
    "/sys/bus/pci/devices/0000:00:1f.3/vendor": "0x8086\n",
    **siblings(["0-1", "2-3", "4-5", "6-7", *map(str, range(8, 16))]),
}

WSL2 = {
    "/proc/cpuinfo": x86_cpuinfo("AMD Ryzen 7 5700G", [(0, core // 2) for core in range(16)]),
    "/proc/meminfo": MEMINFO_16.replace("16303428", "8039852"),
    "/proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2\n",
    "/proc/self/cgroup": "0::/\n",
    "/proc/self/mountinfo": "75 80 8:32 / / rw,relatime - ext4 /dev/sdc rw\n"
    "120 75 0:71 / /mnt/c rw,noatime - 9p C:\\134 rw,dirsync,aname=drvfs\n",
    "/sys/dev/block/8:32/queue/rotational": "1\n",
    "/sys/dev/block/8:32/device/model": "Virtual Disk    \n",
    "/etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.4 LTS"\n',
}

CONTAINER_V2 = {
    "/.dockerenv": "",
    "/proc/cpuinfo": x86_cpuinfo("Intel(R) Xeon(R) Gold 6348", [(0, c) for c in range(32)]),
    "/proc/meminfo": MEMINFO_16.replace("16303428", "131072000").replace("9876543", "98765432"),
    "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/cpu.max": "250000 100000\n",
    "/sys/fs/cgroup/memory.max": str(4 * GIB),
    "/sys/fs/cgroup/memory.high": "max\n",
    "/sys/fs/cgroup/memory.current": str(3 * GIB),
    "/sys/fs/cgroup/memory.stat": f"anon 100\nfile 200\ninactive_file {GIB}\n",
}

# Nested groups: the middle one is the tightest.
NESTED_V2 = {
    "/proc/self/cgroup": "0::/a.slice/b.slice/c.scope\n",
    "/sys/fs/cgroup/a.slice/memory.max": str(8 * GIB),
    "/sys/fs/cgroup/a.slice/memory.current": str(7 * GIB + GIB // 2),
    "/sys/fs/cgroup/a.slice/b.slice/memory.high": str(2 * GIB),
    "/sys/fs/cgroup/a.slice/b.slice/memory.current": str(GIB),
    "/sys/fs/cgroup/a.slice/b.slice/c.scope/memory.max": "max\n",
    "/sys/fs/cgroup/a.slice/b.slice/c.scope/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/a.slice/cpu.max": "50000 100000\n",
    "/proc/meminfo": MEMINFO_16,
}

CONTAINER_V1 = {
    "/proc/self/cgroup": "12:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n",
    "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": str(2 * GIB),
    "/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes": str(GIB),
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "150000\n",
    "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    "/proc/meminfo": MEMINFO_16,
}

# A phone-like board: four A55 and four A76, no "model name", no core id.
ARM_BIG_LITTLE = {
    "/proc/cpuinfo": "\n".join(
        f"processor\t: {i}\nBogoMIPS\t: 48.00\n"
        "Features\t: fp asimd aes crc32 atomics fphp asimdhp asimddp\n"
        f"CPU implementer\t: 0x41\nCPU part\t: {'0xd0b' if i > 3 else '0xd05'}\n"
        for i in range(8)
    ),
    "/proc/device-tree/model": "Radxa ROCK 5B\0",
    "/proc/meminfo": MEMINFO_16,
    "/sys/devices/system/cpu/online": "0-7\n",
    **{f"/sys/devices/system/cpu/cpu{i}/cpu_capacity": "1024" if i > 3 else "404"
       for i in range(8)},
    **siblings([str(i) for i in range(8)]),
}  # fmt: skip

AMD_GPUS = {
    # A card of 16 GB and the built-in GPU of a Ryzen.
    "/sys/bus/pci/devices/0000:03:00.0/class": "0x030000",
    "/sys/bus/pci/devices/0000:03:00.0/vendor": "0x1002",
    "/sys/bus/pci/devices/0000:03:00.0/uevent": "DRIVER=amdgpu\nPCI_ID=1002:744C\n",
    "/sys/bus/pci/devices/0000:03:00.0/mem_info_vram_total": str(16 * GIB),
    "/sys/bus/pci/devices/0000:03:00.0/mem_info_vram_used": str(3 * GIB),
    "/sys/bus/pci/devices/0000:03:00.0/mem_info_gtt_total": str(8 * GIB),
    "/sys/bus/pci/devices/0000:0b:00.0/class": "0x030000",
    "/sys/bus/pci/devices/0000:0b:00.0/vendor": "0x1002",
    "/sys/bus/pci/devices/0000:0b:00.0/uevent": "DRIVER=amdgpu\nPCI_ID=1002:1638\n",
    "/sys/bus/pci/devices/0000:0b:00.0/mem_info_vram_total": str(GIB // 2),
    "/sys/bus/pci/devices/0000:0b:00.0/mem_info_vram_used": str(GIB // 8),
    "/sys/bus/pci/devices/0000:0b:00.0/mem_info_gtt_total": str(8 * GIB),
    # A virtual machine's screen adapter is no GPU.
    "/sys/bus/pci/devices/0000:00:01.0/class": "0x030000",
    "/sys/bus/pci/devices/0000:00:01.0/vendor": "0x1234",
}

NVIDIA_PC = {
    "/sys/bus/pci/devices/0000:01:00.0/class": "0x030000",
    "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de",
    "/sys/bus/pci/devices/0000:01:00.0/uevent": "DRIVER=nvidia\nPCI_ID=10DE:2504\n",
    "/proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA GeForce RTX 3060\n",
    "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07\n",
}
NVIDIA_SMI = "NVIDIA GeForce RTX 3060, 550.90.07, 12288, 11021\n"
NVIDIA_SMI_MIG = "NVIDIA H100 80GB HBM3, 535.104, [N/A], [N/A]\n"
RUBBISH = "NVIDIA-SMI has failed because it couldn't communicate\x00\xff\n,,,,\n" + "x," * 5000

SYSCTL_M2 = """kern.osrelease: 23.5.0
kern.osproductversion: 14.5
hw.memsize: 17179869184
hw.physicalcpu: 8
hw.logicalcpu: 8
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 4
hw.perflevel0.name: Performance
hw.perflevel1.physicalcpu: 4
hw.optional.arm64: 1
hw.optional.AdvSIMD: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_SME: 0
machdep.cpu.brand_string: Apple M2
sysctl.proc_translated: 0
iogpu.wired_limit_mb: 0
vm.swapusage: total = 2048.00M  used = 1024.50M  free = 1023.50M  (encrypted)
vm.loadavg: { 1.91 2.03 2.10 }
"""
SYSCTL_INTEL = """kern.osrelease: 21.6.0
kern.osproductversion: 12.7.4
hw.memsize: 8589934592
hw.physicalcpu: 2
hw.logicalcpu: 4
machdep.cpu.brand_string: Intel(R) Core(TM) i5-5250U CPU @ 1.60GHz
machdep.cpu.features: FPU SSE SSE2 SSE3 SSSE3 FMA SSE4.1 SSE4.2 MOVBE POPCNT AVX1.0 F16C
machdep.cpu.leaf7_features: BMI1 AVX2 SMEP BMI2 ERMS
vm.swapusage: total = 0.00M  used = 0.00M  free = 0.00M  (encrypted)
"""
VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            300000.
Pages inactive:                          290000.
Pages speculative:                         5000.
Pages throttled:                              0.
Pages wired down:                        150000.
"""
PMSET_BATTERY = """Now drawing from 'Battery Power'
 -InternalBattery-0 (id=4653155)	82%; discharging; 5:01 remaining present: true
"""
PROFILER_M2 = """{"SPDisplaysDataType": [{"_name": "Apple M2", "sppci_model": "Apple M2",
 "spdisplays_vendor": "sppci_vendor_Apple", "sppci_cores": "10"}]}"""
PROFILER_INTEL = """{"SPDisplaysDataType": [
 {"_name": "kHW_IntelHDGraphics6000Item", "sppci_model": "Intel HD Graphics 6000",
  "spdisplays_vendor": "Intel", "spdisplays_vram_shared": "1536 MB"},
 {"sppci_model": "AMD Radeon Pro 5300M", "spdisplays_vendor": "sppci_vendor_amd",
  "spdisplays_vram": "4 GB"}]}"""
DF = """Filesystem 512-blocks Used Available Capacity  Mounted on
/dev/disk3s5 965595304 400000000 500000000    45%    /System/Volumes/Data
"""
DISKUTIL = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>FilesystemType</key><string>apfs</string>
<key>SolidState</key><true/></dict></plist>
"""


def processor_information(classes: list[tuple[int, int]]) -> bytes:
    """What Windows answers: (efficiency class, affinity mask) of each core."""
    return b"".join(
        struct.pack("<IIBB20xHQHHHH", 0, 48, 1, kind, 1, mask, 0, 0, 0, 0) for kind, mask in classes
    )
