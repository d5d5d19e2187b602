"""Kind and filesystem of the Linux volume that holds a path."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from galosh.base.texts import say
from galosh.hardware import linux_texts as texts
from galosh.hardware.disk import existing_parent, read_space
from galosh.hardware.facts import DiskFacts, Fact


class Files(Protocol):
    """What is needed of the file system."""

    def read(self, path: str) -> str | None:
        """The text of a file; None when it cannot be read."""

    def place(self, path: str) -> Path:
        """Where an absolute path lies."""


def read_disk(files: Files, path: Path) -> DiskFacts:
    """The volume of `path`, which need not exist yet."""
    folder = existing_parent(path)
    total, free = read_space(folder)
    place = "/proc/self/mountinfo"
    mount = texts.find_mount(files.read(place) or "", str(folder))
    if mount is None:
        absent = say("hardware.why.absent", place=place)
        return DiskFacts(Fact(str(path), "paths"), total, free, Fact(None, absent),
                         Fact(None, absent))  # fmt: skip
    return DiskFacts(
        path=Fact(str(path), "paths"),
        total_bytes=total,
        free_bytes=free,
        kind=_kind(files, mount),
        filesystem=Fact(mount.filesystem, place),
    )


def read_kind(files: Files, path: str) -> Fact[str]:
    """ssd or hdd: of the volume of a file or, for a device under /dev, of that device."""
    if path.startswith("/dev/"):
        return _kind_of(files, [f"/sys/class/block/{Path(path).name}"])
    mount = texts.find_mount(files.read("/proc/self/mountinfo") or "", path)
    if mount is None:
        return Fact(None, say("hardware.why.absent", place="/proc/self/mountinfo"))
    return _kind(files, mount)


def _kind(files: Files, mount: texts.Mount) -> Fact[str]:
    blocks = [f"/sys/dev/block/{mount.device}"]
    if mount.source.startswith("/dev/"):
        # btrfs and others number their devices themselves; the name still leads there.
        blocks.append(f"/sys/class/block/{Path(mount.source).name}")
    return _kind_of(files, blocks)


def _kind_of(files: Files, blocks: list[str]) -> Fact[str]:
    for block in blocks:
        for place in (f"{block}/queue/rotational", f"{block}/../queue/rotational"):
            value = texts.read_whole(files.read(place))
            if value == 1 and _is_virtual(files, block):
                return Fact(None, say("hardware.why.virtual-disk", place=block))
            if value is not None:
                return Fact("hdd" if value else "ssd", place)
    return Fact(None, say("hardware.why.absent", place=blocks[0]))


def _is_virtual(files: Files, block: str) -> bool:
    """A virtual machine's disk calls itself rotating whatever lies under it."""
    name = texts.read_uevent(files.read(f"{block}/uevent")).get("DEVNAME", "")
    model = files.read(f"{block}/device/model") or files.read(f"{block}/../device/model") or ""
    return name.startswith(("vd", "xvd")) or "virtual" in model.lower()
