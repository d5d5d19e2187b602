"""One measured download of a plain address by galosh's engine, in a process of its own.

Owns the measuring: processor time, wall time, growth of resident memory. The engine runs with
its shipped limits.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from galosh.base.paths import Paths
from galosh.download import ByteSource, Plan, fetch

_KIB = 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """`URL SHA256 SIZE FOLDER CONNECTIONS`: fetch into FOLDER; one line of JSON."""
    url, sha256, size, folder, connections = sys.argv[1:] if arguments is None else arguments
    plan = Plan(
        file_name="model.bin",
        size_bytes=int(size),
        sha256=sha256,
        authority="user",
        sources=(ByteSource(url),),
        origin=url,
    )
    home = Path(folder)
    _import_network()
    before, start, cpu = _resident_bytes(), time.monotonic(), time.process_time()
    receipt = fetch(plan, home / "model.bin", Paths.under(home), connections=int(connections))
    said = {
        "wall_seconds": time.monotonic() - start,
        "fetch_cpu_seconds": time.process_time() - cpu,
        "cpu_seconds": time.process_time(),
        "growth_bytes": _peak_bytes() - before,
        "received_bytes": receipt.received_bytes,
    }
    print(json.dumps(said))
    return 0


def _import_network() -> None:
    """So that the growth measured is the download's and not that of imported code."""
    import psutil
    import requests

    requests.Session().close()
    psutil.Process()


def _resident_bytes() -> int:
    """What is resident now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def _peak_bytes() -> int:
    """The most that ever was resident."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * _KIB


if __name__ == "__main__":
    sys.exit(main())
