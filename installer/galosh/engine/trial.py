"""Tries an engine in a child process: the only proof that it runs on this processor.

Loads the model, prefills one batch of at least 64 tokens, decodes 8 tokens and looks at
the text. Whatever happens to the child becomes a Trial with a cause; nothing is raised
for an engine that fails.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from galosh.engine import causes
from galosh.engine.processes import Outcome, run_limited
from galosh.engine.records import Engine, Trial

LIMIT_SECONDS = 120.0
DECODE_TOKENS = 8
# A pattern every instructed model continues the same way, long enough for a full batch.
PROMPT = (
    "Capitals of European countries, one sentence for each country. "
    "The capital of Italy is Rome. The capital of Spain is Madrid. "
    "The capital of Germany is Berlin. The capital of Austria is Vienna. "
    "The capital of Greece is Athens. The capital of Poland is Warsaw. "
    "The capital of Finland is Helsinki. The capital of Portugal is Lisbon. "
    "The capital of Ireland is Dublin. The capital of France is"
)
_EXPECTED = "Paris"
# The starter model (presets/galosh/presets/models.toml): its continuation is known.
_STARTER_SIZE_BYTES = 98_362_432
_ALLOWED_CHARS = 2000


def try_engine(
    engine: Engine,
    model: Path,
    *,
    limit_seconds: float = LIMIT_SECONDS,
    prefix: Sequence[str] = (),
    threads: int = 1,
    gpu_layers: int = 0,
    decode_tokens: int = DECODE_TOKENS,
) -> Trial:
    """Run `engine` on `model` in a child process and say how it ended.

    gpu_layers: layers for the graphics processor (the output counts as one more).
    prefix: a program to run the child under (an emulator of another processor).
    Never raises for what the child does; a model that is not there is `load-failed`.
    """
    request = {
        "model": str(model),
        "prompt": PROMPT,
        "threads": threads,
        "decode_tokens": decode_tokens,
        "gpu_layers": gpu_layers,
    }
    script = Path(__file__).with_name("trial_child.py")
    command = [*prefix, str(engine.python), "-I", "-X", "utf8", str(script), json.dumps(request)]
    try:
        outcome = run_limited(command, limit_seconds, child_environment())
    except OSError as error:
        return _failed(causes.IMPORT, model, detail=str(error))
    return _judge(outcome, model, limit_seconds)


def child_environment() -> dict[str, str]:
    """Our environment, with what an engine needs to die quietly and to share the processor.

    OMP_WAIT_POLICY: spinning OpenMP threads fall to a tenth of the speed on a busy machine.
    """
    return {
        **os.environ,
        "GGML_NO_BACKTRACE": "1",
        "OMP_WAIT_POLICY": "passive",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _judge(outcome: Outcome, model: Path, limit_seconds: float) -> Trial:
    windows = sys.platform == "win32"
    answer = _answer(outcome.out)
    cause = causes.cause_of_exit(outcome.status, windows=windows, timed_out=outcome.timed_out)
    if cause is not None or answer is None:
        detail = causes.last_words(outcome.err)
        if outcome.timed_out:
            detail = f"no answer within {limit_seconds:.0f} s"
        number = None if outcome.timed_out else causes.signal_of(outcome.status, windows=windows)
        return _failed(cause or causes.LOAD, model, signal=number, detail=detail)
    if "failed" in answer:
        words = causes.last_words(outcome.err) if answer["failed"] == causes.LOAD else ""
        detail = " – ".join(part for part in (str(answer["detail"]), words) if part)
        return _failed(str(answer["failed"]), model, detail=detail[:_ALLOWED_CHARS])
    return _measured(answer, model)


def _measured(answer: Mapping[str, Any], model: Path) -> Trial:
    tokens = [int(token) for token in answer["tokens"]]
    text = str(answer["text"])[:_ALLOWED_CHARS]
    expected = _EXPECTED if _is_starter(model) else None
    good = causes.sane_text(text, tokens, finite=bool(answer["finite"]), expected=expected)
    return Trial(
        ok=good,
        cause=None if good else causes.GARBAGE,
        text=text,
        detail="" if good else "the text it wrote makes no sense",
        model=model.name,
        prompt_tokens=int(answer["prompt_tokens"]),
        load_seconds=float(answer["load_seconds"]),
        prefill_tps=int(answer["prompt_tokens"]) / max(float(answer["prefill_seconds"]), 1e-9),
        decode_tps=len(tokens) / max(float(answer["decode_seconds"]), 1e-9),
        system_info=str(answer["system_info"]),
        offloaded=str(answer.get("offloaded") or ""),
        tried_at=time.time(),
    )


def _failed(cause: str, model: Path, *, signal: int | None = None, detail: str = "") -> Trial:
    return Trial(
        ok=False, cause=cause, signal=signal, detail=detail, model=model.name,
        tried_at=time.time(),
    )  # fmt: skip


def _answer(out: str) -> dict[str, Any] | None:
    for line in reversed(out.splitlines()):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            return value
    return None


def _is_starter(model: Path) -> bool:
    try:
        return model.stat().st_size == _STARTER_SIZE_BYTES
    except OSError:
        return False
