"""Is there room? Pure arithmetic over what the layer measured."""

from __future__ import annotations

from dataclasses import dataclass

from galosh.download.limits import Limits

_FAT = frozenset({"vfat", "msdos", "fat", "fat32", "fat16"})
_FAT_LIMIT_BYTES = (1 << 32) - 1
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afpfs", "webdav", "davfs",
     "fuse.sshfs", "fuse.rclone", "glusterfs", "ceph", "lustre", "afs"}
)  # fmt: skip


@dataclass(frozen=True)
class Room:
    """The volume and what is promised on it. All in bytes.

    held_bytes: blocks our part has already. promised_bytes: what other downloads on the
    same volume still have to write.
    """

    free_bytes: int | None
    total_bytes: int | None
    filesystem: str | None
    held_bytes: int
    promised_bytes: int


def missing_bytes(size_bytes: int, room: Room, limits: Limits) -> int:
    """How much space is lacking for a file of `size_bytes`; 0 if there is room or no telling."""
    if room.free_bytes is None:
        return 0
    left = max(0, size_bytes - room.held_bytes)
    if left == 0:
        return 0
    needed = left + journal_bytes(size_bytes, limits) + limits.margin_for(size_bytes)
    return max(0, needed + room.promised_bytes - room.free_bytes)


def journal_bytes(size_bytes: int, limits: Limits) -> int:
    """What the journal of such a download may grow to."""
    return 2 * 32 * (size_bytes // limits.chunk_for(size_bytes) + 64)


def too_large_for(filesystem: str | None, size_bytes: int) -> int | None:
    """The filesystem's limit if a file of that size does not fit it."""
    if filesystem in _FAT and size_bytes > _FAT_LIMIT_BYTES:
        return _FAT_LIMIT_BYTES
    return None


def is_remote(filesystem: str | None) -> bool:
    """True for a network volume: one stream, and locks may lie."""
    return filesystem in _REMOTE
