"""Rows on a quiet PC: decode and prefill against llama-bench, parallel requests against one.

Both sides of a ratio run in turn, round by round. Drafting is off for these rows: they measure
the way a token takes, not what can be guessed.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable

from scripts.benches.engine_bench import Bench, own_seconds, text_of
from scripts.benches.engine_client import Answer
from scripts.benches.engine_daemon import Daemon, cpu_seconds
from scripts.benches.engine_server import llama_bench
from scripts.benches.engine_verdict import Row, Verdict, median, paired_ratio

DECODE_TOKENS = 128
DECODE_DEPTH = 32
PREFILL_TOKENS = 512
PARALLEL = 4
PARALLEL_TOKENS = 64


def decode(bench: Bench) -> Row:
    """Tokens per second of one answer through the HTTP API, against llama-bench."""
    test = ("-p", "0", "-n", str(DECODE_TOKENS), "-d", str(DECODE_DEPTH))
    path: list[float] = []

    def write(daemon: Daemon, number: int) -> float:
        text = text_of(daemon, DECODE_DEPTH, number)
        before = cpu_seconds(daemon.pid)
        with bench.watch.stretch(lambda: own_seconds(daemon)):
            answer = _full_answer(daemon, text, number)
        path.append((cpu_seconds(daemon.pid) - before) / answer.tokens * 1e6)
        return answer.tokens_per_second

    ours, theirs, threads = _beside_llama_bench(bench, write, test, f"tg{DECODE_TOKENS}")
    verdict = Verdict(
        "decode through the HTTP API over llama-bench, same build and threads",
        paired_ratio(ours, theirs), "at least", 0.97, note=bench.note(),
    )  # fmt: skip
    shown: dict[str, object] = {
        "ours_tokens_per_second": ours,
        "llama_bench_tokens_per_second": theirs,
        "threads": threads,
        "daemon_microseconds_per_token": median(path),
    }
    return Row("decode", (verdict,), shown)


def prefill(bench: Bench) -> Row:
    """Tokens read per second up to the first word, against llama-bench."""

    def read(daemon: Daemon, number: int) -> float:
        # The first of the two is what llama-bench does before it measures, too; like it,
        # it leaves nothing in the context.
        warm_up, text = (
            text_of(daemon, PREFILL_TOKENS, f"prefill {number} {part}", start=f"{number}{part}")
            for part in "ab"
        )
        with bench.watch.stretch(lambda: own_seconds(daemon)):
            daemon.ask(warm_up, 1, cache_prompt=False)
            answer = daemon.ask(text, 2, cache_prompt=False)
        return (answer.counts["prompt_tokens"] - cached_tokens(answer)) / answer.first_seconds

    test = ("-p", str(PREFILL_TOKENS), "-n", "0")
    ours, theirs, threads = _beside_llama_bench(bench, read, test, f"pp{PREFILL_TOKENS}")
    verdict = Verdict(
        "prefill of 512 tokens through the HTTP API over llama-bench",
        paired_ratio(ours, theirs), "at least", 0.97, note=bench.note(),
    )  # fmt: skip
    shown: dict[str, object] = {
        "ours_tokens_per_second": ours,
        "llama_bench_tokens_per_second": theirs,
        "threads": threads,
    }
    return Row("prefill", (verdict,), shown)


def parallel(bench: Bench) -> Row:
    """Tokens per second of four answers at once against one alone."""
    alone, together, gaps = [], [], []
    with Daemon() as daemon:
        daemon.ask("Once upon a time", 8)
        for number in range(bench.runs):
            with bench.watch.stretch(lambda: own_seconds(daemon)):
                alone.append(_total_speed(daemon, 1, f"alone {number}")[0])
            with bench.watch.stretch(lambda: own_seconds(daemon)):
                speed, longest = _total_speed(daemon, PARALLEL, f"together {number}")
            together.append(speed)
            gaps.append(longest)
    verdict = Verdict(
        f"{PARALLEL} requests at once over one, total tokens/s",
        paired_ratio(together, alone), "at least", 1.5, note=bench.note(),
    )  # fmt: skip
    moving = Verdict(
        "longest silence of any of the streams", max(gaps), "at most", 1.0, "s", bench.note()
    )
    figures = {"alone": alone, "together": together, "longest_gap_seconds": gaps}
    return Row("parallel", (verdict, moving), figures)


def _beside_llama_bench(
    bench: Bench, ask: Callable[[Daemon, int], float], test: tuple[str, ...], figure: str
) -> tuple[list[float], list[float], int]:
    """Tokens per second of both, round by round, and how many threads each had.

    Who goes first changes, since a PC may get busier within a round. Both load the model anew
    in every round: where its memory comes to lie makes one load 3 % faster than another.
    """
    ours, theirs = [], []
    with Daemon() as daemon:
        daemon.ask("Once upon a time", 8)
        threads = threads_of(daemon)

        def peer() -> None:
            with bench.watch.stretch(lambda: own_seconds(daemon)):
                theirs.append(llama_bench(bench.peers, bench.model, threads, *test)[figure])

        for number in range(bench.runs):
            daemon.client.unload()
            daemon.ask("Once upon a time", 8)
            if number % 2:
                ours.append(ask(daemon, number))
                peer()
            else:
                peer()
                ours.append(ask(daemon, number))
    return ours, theirs, threads


def _full_answer(daemon: Daemon, prompt: str, seed: int) -> Answer:
    """An answer of full length; a model that ends early is asked with another seed."""
    for attempt in range(8):
        answer = daemon.ask(
            f"{attempt} {prompt}", DECODE_TOKENS, temperature=0.8, seed=seed * 100 + attempt,
            draft=False,
        )  # fmt: skip
        if answer.tokens >= DECODE_TOKENS:
            return answer
    raise RuntimeError("the model never writes that much")


def _total_speed(daemon: Daemon, count: int, seed: str) -> tuple[float, float]:
    """Tokens per second of all answers together, and the longest silence within one."""
    prompts = [text_of(daemon, 24, f"{seed} {index}") for index in range(count)]
    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        asked = [
            pool.submit(
                daemon.ask, prompt, PARALLEL_TOKENS, temperature=0.8, seed=index, draft=False
            )
            for index, prompt in enumerate(prompts)
        ]
        answers = [future.result() for future in asked]
    took = time.perf_counter() - began
    tokens = sum(answer.tokens for answer in answers)
    return tokens / took, max(answer.longest_gap_seconds for answer in answers)


def cached_tokens(answer: Answer) -> int:
    details = answer.counts.get("prompt_tokens_details")
    return int(details.get("cached_tokens", 0)) if isinstance(details, dict) else 0


def threads_of(daemon: Daemon) -> int:
    threads = daemon.worker().get("threads")
    assert isinstance(threads, int)
    return threads
