"""What every row of the engine's measurements is given."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from scripts.benches import engine_peers
from scripts.benches.engine_busy import Watch
from scripts.benches.engine_daemon import Daemon, cpu_seconds
from scripts.benches.engine_peers import Peers

# Everyday words, one token each in most vocabularies.
_WORDS = (
    "time year people way day man thing woman life child world school state family student "
    "group country problem hand part place case week company system program question work "
    "number night point home water room mother area money story fact month lot right study "
    "book eye job word business issue side kind head house service friend father power hour "
    "game line end member law car city name team minute idea body back parent face level"
)


@dataclass
class Bench:
    """model: the GGUF of the speed rows. runs: rounds of a paired measurement.

    yield_to: a file that others lock exclusively while they need a quiet PC; the soak takes a
    shared lock around every piece of load.
    """

    model: Path
    runs: int = 3
    watch: Watch = field(default_factory=Watch)
    soak_seconds: float = 3600.0
    yield_to: Path | None = None

    @property
    def peers(self) -> Peers:
        """The built peers. Raises NotBuiltError."""
        return engine_peers.build()

    def note(self) -> str:
        """What a reader must know of the PC while the row ran."""
        return self.watch.note()


def text_of(daemon: Daemon, tokens: int, seed: object, start: str = "") -> str:
    """A text of `tokens` tokens, another one for every seed; it begins with `start`."""
    chooser = random.Random(str(seed))
    known = _WORDS.split()
    words = [*start.split(), *(chooser.choice(known) for _ in range(tokens))]
    while (count := daemon.client.count_tokens(" ".join(words))) != tokens:
        if count > tokens:
            del words[-max(1, (count - tokens) // 2) :]
        else:
            words.append(chooser.choice(known))
    return " ".join(words)


def own_seconds(daemon: Daemon) -> float:
    """Processor time of the daemon and its worker so far."""
    pids = [daemon.pid, daemon.worker_pid()]
    return sum(cpu_seconds(pid) for pid in pids if pid is not None)
