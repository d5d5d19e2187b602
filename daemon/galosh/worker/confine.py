"""What a worker may still touch once it knows its model: that file, its prefixes, its engine.

Every thread that runs while a foreign file is parsed enters by itself, since rights belong to
threads: the one that reads the pipe when it sees the load request, the one that owns the model
before it opens the file; native threads are made later and inherit. Engines that use a graphics
card stay outside: their drivers need devices, sockets and caches that nobody can list.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping

from galosh.worker import options as read
from galosh.worker.fault import WorkerFault
from galosh.worker.host import Host
from galosh.worker.options import LoadOptions

_PART = re.compile(r"(.*-)(\d{5})(-of-)(\d{5})(\.gguf)", re.DOTALL)
_MOST_PARTS = 1000
# Where Linux keeps libraries, times of day and what a thread may know of the machine.
_SYSTEM = (
    "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/share/zoneinfo",
    "/etc/localtime", "/etc/ld.so.cache", "/etc/timezone", "/dev/null", "/dev/urandom",
    "/proc/self", "/proc/uptime", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/sys/devices",
)  # fmt: skip


class Confinement:
    """See the module. `possible`: whether the engine can live with it; told by whoever loads it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.possible = True

    def enter_for(self, request: Mapping[str, object]) -> None:
        """The same for a load request that nobody has checked yet; a wrong one changes nothing."""
        try:
            self.enter(read.read_load(request))
        except WorkerFault:
            return  # whoever loads the model says what is wrong with it

    def enter(self, options: LoadOptions) -> list[str]:
        """Confine this thread to what these wishes need. Returns what holds, by name."""
        if not options.confine or not self.possible:
            return []
        writable = [] if options.prefix_folder is None else [options.prefix_folder]
        readable = [*_places(), *parts(options.path)]
        if options.draft_path is not None:
            readable += parts(options.draft_path)
        limit = options.prefix_disk_bytes if options.prefix_folder is not None else 0
        return self._host.confine(readable, writable, limit)


def parts(path: str) -> Iterator[str]:
    """The file, and the others of a model in several files."""
    yield path
    found = _PART.fullmatch(path)
    if found and int(found[4]) <= _MOST_PARTS:
        for number in range(1, int(found[4]) + 1):
            yield f"{found[1]}{number:05}{found[3]}{found[4]}{found[5]}"


def _places() -> Iterator[str]:
    yield from _SYSTEM
    # The engine's environment, and the Python that it was made from.
    yield sys.prefix
    yield from (place for name, place in sysconfig.get_paths().items() if "lib" in name)
    yield f"{sys.base_prefix}/lib"
