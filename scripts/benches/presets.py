"""`bench.py presets`: every shipped sampler on both real models, and how much they repeat.

Each sampler goes on from the five starter sheets, and answers questions in a talk. Without a
seed: what counts is how often, not whether once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from galosh.api.client import Client
from galosh.presets.shelf import Shelf
from scripts.benches.engine_client import call
from scripts.benches.engine_daemon import Daemon
from scripts.benches.repetition import Repetition, measure
from tests import real

QUESTIONS = (
    "Explain how a steam engine works.",
    "Write a letter to a friend about your summer.",
    "What should I look at when I buy a used bicycle?",
)
# Of all answers of one sampler on one model.
_MOST_RAVING = 0.1
_MODELS = {"starter": real.starter_model, "gemma": real.gemma_model}


@dataclass(frozen=True)
class Run:
    """One answer and what it repeats."""

    name: str
    text: str
    found: Repetition


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-command's own arguments."""
    parser.add_argument("--tokens", type=int, default=200, help="longest answer")
    parser.add_argument("--rounds", type=int, default=1, help="answers to each prompt")
    parser.add_argument("--model", choices=sorted(_MODELS), help="one model only")
    parser.add_argument("--preset", help="one sampler only")
    parser.add_argument("--show", action="store_true", help="print the answers that rave")


def main(options: argparse.Namespace) -> int:
    """Measure and print; 1 when a sampler raves too often."""
    status = 0
    head = "| Model | Sampler | Answers | Raving | Least distinct | Mean distinct | Longest again |"
    sys.stdout.write(f"{head}\n| --- | --- | --- | --- | --- | --- | --- |\n")
    for name in [options.model] if options.model else sorted(_MODELS):
        with Daemon(model=Path(_MODELS[name]())) as daemon:
            shipped = [one.name for one in Shelf(daemon.paths).samplers()]
            for preset in [options.preset] if options.preset else shipped:
                runs = list(answers(daemon, preset, options.tokens, options.rounds))
                sys.stdout.write(f"| {name} | {preset} | {row(runs)} |\n")
                sys.stdout.flush()
                raving = [run for run in runs if run.found.raves]
                if options.show:
                    for run in raving:
                        sys.stdout.write(f"--- {run.name} {run.found}\n{run.text}\n")
                status |= len(raving) > _MOST_RAVING * len(runs)
    return int(status)


def answers(daemon: Daemon, preset: str, tokens: int, rounds: int) -> Iterator[Run]:
    """What the model writes with this sampler."""
    for _ in range(rounds):
        for prompt in Shelf(daemon.paths).prompts():
            if prompt.kind == "starter":
                text = go_on(daemon, prompt.fill("en"), preset, tokens)
                yield Run(prompt.name, text, measure(text))
        for question in QUESTIONS:
            text = talk(daemon.client, question, preset, tokens)
            yield Run(question, text, measure(text))


def go_on(daemon: Daemon, sheet: str, preset: str, tokens: int) -> str:
    """What follows a sheet."""
    body = {"prompt": sheet, "preset": preset, "max_tokens": tokens}
    answer = call(daemon.address, "POST", "/v1/completions", body)
    choices = answer["choices"]
    assert isinstance(choices, list)
    return str(choices[0]["text"])


def talk(client: Client, question: str, preset: str, tokens: int) -> str:
    """The answer to a question."""
    messages = [{"role": "user", "content": question}]
    return "".join(d.text for d in client.ask(messages, preset=preset, max_tokens=tokens))


def row(runs: list[Run]) -> str:
    """The figures of one sampler on one model."""
    found = [run.found for run in runs]
    raving = sum(one.raves for one in found)
    distinct = [one.distinct for one in found]
    longest = max(one.longest for one in found)
    mean = sum(distinct) / len(distinct)
    return f"{len(runs)} | {raving} | {min(distinct):.2f} | {mean:.2f} | {longest}"
