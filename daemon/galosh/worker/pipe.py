"""The worker's two ends of the wire: events out, requests in.

Owns the private copy of the original stdout: descriptor 1 itself is pointed at stderr, so
that nothing native code prints can get between two frames. A parent that is gone, at
either end, ends the process at once, whatever native code is doing at that moment.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping

from galosh.worker.frames import FrameDecoder, encode
from galosh.worker.host import Host

_READ_BYTES = 1 << 16


class Pipe:
    """Events to the parent; may be used by any thread."""

    def __init__(self, host: Host) -> None:
        """Take over stdin and stdout; to be called once, before native code is loaded."""
        self._out = os.dup(1)
        os.set_inheritable(self._out, False)
        os.dup2(2, 1)
        host.make_binary(self._out)
        host.make_binary(0)
        self._lock = threading.Lock()

    def send(self, event: Mapping[str, object]) -> None:
        """Write one event; blocks while the parent does not read."""
        rest = memoryview(encode(event))
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._out, rest) :]
            except OSError:
                os._exit(0)

    def requests(self) -> Iterator[dict[str, object]]:
        """Requests as they come; raises FrameError; ends the process at end-of-file."""
        decoder = FrameDecoder()
        while True:
            try:
                data = os.read(0, _READ_BYTES)
            except OSError:
                data = b""
            if not data:
                os._exit(0)
            yield from decoder.feed(data)
