"""`bench.py fit --speed`: forecasts of speed against real runs, the forecast written first.

The pieces of a model's work are timed by galosh's own probe, the forecast goes to a log,
then the real worker reads and writes, and the result is added to the same line. Constants
were fitted on SmolLM2 alone; gemma-3-270m and a synthetic model of 1.1 GiB (random four-bit
blocks: speed does not depend on the values) are held out. A run beside other work is left
out, not averaged. Runs are kept in the test cache, so that the whole can be done in pieces.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galosh import gguf, hardware
from galosh.base.paths import Paths
from galosh.engine.records import Engine
from galosh.fit import read_shape
from galosh.fit.forecast import DECODE_OFF, PREFILL_OFF, expected_seconds
from galosh.fit.learn import power_of
from galosh.fit.measured import Circumstances, Measured
from galosh.fit.probe import measure
from galosh.fit.runs import Correction, Run
from galosh.fit.work import Work, read_work
from galosh.gguf import Header
from scripts.benches.quiet import Watch
from tests import real
from tests.fakes import gguf_models
from tests.worker.client import WorkerProcess

RUNS = 10
BATCH_TOKENS, CONTEXT_TOKENS = 256, 8192
SYNTHETIC = "synthetic-llama-2B-Q4_K.gguf"
DECODE_LIMIT, PREFILL_LIMIT = 0.15, 0.25
IN_RANGE = 0.9
_IN_A_ROW = 3
_ENDS = ("low", "mid", "high")
REPO = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Case:
    """One thing measured. past: tokens before; tokens: read (prefill) or written (decode)."""

    model: str
    kind: str
    past: int
    tokens: int

    @property
    def name(self) -> str:
        """As it stands in the log."""
        return f"{self.model} {self.kind} {self.tokens if self.kind == 'prefill' else self.past}"


CASES = tuple(
    Case(model, kind, past, tokens)
    for model, kinds in {
        "smollm2": "p128 p1024 d0 d1000 d4000",
        "gemma": "p128 p1024 d0 d1000 d4000",
        "synthetic": "p128 d0 d1000",
    }.items()
    for word in kinds.split()
    for kind, past, tokens in (
        ("prefill", 0, int(word[1:])) if word[0] == "p" else ("decode", int(word[1:]), 32),
    )
)


def run_speed(options: argparse.Namespace) -> int:
    """Do runs for at most `options.seconds`, then say how things stand; 1 when a target is
    missed. options.cases: models to run (all), options.runs: how many of each case."""
    log = real.CACHE / "fit-speed.jsonl"
    wanted = int(getattr(options, "runs", None) or RUNS)
    models = getattr(options, "cases", None) or ["smollm2", "gemma", "synthetic"]
    seconds = float(getattr(options, "seconds", None) or 150)
    if getattr(options, "fresh", False):
        log.unlink(missing_ok=True)
    for model in models:
        deadline = time.monotonic() + seconds / len(models)
        missing = [
            case for case in CASES
            if case.model == model and len(_good(log).get(case.name, [])) < wanted
        ]  # fmt: skip
        if missing:
            Session(model, log, deadline).run(missing, wanted)
    return report(_good(log), wanted)


def _good(log: Path) -> dict[str, list[dict[str, Any]]]:
    """The quiet runs so far, by case."""
    found: dict[str, list[dict[str, Any]]] = {}
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    for line in lines:
        entry = json.loads(line)
        if entry.get("quiet"):
            found.setdefault(str(entry["case"]), []).append(entry)
    return found


class Session:
    """One model: the probe, the forecasts, the worker."""

    def __init__(self, model: str, log: Path, deadline: float) -> None:
        self._log, self._deadline, self._prompts = log, deadline, 0
        self._file = model_file(model)
        self._engine = real.real_engine()
        self.header = gguf.check_file(self._file)
        self._work = read_work(self.header, read_shape(self.header))
        machine = hardware.probe(Paths.under(real.CACHE / "home"))
        now = Circumstances(self._engine.build_id, power_of(machine), machine.threads)
        self._threads = machine.threads
        self._measured: Measured | None = None
        while self._measured is None and time.monotonic() < deadline:
            begun = time.monotonic()
            outcome = measure(self._engine.python, now, self._work, None, cores=(1, 2))
            self._measured = outcome.measured
            took = time.monotonic() - begun
            said = f"refused: {outcome.refused} {outcome.reason}" if outcome.refused else "done"
            print(f"{model}: probe {said}, {took:.1f} s", flush=True)
            time.sleep(1 if outcome.refused else 0)

    def run(self, cases: list[Case], wanted: int) -> None:
        """Rounds over the cases, one run of each, until there are enough or the time is up."""
        if self._measured is None:
            return
        with WorkerProcess(worker_command(self._engine)) as worker:
            loaded = worker.load(
                self._file, threads=self._threads, context_tokens=CONTEXT_TOKENS,
                batch_tokens=BATCH_TOKENS, flash_attention=True, use_mmap=True, draft=False,
            )  # fmt: skip
            assert loaded["type"] == "loaded", loaded
            # Rounds, so that a slow minute does not fall on one case; a few of one case in a
            # row, since a long past has to be read anew after every other prompt.
            for _ in range(3 * wanted):
                for case in cases:
                    for _run in range(_IN_A_ROW):
                        enough = len(_good(self._log).get(case.name, [])) >= wanted
                        if not enough and time.monotonic() < self._deadline:
                            self._one(worker, case)
                            self._prompts += 1  # other words each time

    def _one(self, worker: WorkerProcess, case: Case) -> None:
        assert self._measured is not None
        reading = case.kind == "prefill"
        text = prompt(case, self._prompts, self.header)
        worker.send(type="count", id="c", text=text)
        tokens = int(str(worker.until("count", "error")[-1]["count"]))
        if not reading:  # what came before is read outside the run
            worker.generate(prompt=text, max_tokens=1, sampling={"temperature": 0})
        identity = "bench"
        run = Run(identity, self._measured.circumstances, tokens, 0, 1.0, case.tokens, 1.0)
        entry = self._forecast(case, run)
        watch = Watch(worker.process.pid, self._threads)
        done = worker.generate(
            prompt=text, max_tokens=1 if reading else case.tokens, reuse=not reading,
            sampling={"temperature": 0, "logit_bias": {str(n): -100 for n in ends(self.header)}},
        )[-1]  # fmt: skip
        quiet = watch.end()
        if done["type"] != "done":
            raise SystemExit(f"{case.name}: {done}")
        if reading:
            real_rate = tokens / float(str(done["prefill_seconds"]))
        else:
            real_rate = int(str(done["completion_tokens"])) / float(str(done["decode_seconds"]))
        entry |= {"tokens": tokens, "rate": real_rate, **asdict(quiet), "quiet": quiet.is_quiet}
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        mark = "" if quiet.is_quiet else f"  left out: {quiet}"
        print(f"{case.name}: {entry['mid']:.1f} forecast, {real_rate:.1f} real{mark}", flush=True)

    def _forecast(self, case: Case, run: Run) -> dict[str, Any]:
        """Written before the run it is for."""
        assert self._measured is not None
        prefill, decode = expected_seconds(run, self._work, self._measured, BATCH_TOKENS, 2.0)
        reading = case.kind == "prefill"
        rate = run.prompt_tokens / prefill if reading else case.tokens / decode
        said = Correction().rate(rate, PREFILL_OFF if reading else DECODE_OFF)
        entry = {
            "case": case.name, "at": time.time(), "engine": self._engine.build_id,
            **asdict(said), **baselines(self.header, self._work),
            "measured": self._measured.to_json(),
        }  # fmt: skip
        with self._log.with_suffix(".forecasts").open("a", encoding="utf-8") as file:
            file.write(json.dumps({**entry, "measured": None}) + "\n")
        return entry


def model_file(name: str) -> Path:
    """The model of a case, made or fetched when it is not there."""
    if name == "smollm2":
        return real.starter_model()
    if name == "gemma":
        return real.gemma_model()
    file = real.CACHE / "models" / SYNTHETIC
    if not file.exists():
        model = gguf_models.llama(24, 2560, 20, 4, 8192, 32_000, 8192, "Q4_K")
        part = file.with_suffix(".part")
        model.write(part, seed=1).replace(file)
    return file


def worker_command(engine: Engine) -> list[str]:
    """The worker of this checkout in the shared engine, whose own copy others replace."""
    start = (
        f"import sys, runpy; sys.path.insert(0, {str(REPO / 'daemon')!r}); "
        "runpy.run_module('galosh.worker', run_name='__main__')"
    )
    return [str(engine.python), "-I", "-c", start]


def prompt(case: Case, number: int, header: Header) -> str:
    """Words that make about as many tokens as asked; others for every run that reads."""
    wanted = case.tokens if case.kind == "prefill" else max(8, case.past)
    spelled = header.metadata.get("tokenizer.ggml.model") == "llama" and case.model == "synthetic"
    words = ["stone", "water", "light", "paper", "green", "house", "road", "tree"]
    per_word = 6 if spelled else 1  # the synthetic vocabulary knows letters only
    shift = number if case.kind == "prefill" else 0
    return " ".join(words[(i * i + shift * 3 + i // 7) % 8] for i in range(wanted // per_word))


def ends(header: Header) -> Iterator[int]:
    """Tokens that would end an answer before its time."""
    for name in ("eos", "eot", "bos"):
        token = header.whole(f"tokenizer.ggml.{name}_token_id")
        if token is not None:
            yield token
    if header.architecture == "gemma3":
        yield 106


def baselines(header: Header, work: Work) -> dict[str, float]:
    """What two usual rules of thumb say of writing."""
    return {
        "by_parameters": 70 / (header.parameter_count / 1e9),
        "by_size": 50e9 / work.token_bytes,
    }


def report(found: Mapping[str, list[dict[str, Any]]], wanted: int) -> int:
    """The table; 1 when a target is missed."""
    missed: list[str] = []
    print("case | runs | forecast low-mid-high | real median (min-max) | in range | median error"
          " | 70/B | size/50 GB/s")  # fmt: skip
    for case in CASES:
        entries = found.get(case.name, [])[:wanted]
        if not entries:
            print(f"{case.name} | 0 |")
            missed.append(case.name)
            continue
        inside = sum(one["low"] <= one["rate"] <= one["high"] for one in entries)
        off = statistics.median(abs(one["mid"] / one["rate"] - 1) for one in entries)
        rates = [one["rate"] for one in entries]
        low, mid, high = (
            statistics.median(one[k] for one in entries) for k in ("low", "mid", "high")
        )
        thumb = "– | –"
        if case.kind == "decode":
            thumb = " | ".join(
                f"{statistics.median(one[k] / one['rate'] - 1 for one in entries):+.0%}"
                for k in ("by_parameters", "by_size")
            )
        print(f"{case.name} | {len(entries)} | {low:.1f}-{mid:.1f}-{high:.1f} | "
              f"{statistics.median(rates):.1f} ({min(rates):.1f}-{max(rates):.1f}) | "
              f"{inside}/{len(entries)} | {off:.0%} | {thumb}")  # fmt: skip
        limit = DECODE_LIMIT if case.kind == "decode" else PREFILL_LIMIT
        if case.model != "smollm2" and (
            off > limit or inside < IN_RANGE * len(entries) or len(entries) < wanted
        ):
            missed.append(case.name)
    print(f"missed: {', '.join(missed) or 'nothing'}")
    return 1 if missed else 0
