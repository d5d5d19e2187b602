"""Row: decode beside 0, 1 and 2 busy programs, the load changing in mid-answer.

Every policy writes one long answer while busy loops come and go as it gets longer; a policy's
speed under a load is that of the tokens of that stretch. Ours is a worker as it is; the fixed
policies are the same worker told to keep 1 or 2 threads, and llama-server with its defaults,
with OpenMP told not to spin, and with one thread. They run in turn, round by round, and take
turns in who goes first: what else the machine does changes while a round lasts.

Stretches are counted in tokens. A token of this model costs a fifth more behind 500 others
than behind none, so that by the clock a policy that has been fast is compared where its
answer is long, with one whose answer is still short.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from galosh import engine
from scripts.benches.engine_bench import Bench
from scripts.benches.engine_client import request
from scripts.benches.engine_peers import Peers
from scripts.benches.engine_server import Server
from scripts.benches.engine_verdict import Row, Verdict, median, paired_ratio
from tests import real
from tests.worker.client import WorkerProcess

# How many busy loops, and for how many tokens: two or three seconds of a good policy.
TIMETABLE = ((0, 200), (2, 140), (0, 180), (1, 200), (0, 120))
# A policy that collapses is not waited for.
_MOST_SECONDS = 6.0
CORES = 2
PROMPT = "Once upon a time there was a small village by the sea, and in that village"
DEFAULT = "llama-server"
OURS = "ours"
_MOST_TOKENS = 1900
_LOOK_SECONDS = 0.5

Timetable = tuple[tuple[int, int], ...]
Times = list[float]
# An answer as it is written: when each token came, some at a time; maybe none for a while.
Policy = Callable[[], Generator[Times, None, None]]


def measure(bench: Bench) -> Row:
    """The row of `bench.py engine`: ours against the best fixed policy, load by load."""
    speeds: dict[str, dict[int, list[float]]] = {}
    for turn in range(bench.runs):
        with bench.watch.stretch():  # everything in a round is a child that ends in it
            rates = one_round(bench.model, bench.peers, turn=turn)
        for name, found in rates.items():
            for load, rate in found.items():
                speeds.setdefault(name, {}).setdefault(load, []).append(rate)
    note = bench.note()
    verdicts = [_against_best(speeds, load, note) for load in (0, 1, 2)]
    twice = paired_ratio(speeds[OURS][2], speeds[DEFAULT][2])
    verdicts.append(
        Verdict("2 busy loops, over llama-server's defaults", twice, "at least", 2.0, note=note)
    )
    figures = {
        f"{name}, {load} busy": [round(rate, 1) for rate in rates]
        for name, loads in speeds.items()
        for load, rates in sorted(loads.items())
    }
    return Row("load", tuple(verdicts), figures)


def one_round(
    model: Path, peers: Peers | None, timetable: Timetable = TIMETABLE, turn: int = 0
) -> dict[str, dict[int, float]]:
    """Tokens per second by policy and number of busy loops. peers None: without llama-server.
    turn: the number of the round; each begins with another policy."""
    policies: dict[str, Callable[[], Iterator[Policy]]] = {
        OURS: lambda: _worker(model),
        "1 thread": lambda: _worker(model, threads=1, adaptive_threads=False),
        "2 threads": lambda: _worker(model, threads=CORES, adaptive_threads=False),
    }
    if peers is not None:
        never = {"GOMP_SPINCOUNT": "0"}
        policies |= {
            DEFAULT: lambda: _server(Server(peers, model)),
            f"{DEFAULT}, no spinning": lambda: _server(Server(peers, model, environment=never)),
            f"{DEFAULT}, 1 thread": lambda: _server(Server(peers, model, "-t", "1")),
        }
    names = list(policies)
    first = turn % len(names)
    found = {}
    for name in names[first:] + names[:first]:
        with contextmanager(policies[name])() as policy:
            found[name] = under_changing_load(policy, timetable)
    return found


def under_changing_load(policy: Policy, timetable: Timetable) -> dict[int, float]:
    """Tokens per second of one answer, by the number of busy loops beside it."""
    wrote: dict[int, list[float]] = {}
    loops: list[subprocess.Popen[bytes]] = []
    with closing(policy()) as answer:
        try:
            for load, wanted in timetable:
                _end(loops[load:])
                del loops[load:]
                loops += [busy_loop() for _ in range(load - len(loops))]
                tokens, seconds = _stretch(answer, wanted)
                pair = wrote.setdefault(load, [0.0, 0.0])
                pair[0] += tokens
                pair[1] += seconds
        finally:
            _end(loops)
    return {load: tokens / seconds for load, (tokens, seconds) in wrote.items()}


def _stretch(answer: Iterator[Times], wanted: int) -> tuple[int, float]:
    """How many tokens came from now on, and in which time."""
    began = time.monotonic()
    came: Times = []
    for times in answer:
        came += [at for at in times if at > began]
        if len(came) >= wanted:
            return len(came), came[-1] - began
        if (passed := time.monotonic() - began) > _MOST_SECONDS:
            return len(came), passed
    raise RuntimeError("the answer ended before the timetable")


def busy_loop() -> subprocess.Popen[bytes]:
    """A program that takes all it gets; a session of its own, as a browser is."""
    command = [sys.executable, "-c", "while True: pass"]
    return subprocess.Popen(command, start_new_session=True)


def _end(loops: list[subprocess.Popen[bytes]]) -> None:
    for loop in loops:
        loop.kill()
        loop.wait()


def _worker(model: Path, **options: object) -> Iterator[Policy]:
    argv = engine.worker_command(real.real_engine_home(), real.real_engine())
    with WorkerProcess(argv, own_session=True) as worker:
        worker.load(model, **{"threads": CORES, "context_tokens": 2048, **options})

        def write() -> Generator[Times, None, None]:
            sampling = {"temperature": 0, "logit_bias": {"0": -100, "2": -100}}
            began = time.monotonic()
            worker.send(
                type="generate", id="load", prompt=PROMPT, max_tokens=_MOST_TOKENS,
                sampling=sampling, draft=False,
            )  # fmt: skip
            known = 0
            while (event := worker.next())["type"] not in ("done", "error"):
                if event["type"] == "text":
                    times = _spread(began, event, known)
                    known += len(times)
                    began = times[-1] if times else began
                    yield times
            assert event["type"] == "done", event

        yield write


def _spread(since: float, piece: Mapping[str, object], known: int) -> Times:
    """When the tokens of a piece came: it holds those of up to 0.1 s, evenly."""
    tokens = int(str(piece["completion_tokens"])) - known
    step = (float(str(piece["at"])) - since) / max(1, tokens)
    return [since + step * (index + 1) for index in range(tokens)]


def _server(server: Server) -> Iterator[Policy]:
    with server:

        def write() -> Generator[Times, None, None]:
            body: Mapping[str, object] = {
                "prompt": PROMPT, "max_tokens": _MOST_TOKENS, "temperature": 0,
                "ignore_eos": True, "stream": True,
            }  # fmt: skip
            with server.address.connect(_LOOK_SECONDS) as door:
                door.sendall(request("POST", "/v1/completions", body, ""))
                while True:
                    try:
                        data = door.recv(65536)
                    except TimeoutError:
                        yield []
                        continue
                    if not data:
                        return
                    yield [time.monotonic()] * data.count(b"data: {")

        yield write


def _against_best(speeds: dict[str, dict[int, list[float]]], load: int, note: str) -> Verdict:
    fixed = {name: loads[load] for name, loads in speeds.items() if name != OURS}
    best = max(fixed, key=lambda name: median(fixed[name]))
    ratio = paired_ratio(speeds[OURS][load], fixed[best])
    name = f"{load} busy loops, over the best fixed policy ({best})"
    return Verdict(name, ratio, "at least", 0.9, note=note)
