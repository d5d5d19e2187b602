"""Every threshold of the engine, in one place, so that tests can shrink them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds. The defaults are what ships."""

    # Pieces. One chunk is what a kill can cost a connection, so small files get small ones.
    chunk_bytes: int = MIB
    small_chunk_bytes: int = 256 * KIB
    small_file_bytes: int = GIB
    range_min_bytes: int = 16 * MIB
    range_max_bytes: int = 64 * MIB
    range_goal_seconds: float = 4.0
    # How far beyond the first gap a range may start: keeps the hasher in the page cache.
    window_bytes: int = 256 * MIB
    # An answer may start this much earlier than asked (block-aligned caches).
    lead_max_bytes: int = 8 * MIB
    race_share: float = 0.25
    split_seconds: float = 0.8

    # Durability.
    flush_bytes: int = 64 * MIB
    flush_seconds: float = 5.0

    # Links.
    connect_seconds: float = 10.0
    stall_seconds: float = 30.0
    slow_bytes_per_second: float = 1024.0
    slow_seconds: float = 60.0
    stuck_seconds: float = 120.0
    sleep_jump_seconds: float = 30.0
    redirects_max: int = 10
    renew_before_seconds: float = 120.0
    strikes_max: int = 3

    # Back-off.
    backoff_first_seconds: float = 1.0
    backoff_max_seconds: float = 60.0
    backoff_reset_bytes: int = MIB
    give_up_seconds: float = 3600.0
    tls_tries: int = 3

    # Connections.
    adapt_seconds: float = 0.6
    adapt_gain: float = 0.15
    adapt_again_seconds: float = 15.0

    # Disk.
    margin_bytes: int = GIB
    margin_share: float = 0.05
    disk_check_seconds: float = 10.0

    # Telling.
    tick_seconds: float = 0.25
    speed_window_seconds: float = 3.0
    follow_seconds: float = 0.5

    def chunk_for(self, size_bytes: int | None) -> int:
        """Chunk size for a file of `size_bytes`; kept in its plan file from then on."""
        small = size_bytes is not None and size_bytes <= self.small_file_bytes
        return self.small_chunk_bytes if small else self.chunk_bytes

    def margin_for(self, size_bytes: int) -> int:
        """Free space that must stay after a download of `size_bytes`."""
        return max(self.margin_bytes, int(size_bytes * self.margin_share))
