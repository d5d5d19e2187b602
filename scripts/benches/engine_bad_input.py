"""Row: hostile questions and files through a real daemon.

Each must come to a stated error within a second (a form without end may also end at the limit
of words, and say so), and the question after it must be answered. Times are what a client
waits: from the request to the last byte of the refusal.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from galosh.base.errors import GaloshError
from scripts.benches.engine_bench import Bench
from scripts.benches.engine_client import RefusedError
from scripts.benches.engine_daemon import Daemon
from scripts.benches.engine_verdict import Row, Verdict
from tests.worker.files import with_template
from tests.worker.hostile import (
    ENDLESS_SCHEMA,
    LIES,
    NUMBERS,
    QUESTIONS,
    TEMPLATES,
    lying,
)

_WORDS = 40
_FORM_WORDS = 30
_MOST_SECONDS = 1.0
_LONGER_THAN_ANY = {"model": "context_tokens = 1048576\nmemory_override = true"}
_NO_ANSWER = "answered as if nothing were wrong"
_TALK = [{"role": "user", "content": "Hello"}]

# What is done to the daemon; returns how it ended, raises what it was refused with.
Case = Callable[[], str]


def measure(bench: Bench) -> Row:
    """The row of `bench.py engine`."""
    seconds: dict[str, float] = {}
    said: dict[str, str] = {}
    answered = 0
    with tempfile.TemporaryDirectory() as folder, Daemon(_LONGER_THAN_ANY) as daemon:
        _knows(daemon)  # loads the model
        for name, case in _cases(daemon, bench.model, Path(folder)):
            seconds[name], said[name] = _tried(case)
            answered += _knows(daemon)
    meant = [name for name, words in said.items() if words != _NO_ANSWER]
    verdicts = (
        Verdict("bad input that came to a stated end", len(meant), "at least", len(said)),
        Verdict("the longest wait for it", max(seconds.values()), "at most", _MOST_SECONDS, "s"),
        Verdict("the next question answered", answered, "at least", len(said)),
    )
    figures = {name: f"{seconds[name]:.3f} s: {said[name]}" for name in said}
    return Row("bad-input", verdicts, figures)


def _tried(case: Case) -> tuple[float, str]:
    began = time.perf_counter()
    try:
        words = case()
    except (RefusedError, GaloshError) as refused:
        words = str(refused)[:160]
    return time.perf_counter() - began, words


def _knows(daemon: Daemon) -> bool:
    """Whether the starter model answers a question, and rightly."""
    question = [{"role": "user", "content": "What is the capital of France?"}]
    return "Paris" in daemon.chat(question, _WORDS, model=daemon.model_id).text


def _cases(daemon: Daemon, model: Path, folder: Path) -> Iterator[tuple[str, Case]]:
    for name, question in QUESTIONS.items():
        yield name, partial(_asked, daemon, question)
    longer = "word " * (daemon.client.count_tokens("word " * 4096) // 4096 * 9000)
    yield "longer than the model's context", partial(_asked, daemon, {"prompt": longer})
    yield "a form without end", partial(_formed, daemon)
    for number, source in enumerate(TEMPLATES):
        path = with_template(model, folder / f"template-{number}.gguf", source)
        other = str(daemon.client.add_model(path)["id"])
        daemon.ask("Hello", 1, model=other)  # loads it: no template is asked for
        yield source[:60], partial(_asked, daemon, {"messages": _TALK, "model": other})
        path.unlink()
    for name in [*LIES, *NUMBERS]:
        path = lying(model, folder, name)
        yield f"a file that lies: {name}", partial(_loaded, daemon, path)
        path.unlink()


def _asked(daemon: Daemon, question: Mapping[str, object]) -> str:
    wish = {"model": daemon.model_id, **question}
    if "messages" in wish:
        daemon.chat(wish.pop("messages"), 1, **wish)  # type: ignore[arg-type]
    else:
        daemon.ask(str(wish.pop("prompt")), 1, **wish)
    return _NO_ANSWER


def _formed(daemon: Daemon) -> str:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": ENDLESS_SCHEMA}}
    answer = daemon.chat(_TALK, _FORM_WORDS, model=daemon.model_id, response_format=form)
    return "ended at its limit" if answer.finish_reason == "length" else _NO_ANSWER


def _loaded(daemon: Daemon, path: Path) -> str:
    found = str(daemon.client.add_model(path)["id"])
    try:
        daemon.ask("Hello", 1, model=found)
    finally:
        daemon.client.remove_model(found)
    return _NO_ANSWER
