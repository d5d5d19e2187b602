"""Rewriting a given text and free chat, with guessed tokens and without, in one worker.

The worker is driven over its pipe. Both sides run in turn, round by round, and their words
are compared: a row whose words differ is shown as such, whatever its speed.

The starter model is too small to correct a text: it is asked to repeat it, once with another
name. Nothing read before is used again, and the number of threads stays, so that both sides
read the prompt in the same batches.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from galosh import engine
from scripts.benches.engine_bench import Bench
from scripts.benches.engine_daemon import cpu_seconds
from scripts.benches.engine_verdict import Row, Verdict, median, paired_ratio
from tests import real
from tests.worker.client import Event, WorkerProcess, answer

TEXT = (
    "Anna lives in a small town near the sea. Every morning she walks to the harbour and looks "
    "at the boats. Her brother Peter works on one of them, a red boat with a white sail. When "
    "the weather is good, he comes home with fish, and Anna cooks it for the whole family. "
    "Their grandmother tells stories about the old days, when the town had only ten houses and "
    "everybody knew everybody.\n\n"
    "On Sundays Anna goes to the market. She buys bread, apples and cheese, and sometimes a "
    "book. Last week she found a book about birds. It has many pictures, and now she knows the "
    "name of every bird in the harbour. Peter says that she should write a book herself. Anna "
    "laughs, but in the evening she takes a pencil and begins to write about the sea, the boats "
    "and the people of the town.\n\n"
    "In winter the wind is strong, and the boats stay in the harbour. Then Anna and Peter sit "
    "by the fire and repair the nets. Their mother sings, the cat sleeps on the chair, and the "
    "snow falls on the quiet streets. Anna thinks that there is no better place in the world."
)
TOKENS = 260


def _chat(task: str) -> dict[str, Any]:
    system = {"role": "system", "content": "You are a helpful assistant."}
    return {"messages": [system, {"role": "user", "content": task}]}


REWRITING: dict[str, dict[str, Any]] = {
    "rename": _chat(f"Repeat the following text, replacing Anna by Maria:\n\n{TEXT}"),
    "copy": {"prompt": f"Text:\n{TEXT}\n\nThe same text again, word for word:\n"},
}
FREE: dict[str, dict[str, Any]] = {
    "story": _chat("Tell me a long story about a dragon."),
    "advice": _chat("What should I see in Rome? Plan three days."),
}


def measure(
    worker: WorkerProcess, tasks: dict[str, dict[str, Any]], runs: int = 3
) -> dict[str, dict[str, Any]]:
    """Of each task: speeds of both sides in tokens/s, their ratio, and whether the words were
    the same in every round. `worker` has a model loaded, with several rows of outputs."""
    found: dict[str, dict[str, Any]] = {}
    for name, question in tasks.items():
        plain, drafted, same = [], [], True
        guessed: object = 0
        right: object = 0
        for number in range(runs):
            sides = {}
            # Who goes first changes, since a PC may get busier within a round.
            for draft in (False, True) if number % 2 == 0 else (True, False):
                sides[draft] = _ask(worker, question, draft)
            plain.append(_speed(sides[False]))
            drafted.append(_speed(sides[True]))
            same = same and answer(sides[True]) == answer(sides[False])
            last = sides[True][-1]
            guessed, right = last["draft_tokens"], last["draft_accepted"]
        found[name] = {
            "plain_tokens_per_second": plain,
            "drafted_tokens_per_second": drafted,
            "ratio": paired_ratio(drafted, plain),
            "same_words": same,
            "draft_tokens": guessed,
            "draft_accepted": right,
        }
    return found


def draft(bench: Bench) -> Row:
    """Rewriting on both real models and free chat on the starter, with guesses over without.

    What guesses give depends on what a row more costs, and so on the kind of weights: those of
    the starter (Q4_1) are not rearranged for several rows at once, those of gemma (Q4_K) are.
    gemma's file is not made for chat: it ends its answers after ten tokens.
    """
    starter = _on(bench, bench.model, {**REWRITING, **FREE})
    gemma = _on(bench, real.gemma_model(), REWRITING)
    found = {**starter, **{f"gemma, {name}": task for name, task in gemma.items()}}
    verdicts = [
        Verdict(f"rewriting 200 words, guesses over none, {name}",
                median([tasks[task]["ratio"] for task in REWRITING]), "at least", 1.3, "",
                bench.note())
        for name, tasks in (("SmolLM2-135M", starter), ("gemma-3-270m", gemma))
    ]  # fmt: skip
    free = min(starter[name]["ratio"] for name in FREE)
    same = sum(task["same_words"] for task in found.values()) / len(found)
    verdicts += [
        Verdict("free chat, guesses over none", free, "at least", 0.97, "", bench.note()),
        Verdict("tasks whose words are the same", same, "at least", 1.0),
    ]
    return Row("draft", tuple(verdicts), found)


def _on(bench: Bench, model: Path, tasks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    argv = engine.worker_command(real.real_engine_home(), real.real_engine())
    with WorkerProcess(argv) as worker:
        worker.load(model, threads=os.cpu_count() or 1, outputs=8, adaptive_threads=False)
        _ask(worker, REWRITING["copy"], draft=True)  # the trial of rows is done once
        with bench.watch.stretch(lambda: cpu_seconds(worker.process.pid)):
            return measure(worker, tasks, bench.runs)


def _ask(worker: WorkerProcess, question: dict[str, Any], draft: bool) -> list[Event]:
    events = worker.generate(
        **question, max_tokens=TOKENS, sampling={"temperature": 0}, draft=draft, reuse=False
    )
    if events[-1]["type"] != "done":
        raise RuntimeError(f"the worker refused: {events[-1]}")
    return events


def _speed(events: list[Event]) -> float:
    done = events[-1]
    return float(str(done["completion_tokens"])) / float(str(done["decode_seconds"]))
