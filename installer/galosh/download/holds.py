"""What servers asked of every process: `holds.json`, host -> until when to leave it alone.

Shared by all downloads of this user. Losing it costs one more polite refusal, so it is
written whole and never locked.
"""

from __future__ import annotations

import json
from pathlib import Path

from galosh.download.layer import FileLayer, write_whole

FILE_NAME = "holds.json"


def read_holds(layer: FileLayer, folder: Path, wall_seconds: float) -> dict[str, float]:
    """Hosts to leave alone and for how many more seconds."""
    try:
        value = json.loads(layer.read_all(folder / FILE_NAME) or b"{}")
        pairs = {str(host): float(until) - wall_seconds for host, until in value.items()}
    except (ValueError, AttributeError, TypeError, OSError):
        return {}
    # A clock set back must not turn a minute into a year.
    return {host: left for host, left in pairs.items() if 0 < left < 7 * 3600}


def add_holds(
    layer: FileLayer, folder: Path, wall_seconds: float, until: list[tuple[str, float]]
) -> None:
    """Add hosts; a disk that refuses is no reason to stop."""
    known = read_holds(layer, folder, wall_seconds)
    merged = {host: wall_seconds + left for host, left in known.items()}
    for host, end in until:
        merged[host] = max(end, merged.get(host, 0.0))
    try:
        write_whole(layer, folder / FILE_NAME, json.dumps(merged).encode())
    except OSError:
        return
