"""The engine's measurements: `bench.py engine [--rows a,b] [--runs N] [--json FILE]`.

One row after another, each with its target and a verdict. A ratio is a median over rounds in
which both sides ran in turn. Ratios of speed mean something on a quiet PC only: the line says
how busy it was. The first use builds the peers (llama-server, llama-bench); it may be
interrupted and goes on.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path

from galosh.base import durable
from scripts.benches.engine_bench import Bench
from scripts.benches.engine_peers import NotBuiltError, build
from scripts.benches.engine_verdict import Row, Verdict
from tests import real

# Row -> the module and function that measures it, and what it shows.
ROWS = {
    "decode": ("engine_speed:decode", "decode through the HTTP API over llama-bench"),
    "prefill": ("engine_speed:prefill", "prefill of 512 tokens over llama-bench"),
    "parallel": ("engine_speed:parallel", "4 requests at once over one"),
    "load": ("engine_load:measure", "decode beside 0, 1 and 2 busy programs, changing"),
    "draft": ("engine_draft:draft", "rewriting a text and free chat, drafted over undrafted"),
    "warm": ("engine_words:warm", "first word after a known preset, warm"),
    "woken": ("engine_words:woken", "the same after idle unload"),
    "restarted": ("engine_words:restarted", "the same after a daemon restart"),
    "memory": ("engine_memory:measure", "worker memory, gemma-3-270m at 8k context"),
    "idle-fresh": ("engine_idle:fresh", "the daemon with no model loaded"),
    "idle-used": ("engine_idle:used", "the same after a model was used and unloaded"),
    "idle-downloaded": ("engine_idle:downloaded", "the same after a download"),
    "pressure": ("engine_pressure:given_back", "memory back after pressure starts"),
    "swap": ("engine_pressure:loads", "50 loads beside a program that grows"),
    "kills": ("engine_kills:kills", "worker killed 100 times, daemon 50 times, under load"),
    "bad-input": ("engine_bad_input:measure", "hostile questions and files"),
    "soak": ("engine_soak:soak", "an hour of mixed load (--soak SECONDS)"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-command's own options."""
    names = "\n".join(f"{name}: {words}" for name, (_, words) in ROWS.items())
    parser.add_argument("--rows", help=f"comma-separated, default all but soak. {names}")
    parser.add_argument("--runs", type=int, default=3, help="rounds of a paired measurement")
    parser.add_argument("--json", type=Path, help="append the figures here, a line a row")
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="how long the soak lasts")
    parser.add_argument("--yield-to", type=Path, help="the soak holds a shared lock on this file")
    parser.add_argument("--peers", action="store_true", help="only build the peers")


def main(options: argparse.Namespace) -> int:
    """Measure the rows; 0 when all passed."""
    os.environ.setdefault("GALOSH_LANG", "en")
    if options.peers:
        return _build_peers()
    bench = Bench(real.starter_model(), options.runs, yield_to=options.yield_to)
    if options.soak:
        bench.soak_seconds = options.soak
    wanted = (options.rows or ("soak" if options.soak else _usual())).split(",")
    unknown = [name for name in wanted if name not in ROWS]
    if unknown:
        print(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}", file=sys.stderr)
        return 2
    rows = [_measure(name, bench, options.json) for name in wanted]
    passed = sum(row.passed for row in rows)
    print(f"\n{passed} of {len(rows)} rows passed")
    return 0 if passed == len(rows) else 1


def _usual() -> str:
    return ",".join(name for name in ROWS if name != "soak")


def _build_peers() -> int:
    try:
        print(build(limit_seconds=3600).folder)
    except NotBuiltError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _measure(name: str, bench: Bench, log: Path | None) -> Row:
    module_name, function = ROWS[name][0].split(":")
    print(f"\n{name}: {ROWS[name][1]}", flush=True)
    began = time.monotonic()
    bench.watch.cores = 0.0
    try:
        module = importlib.import_module(f"scripts.benches.{module_name}")
        row: Row = getattr(module, function)(bench)
    except (NotBuiltError, ModuleNotFoundError) as error:
        row = Row(name, (Verdict(name, None, "at least", 1, note=str(error)),))
    for verdict in row.verdicts:
        print(f"  {verdict.line()}", flush=True)
    for figure, value in row.figures.items():
        if figure.startswith("all_"):
            continue  # for the file
        print(f"    {figure}: {_shown(value)}", flush=True)
    print(f"    took {time.monotonic() - began:.0f} s", flush=True)
    if log is not None:
        entry = row.to_json() | {"at": time.time(), "others_cores": round(bench.watch.cores, 3)}
        earlier = log.read_text(encoding="utf-8") if log.exists() else ""
        durable.write_text(log, earlier + json.dumps(entry) + "\n")
    return row


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, (list, tuple)):
        return "  ".join(_shown(item) for item in value)
    return str(value)
