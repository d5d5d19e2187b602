"""Reads a saved state while the model it is for is being loaded.

Which text a question begins with is known only once the model can read it; mostly it is the
one that was used last. Every byte is checked as at any other time (`prefix_files`). Owns its
thread and, until it is taken, the state; decides nothing.
"""

from __future__ import annotations

import threading

from galosh.worker.prefix_files import PrefixFiles, SavedPrefix


class Ahead:
    """The reading of one file, begun at once."""

    def __init__(self, files: PrefixFiles, saved: SavedPrefix) -> None:
        self.saved = saved
        self._files = files
        self._state: bytearray | None = None
        self._thread = threading.Thread(target=self._read, name="ahead", daemon=True)
        self._thread.start()

    def take(self) -> bytearray | None:
        """What `PrefixFiles.read` returned, once."""
        self._thread.join()
        state, self._state = self._state, None
        return state

    def _read(self) -> None:
        self._state = self._files.read(self.saved)
