"""The process that fetches one job: what a transfer needs of memory goes when it ends.

Reads one JSON line with the job on stdin and writes JSON lines on stdout: `found`, `progress`,
and last `done` or `failed`. Whatever comes on stdin after the job, its end included, means:
let go, with everything kept. So it never outlives its daemon. Secrets come by the pipe alone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.deliver import Options
from galosh.download.obtain import obtain
from galosh.download.place import choose_place, places_of
from galosh.download.resolved import Resolved
from galosh.download.state import Progress


class Child:
    """One fetch. job: see `download_run`."""

    def __init__(self, job: Mapping[str, Any], paths: Paths, out: TextIO) -> None:
        self._job = job
        self._paths = paths
        self._out = out
        self._lock = threading.Lock()
        self.stop = threading.Event()

    def run(self) -> None:
        """Fetch and tell how it ended."""
        try:
            self._say("done", path=str(self._fetch()))
        except GaloshError as error:
            self._say("failed", error=error.to_json())
        except Exception as error:
            import traceback

            traceback.print_exc()
            reason = f"{type(error).__name__}: {error}"
            broke = GaloshError("supervisor-download-broke", reason=reason)
            self._say("failed", error=broke.to_json())

    def _fetch(self) -> Path:
        job = self._job
        options = Options(
            connections=job["connections"],
            max_rate_bytes=job["max_rate_bytes"],
            follow=self._follow,
            stop=self.stop,
        )
        return obtain(
            job["source"], self._place, self._paths, options,
            sha256=job["sha256"], environ={**os.environ, **job["environ"]},
        ).path  # fmt: skip

    def _place(self, resolved: Resolved) -> Path:
        wanted = self._job["target"]
        target = Path(wanted) if wanted is not None else choose_place(self._paths, resolved)
        files = [
            {
                "key": plan.key,
                "path": str(path),
                "size_bytes": plan.size_bytes,
                "was_there": path.exists(),
            }
            for plan, path in places_of(self._paths, resolved, target)
        ]
        self._say("found", file_name=target.name, size_bytes=resolved.fetch_bytes, files=files)
        return target

    def _follow(self, progress: Progress) -> None:
        self._say("progress", view=progress.to_json())

    def _say(self, kind: str, **facts: object) -> None:
        line = json.dumps({"type": kind, **facts}, default=str) + "\n"
        try:
            with self._lock:
                self._out.write(line)
                self._out.flush()
        except OSError:
            self.stop.set()  # nobody listens any more


def main() -> None:
    """The entry: the paths are those of the environment."""
    child = Child(json.loads(sys.stdin.readline()), Paths.find(), sys.stdout)

    def listen() -> None:
        sys.stdin.readline()
        child.stop.set()

    threading.Thread(target=listen, daemon=True).start()
    child.run()
    sys.stdout.flush()
    os._exit(0)  # a thread may still sit in a read of the network


if __name__ == "__main__":
    main()
