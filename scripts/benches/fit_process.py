"""A real worker with a real model, its context filled, and what the system says it holds.

Owns the child process and the reading of /proc (Linux only: nothing else tells a process's
peak apart by kind). The settings are those the forecast was made for. Never used by galosh.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from galosh.engine.records import Engine
from galosh.fit import RunSettings
from tests.worker.client import WorkerProcess

REPO = Path(__file__).resolve().parents[2]
DECODE_TOKENS = 16
# What the prompt leaves free: the tokens to write, and a few for a different count of words.
_SPARE_TOKENS = DECODE_TOKENS + 8
# Reading slows down with what was read, and other programs take their share.
_SECONDS_PER_TOKEN = 0.2
_WORDS = "stone water light paper green house road tree"


@dataclass(frozen=True)
class Held:
    """Bytes of a worker. peak: the most it ever held; anonymous, file: at the end."""

    peak_bytes: int
    anonymous_bytes: int
    file_bytes: int
    prompt_tokens: int
    load_seconds: float
    decode_seconds: float


class RunFailedError(Exception):
    """The worker died or refused; the text says how."""


def worker_command(engine: Engine) -> list[str]:
    """The worker of this checkout in the shared engine, whose own copy others replace."""
    start = (
        f"import sys, runpy; sys.path.insert(0, {str(REPO / 'daemon')!r}); "
        "runpy.run_module('galosh.worker', run_name='__main__')"
    )
    return [str(engine.python), "-I", "-c", start]


def run(
    engine: Engine,
    model: Path,
    settings: RunSettings,
    *,
    before: Sequence[str] = (),
    full: bool = True,
    wait_seconds: float | None = None,
) -> Held:
    """Load, read a prompt that fills the context (`full`; else 64 tokens), write 16 tokens.

    Filled up to what the model was trained for: the cells behind are allocated all the same.
    before: a command to start the worker through. wait_seconds: None for as long as a filled
    context may take here. Raises RunFailedError.
    """
    begun = time.monotonic()
    if wait_seconds is None:
        wait_seconds = 200.0 + settings.context_tokens * _SECONDS_PER_TOKEN
    try:
        with WorkerProcess([*before, *worker_command(engine)]) as worker:
            return _measure(worker, model, settings, full, begun + wait_seconds)
    except (AssertionError, OSError) as error:
        raise RunFailedError(str(error)[:200] or type(error).__name__) from error
    except Exception as error:  # queue.Empty: it did not answer in time
        if type(error).__name__ == "Empty":
            raise RunFailedError("no answer in time") from error
        raise


def load_fields(settings: RunSettings) -> dict[str, object]:
    """The settings as fields of a load request."""
    fields = dict(vars(settings))
    assert fields.pop("full_window_cache") is False  # the worker never keeps whole windows
    return {**fields, "draft": False, "prefix_memory_bytes": 0, "prefix_disk_bytes": 0}


def _measure(
    worker: WorkerProcess, model: Path, settings: RunSettings, full: bool, until: float
) -> Held:
    begun = time.monotonic()
    loaded = worker.load(model, **load_fields(settings))
    if loaded["type"] != "loaded":
        raise RunFailedError(f"{loaded['type']}: {loaded.get('code')} {loaded.get('facts')}")
    load_seconds = time.monotonic() - begun
    trained = int(str(loaded.get("context_train") or settings.context_tokens))
    wanted = min(settings.context_tokens, trained) - _SPARE_TOKENS if full else 64
    prompt = _prompt(worker, wanted)
    worker.send(type="generate", id="g", prompt=prompt, max_tokens=DECODE_TOKENS, reuse=False)
    events = [worker.next(max(1.0, until - time.monotonic()))]
    while events[-1]["type"] not in ("done", "error"):
        events.append(worker.next(max(1.0, until - time.monotonic())))
    done = events[-1]
    if done["type"] != "done":
        raise RunFailedError(f"error: {done.get('code')}")
    facts = _status(worker.process.pid)
    return Held(
        peak_bytes=facts["VmHWM"],
        anonymous_bytes=facts["RssAnon"],
        file_bytes=facts["RssFile"],
        prompt_tokens=int(str(done["prompt_tokens"])),
        load_seconds=load_seconds,
        decode_seconds=float(str(done.get("decode_seconds", 0))),
    )


def _prompt(worker: WorkerProcess, tokens: int) -> str:
    """A text of about `tokens` tokens, by the model's own vocabulary."""
    words = (_WORDS.split() * (tokens // 8 + 1))[:tokens]
    worker.send(type="count", id="n", text=" ".join(words))
    counted = worker.until("count", "error")[-1]
    if counted["type"] != "count":
        raise RunFailedError(f"count: {counted.get('code')}")
    share = tokens / max(1, int(str(counted["count"])))
    return " ".join(words[: max(1, int(len(words) * min(1.0, share)))])


def _status(process: int) -> dict[str, int]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines)
    return {name: int(rest.split()[0]) * 1024 for name, rest in pairs if rest.endswith("kB")}


def page_bytes() -> int:
    """The system's page, below which no figure means anything."""
    return os.sysconf("SC_PAGE_SIZE")
