"""One download by galosh's engine, for the benches: `python -m scripts.benches.pull_once`.

Owns the shortened waits that make a bench end, and the one line of JSON that says how it
ended. The engine, its rules and its errors are the shipped ones.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.deliver import Options
from galosh.download.limits import Limits
from galosh.download.obtain import obtain
from galosh.download.state import Progress

MIB = 1024 * 1024
GIVE_UP_SECONDS = 12.0  # without a new byte; then the bench has seen enough
LIMITS = Limits(
    stall_seconds=3.0, slow_seconds=3.0, stuck_seconds=8.0, backoff_first_seconds=0.5,
    backoff_max_seconds=3.0, disk_check_seconds=1.0, margin_bytes=0, margin_share=0.0,
    sleep_jump_seconds=1.5, strikes_max=3,
)  # fmt: skip


class _Patience:
    """Stops a download that has kept no new byte for too long, and knows what it waited for."""

    def __init__(self, stop: threading.Event) -> None:
        self.cause: str | None = None
        self._stop = stop
        self._kept_bytes = -1
        self._timer: threading.Timer | None = None

    def follow(self, progress: Progress) -> None:
        """Start the timer anew whenever something was kept."""
        if progress.waiting is not None and not self._stop.is_set():
            self.cause = progress.waiting.cause
        if progress.kept_bytes != self._kept_bytes:
            self._kept_bytes = progress.kept_bytes
            self.end()
            self._timer = threading.Timer(GIVE_UP_SECONDS, self._stop.set)
            self._timer.start()

    def end(self) -> None:
        """No timer any more."""
        if self._timer is not None:
            self._timer.cancel()


def main(arguments: Sequence[str] | None = None) -> int:
    """`REPO FILE FOLDER`: pull `hf:REPO:FILE` into FOLDER/models."""
    repo, file, folder = sys.argv[1:] if arguments is None else arguments
    stop = threading.Event()
    patience = _Patience(stop)
    paths = Paths.find()
    target = Path(folder) / "models" / file
    said: dict[str, object]
    try:
        options = Options(follow=patience.follow, stop=stop, limits=LIMITS)
        got = obtain(f"hf:{repo}:{file}", lambda _: target, paths, options)
        receipt = got.receipts[0]
        said = {
            "received_bytes": receipt.received_bytes,
            "refetched_bytes": receipt.refetched_bytes,
        }
    except GaloshError as error:
        waits = patience.cause if error.code == "download-stopped" else None
        said = {"waits": waits} if waits else {"code": error.code, "text": str(error)}
    finally:
        patience.end()
    print(json.dumps(said))
    return 1 if "code" in said or "waits" in said else 0


if __name__ == "__main__":
    sys.exit(main())
