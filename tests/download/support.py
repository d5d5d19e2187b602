"""A rig for end-to-end tests: the fault server, shrunk limits, one fetch, its progress."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from galosh.base.clock import Clock, SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.fetch import fetch
from galosh.download.layer import FileLayer, RealLayer
from galosh.download.limits import KIB, MIB, Limits
from galosh.download.plan import ByteSource, Plan
from galosh.download.receipt import Receipt
from galosh.download.state import Progress, State
from tests.fakes.hub import FaultHub
from tests.fakes.model_files import gguf

# Everything a hundredth of its real length, so that a stall costs a test a third of a second.
FAST = Limits(
    chunk_bytes=64 * KIB, small_chunk_bytes=64 * KIB, range_min_bytes=MIB,
    range_max_bytes=4 * MIB, range_goal_seconds=0.2, window_bytes=8 * MIB, flush_bytes=MIB,
    flush_seconds=0.1, connect_seconds=1.0, stall_seconds=0.3, slow_seconds=0.6,
    stuck_seconds=1.2, backoff_first_seconds=0.02, backoff_max_seconds=0.2,
    backoff_reset_bytes=64 * KIB, adapt_seconds=0.1, adapt_again_seconds=0.5, margin_bytes=0,
    margin_share=0.0, disk_check_seconds=0.1, tick_seconds=0.02, follow_seconds=0.02,
    speed_window_seconds=0.3, split_seconds=0.3, renew_before_seconds=0.0,
)  # fmt: skip

SIZE = 3 * MIB + 12_345
DATA = gguf(SIZE, 11)


class JumpClock(SystemClock):
    """The PC's clock with jumps: a sleep moves the wall clock, not the steady one."""

    def __init__(self) -> None:
        self.jump_seconds = 0.0

    def wall_seconds(self) -> float:
        """See Clock."""
        return super().wall_seconds() + self.jump_seconds


@dataclasses.dataclass
class Rig:
    """One user's folders and one server."""

    hub: FaultHub
    paths: Paths
    data: bytes = DATA
    limits: Limits = FAST
    layer: FileLayer = dataclasses.field(default_factory=RealLayer)
    clock: Clock = dataclasses.field(default_factory=SystemClock)
    seen: list[Progress] = dataclasses.field(default_factory=list)

    @property
    def target(self) -> Path:
        """Where the file goes."""
        return self.paths.models / "model.gguf"

    def serve(self, path: str = "/model.gguf", data: bytes | None = None, **facts: Any) -> str:
        """Put the file on the server; its URL."""
        return self.hub.add_file(path, self.data if data is None else data, **facts)

    def plan(self, *urls: str | ByteSource, pinned: bool = True, **facts: Any) -> Plan:
        """A plan over these URLs (or ByteSources)."""
        sources = tuple(one if isinstance(one, ByteSource) else ByteSource(one) for one in urls)
        given: dict[str, Any] = {
            "file_name": "model.gguf",
            "size_bytes": len(self.data),
            "sha256": hashlib.sha256(self.data).hexdigest() if pinned else None,
            "authority": "catalogue" if pinned else "none",
            "sources": sources,
            "origin": sources[0].url,
            "expects": "gguf",
        }
        return Plan(**{**given, **facts})

    def fetch(self, plan: Plan, **options: Any) -> Receipt:
        """Fetch; every progress is noted in `seen`."""
        also: Callable[[Progress], None] | None = options.pop("follow", None)

        def follow(progress: Progress) -> None:
            self.seen.append(progress)
            if also is not None:
                also(progress)

        given: dict[str, Any] = {
            "follow": follow, "limits": self.limits, "io": self.layer, "clock": self.clock,
        }  # fmt: skip
        return fetch(plan, self.target, self.paths, **{**given, **options})

    def right(self) -> bool:
        """The file is there with the right bytes and nothing else is left."""
        names = {path.name for path in self.paths.data.rglob("*") if path.is_file()}
        names.discard("holds.json")
        return self.target.read_bytes() == self.data and names == {
            "model.gguf",
            "model.gguf.receipt.json",
        }

    def causes(self) -> set[str]:
        """Every cause of waiting that was shown."""
        return {one.waiting.cause for one in self.seen if one.waiting is not None}

    def states(self) -> set[State]:
        """Every state that was shown."""
        return {one.state for one in self.seen}

    def falls(self) -> int:
        """How often shown progress went back."""
        kept = [one.kept_bytes for one in self.seen if not one.follows]
        return sum(1 for a, b in itertools.pairwise(kept) if b < a)

    def stop_at(self, plan: Plan, share: float, **options: Any) -> None:
        """Fetch until `share` of the file is kept, then stop."""
        stop = threading.Event()

        def follow(progress: Progress) -> None:
            if progress.kept_bytes >= share * len(self.data):
                stop.set()

        limits = dataclasses.replace(self.limits, tick_seconds=0.002)
        given = {"max_rate_bytes": 12 * MIB, "limits": limits, "connections": 1, **options}
        with pytest.raises(GaloshError) as caught:
            self.fetch(plan, stop=stop, follow=follow, **given)
        assert caught.value.code == "download-stopped"


def until(ready: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something another thread brings about."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)
