"""The first word of a question that follows a long preset: warm, woken, after a restart.

A preset of 600 tokens and a question of 20, as raw text, so that both programs read the very
same tokens. What it costs to read the question alone is measured too: a program that
remembers the preset need not take longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from scripts.benches.engine_bench import Bench, own_seconds, text_of
from scripts.benches.engine_client import Answer
from scripts.benches.engine_daemon import Daemon
from scripts.benches.engine_server import Server, llama_bench
from scripts.benches.engine_speed import cached_tokens, threads_of
from scripts.benches.engine_verdict import Row, Verdict, median, paired_ratio
from tests import real

PRESET_TOKENS = 600
QUESTION_TOKENS = 20
IDLE_SECONDS = 2
_SAVE_SECONDS = 30.0
Way = Callable[[Daemon | Server, str, str], Answer]


def warm(bench: Bench) -> Row:
    """The preset is in memory: the first word against reading the question alone."""
    with_preset, alone, bare = [], [], []
    with Daemon() as daemon:
        preset = text_of(daemon, PRESET_TOKENS, "preset")
        ask(daemon, preset, _question(daemon, "first"))
        for number in range(max(bench.runs, 5)):
            other = _question(daemon, f"alone {number}")
            with bench.watch.stretch(lambda: own_seconds(daemon)):
                alone.append(ask(daemon, "", other).first_seconds)
            question = _question(daemon, f"warm {number}")
            with bench.watch.stretch(lambda: own_seconds(daemon)):
                answer = ask(daemon, preset, question)
            with_preset.append(answer.first_seconds)
            with bench.watch.stretch(lambda: own_seconds(daemon)):
                bare.append(_new_tokens_alone(bench, daemon, answer))
    verdict = Verdict(
        "first word after a known preset over llama-bench's evaluation of its new tokens alone",
        paired_ratio(with_preset, bare), "at most", 1.15, note=bench.note(),
    )  # fmt: skip
    shown: dict[str, object] = {
        "with_preset_seconds": with_preset, "llama_bench_seconds": bare,
        # No target: without a preset there are 600 tokens less to attend to.
        "without_preset_seconds": alone, "over_without_preset": paired_ratio(with_preset, alone),
        "counts": dict(answer.counts),
    }  # fmt: skip
    return Row("warm", (verdict,), shown)


def _new_tokens_alone(bench: Bench, daemon: Daemon, answer: Answer) -> float:
    """Seconds the engine itself takes for as many tokens behind as many known ones."""
    cached = cached_tokens(answer)
    new = int(answer.counts["prompt_tokens"]) - cached
    figures = llama_bench(
        bench.peers, bench.model, threads_of(daemon),
        "-p", str(new), "-n", "0", "-d", str(cached),
    )  # fmt: skip
    return new / figures[f"pp{new}"]


def woken(bench: Bench) -> Row:
    """After the idle unload, load included, against llama-server after its idle sleep."""
    return _after(bench, "woken", "after idle unload", _fall_asleep)


def restarted(bench: Bench) -> Row:
    """After a restart of the daemon, load included, against llama-server after its sleep."""

    def restart(daemon: Daemon) -> None:
        daemon.stop()
        daemon.start()

    return _after(bench, "restarted", "after a daemon restart", restart)


def ask(program: Daemon | Server, preset: str, question: str) -> Answer:
    """The first words of the answer to a question behind a preset, as raw text."""
    return program.ask(f"{preset}\n{question}" if preset else question, 4)


def chat(program: Daemon | Server, preset: str, question: str) -> Answer:
    """The same, the preset as the system's words."""
    system = [{"role": "system", "content": preset}] if preset else []
    return program.chat([*system, {"role": "user", "content": question}], 4)


def _after(bench: Bench, name: str, words: str, go_away: Callable[[Daemon], None]) -> Row:
    ours, theirs, alone = _in_turn(bench, bench.model, name, go_away)
    # A window of memory cannot be cut: what is remembered of this one ends where turns do. Its
    # vocabulary, five times the starter's, takes both sides 0.3 s of every load: no target.
    gemma_ours, gemma_theirs, _ = _in_turn(bench, real.gemma_model(), name, go_away, chat)
    verdict = Verdict(
        f"first word {words}: times sooner than llama-server after its idle sleep",
        paired_ratio(theirs, ours), "at least", 5.0, note=bench.note(),
    )  # fmt: skip
    shown: dict[str, object] = {
        "ours_seconds": ours, "llama_server_seconds": theirs, "question_alone_seconds": alone,
        "median_seconds": median(ours),
        "gemma_ours_seconds": gemma_ours, "gemma_llama_server_seconds": gemma_theirs,
        "gemma_times_sooner": paired_ratio(gemma_theirs, gemma_ours),
    }  # fmt: skip
    return Row(name, (verdict,), shown)


def _in_turn(
    bench: Bench, model: Path, name: str, go_away: Callable[[Daemon], None], way: Way = ask
) -> tuple[list[float], list[float], list[float]]:
    """Seconds to the first word: ours, the server's, and ours of a question alone."""
    ours, theirs, alone = [], [], []
    sleep = ("--sleep-idle-seconds", str(IDLE_SECONDS), "-c", "4096")
    with (
        Daemon({"model": f"idle_unload_seconds = {IDLE_SECONDS}"}, model=model) as daemon,
        Server(bench.peers, model, *sleep) as server,
    ):
        preset = text_of(daemon, PRESET_TOKENS, "preset")
        questions = [_question(daemon, f"{name} {number}") for number in range(2 * bench.runs + 2)]
        way(daemon, preset, questions.pop())
        way(server, preset, questions.pop())

        def spent() -> float:
            return own_seconds(daemon) + server.cpu_seconds

        for _ in range(bench.runs):
            question = questions.pop()
            go_away(daemon)
            time.sleep(IDLE_SECONDS + 1)  # the server sleeps by now, too
            with bench.watch.stretch(spent):
                ours.append(way(daemon, preset, question).first_seconds)
            alone.append(way(daemon, "", questions.pop()).first_seconds)
            with bench.watch.stretch(spent):
                theirs.append(way(server, preset, question).first_seconds)
    return ours, theirs, alone


def _fall_asleep(daemon: Daemon) -> None:
    daemon.wait_asleep(IDLE_SECONDS + _SAVE_SECONDS)


def _question(daemon: Daemon, seed: str) -> str:
    """Twenty tokens, new from the first one on."""
    return text_of(daemon, QUESTION_TOKENS, f"question {seed}") + " ?"
