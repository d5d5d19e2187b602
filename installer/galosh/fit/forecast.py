"""How fast a model will read and write here, as ranges that say what they rest on. Pure.

`measured here`: this very model has answered on this PC; `calculated`: the pieces of its
work were timed in this PC's engine; `typical`: only memory was timed, and how fast
processors of this sort compute is taken from others. Constants were fitted on one model
(SmolLM2-135M) alone and are checked on others (`scripts/bench.py fit --speed`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from galosh.fit.measured import Measured
from galosh.fit.runs import Run, correction, own_rate
from galosh.fit.speed import Bandwidth, Rate, decode_rate
from galosh.fit.work import Work

Basis = Literal["measured here", "calculated", "typical"]

# A prompt of some pages: what a user feels most is how long it takes to answer one.
PROMPT_TOKENS = 2000
# Fitted on SmolLM2-135M (Q4_1, two threads): a light step of the engine against the plain sum
# that the probe times, what it touches in a batch against such a sum, attention with its mask
# and its cache against the bare one (of one token, of a batch); then the worker's own time
# for a token and for a batch, and choosing among the words of the vocabulary.
_STEP_FACTOR = 3.25
_NUMBER_FACTOR = 9.6
_CELL_FACTOR, _PAIR_FACTOR = 1.3, 1.5
_TOKEN_SECONDS = 150e-6
_WORD_SECONDS = 3e-9
_BATCH_SECONDS = 500e-6
# How far a calculated speed may be off.
DECODE_OFF, PREFILL_OFF = 0.18, 0.25
# Operations per second and thread on four-bit weights, by what the processor knows: typical.
_TYPICAL_OPERATIONS = (("avx512_vnni", 60e9), ("avx512f", 45e9), ("avx2", 25e9),
                       ("i8mm", 50e9), ("asimddp", 30e9), ("avx", 8e9))  # fmt: skip
_TYPICAL_LEAST = 4e9
_TYPICAL_LOW, _TYPICAL_HIGH = 0.4, 2.0


@dataclass(frozen=True)
class Seconds:
    """A time, as a range."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True)
class Speed:
    """A forecast; None where nothing is known. first_rate: writing at the start of a talk;
    full_rate: at the end of the context; prefill: reading a prompt of `prompt_tokens`, for
    which `first_answer` is the wait. runs: answers of this PC that went in."""

    first_rate: Rate | None
    full_rate: Rate | None
    prefill: Rate | None
    first_answer: Seconds | None
    prompt_tokens: int
    decode_basis: Basis | None
    prefill_basis: Basis | None
    runs: int = 0


@dataclass(frozen=True)
class SpeedFacts:
    """What is known of this PC's speed. identity: the model's, to find its own runs."""

    bandwidth: Bandwidth
    measured: Measured | None = None
    runs: Sequence[Run] = ()
    identity: str = ""
    flags: frozenset[str] | None = None


def decode_seconds(work: Work, measured: Measured, past_tokens: float, cell_bytes: float) -> float:
    """For one token after so many. cell_bytes: of the cache's bytes per number."""
    near = sum(
        product.count * product.used * product.scale * measured.cost(product.kind).one_seconds
        for product in work.products
    )
    read = work.token_bytes + work.state_bytes
    for attention in work.attentions:
        seen = min(past_tokens, attention.window) if attention.window else past_tokens
        cell_seconds = measured.attention(attention.heads)[0] * _CELL_FACTOR
        near += attention.layers * seen * cell_seconds
        heads = attention.heads
        numbers = heads.groups * (heads.key_width + heads.value_width)
        read += attention.layers * seen * numbers * cell_bytes
    light = work.steps * measured.node_seconds * _STEP_FACTOR
    own = _TOKEN_SECONDS + work.vocabulary * _WORD_SECONDS
    return measured.from_memory(near, read) + light + own


def prefill_seconds(
    work: Work, measured: Measured, past_tokens: int, new_tokens: int, batch_tokens: int
) -> float:
    """For reading `new_tokens` after `past_tokens`, in batches of `batch_tokens`."""
    if new_tokens < 1:
        return 0.0
    whole, rest = divmod(new_tokens, batch_tokens)
    seconds = whole * _batch_seconds(work, measured, batch_tokens)
    if rest:
        seconds += _batch_seconds(work, measured, rest)
    for product in work.products:
        if product.last:
            seconds += product.count * product.scale * measured.cost(product.kind).one_seconds
    for attention in work.attentions:
        pairs = _pairs(past_tokens, new_tokens, attention.window)
        pair_seconds = measured.attention(attention.heads)[1] * _PAIR_FACTOR
        seconds += attention.layers * pairs * pair_seconds
    return seconds


def _batch_seconds(work: Work, measured: Measured, tokens: int) -> float:
    seconds = _BATCH_SECONDS + work.steps * measured.node_seconds * _STEP_FACTOR
    seconds += work.numbers * tokens * measured.number_seconds * _NUMBER_FACTOR
    for product in work.products:
        if product.last:
            continue
        cost = measured.cost(product.kind)
        share = product.used / product.copies
        touched = product.copies * (1 - (1 - share) ** tokens) if product.copies > 1 else 1.0
        fixed = cost.one_seconds - cost.each_seconds
        products = touched * max(0.0, fixed) + product.used * tokens * cost.each_seconds
        seconds += product.count * product.scale * products
    return seconds


def _pairs(past: int, new: int, window: int) -> float:
    """How many (token, earlier token) pairs attention looks at."""
    if not window:
        return new * (past + (new + 1) / 2)
    inside = max(0, min(new, window - past))  # those that see no more than there is
    return inside * (past + (inside + 1) / 2) + (new - inside) * window


def forecast(
    work: Work, facts: SpeedFacts, *, context_tokens: int, batch_tokens: int, cell_bytes: float
) -> Speed:
    """The speed of a model at a context."""
    prompt = min(PROMPT_TOKENS, context_tokens)
    if facts.measured is None:
        return _typical(work, facts, context_tokens, prompt, cell_bytes)
    measured = facts.measured
    batch = min(batch_tokens, context_tokens)
    expected = [_with_expected(run, work, measured, batch, cell_bytes) for run in facts.runs
                if run.identity == facts.identity and facts.identity]  # fmt: skip
    others = [run for run in facts.runs if run.identity != facts.identity]
    decode = correction([r.decode_ratio for r in expected], [r.decode_ratio for r in others])
    reading = correction([r.prefill_ratio for r in expected], [r.prefill_ratio for r in others])

    def writing(past: float) -> Rate:
        rate = 1 / decode_seconds(work, measured, past, cell_bytes)
        return decode.rate(rate, DECODE_OFF)

    took = prefill_seconds(work, measured, 0, prompt, batch)
    prefill = reading.rate(prompt / took, PREFILL_OFF)
    first = writing(0)
    return Speed(
        first_rate=first,
        full_rate=writing(context_tokens),
        prefill=prefill,
        first_answer=_first_answer(prompt, prefill, writing(prompt)),
        prompt_tokens=prompt,
        decode_basis="measured here" if decode.own else "calculated",
        prefill_basis="measured here" if reading.own else "calculated",
        runs=len(facts.runs),
    )


def _with_expected(
    run: Run, work: Work, measured: Measured, batch_tokens: int, cell_bytes: float
) -> Run:
    """The run beside what is calculated now for what it did."""
    prefill, decode = expected_seconds(run, work, measured, batch_tokens, cell_bytes)
    return run.expecting(prefill, decode)


def expected_seconds(
    run: Run, work: Work, measured: Measured, batch_tokens: int, cell_bytes: float
) -> tuple[float, float]:
    """What reading and writing of a run are calculated to take."""
    prefill = prefill_seconds(work, measured, run.cached_tokens, run.read_tokens, batch_tokens)
    middle = run.prompt_tokens + run.completion_tokens / 2
    return prefill, run.completion_tokens * decode_seconds(work, measured, middle, cell_bytes)


def _first_answer(prompt: int, prefill: Rate, writing: Rate) -> Seconds:
    """The wait for the first word, quickest first."""
    return Seconds(
        *(
            prompt / getattr(prefill, end) + 1 / getattr(writing, end)
            for end in ("high", "mid", "low")
        )
    )


def _typical(
    work: Work, facts: SpeedFacts, context_tokens: int, prompt: int, cell_bytes: float
) -> Speed:
    """Without a measurement in the engine: by this model's own answers, else by memory alone."""
    layers = sum(attention.layers for attention in work.attentions) or None
    cells = sum(
        one.layers * one.heads.groups * (one.heads.key_width + one.heads.value_width)
        * (min(context_tokens, one.window) if one.window else context_tokens)
        for one in work.attentions
    )  # fmt: skip
    own = [run for run in facts.runs if run.identity == facts.identity and run.is_plain]
    written, read = (
        own_rate([run.decode_rate for run in own]),
        own_rate([run.prefill_rate for run in own]),
    )
    first = decode_rate(int(work.token_bytes + work.state_bytes), layers, facts.bandwidth)
    full = decode_rate(
        int(work.token_bytes + work.state_bytes + cells * cell_bytes), layers, facts.bandwidth
    )
    threads = facts.bandwidth.threads
    prefill = None if first is None else typical_prefill(_operations(work), threads, facts.flags)
    first, prefill = written or first, read or prefill
    return Speed(
        first_rate=first,
        full_rate=full or written,
        prefill=prefill,
        first_answer=_first_answer(prompt, prefill, first) if prefill and first else None,
        prompt_tokens=prompt,
        decode_basis="measured here" if written else "typical" if first else None,
        prefill_basis="measured here" if read else "typical" if prefill else None,
        runs=len(own),
    )


def _operations(work: Work) -> float:
    """Multiplications and sums for one token of a prompt."""
    return 2 * sum(
        product.count * product.used * product.scale * product.kind.weights
        for product in work.products
        if not product.last
    )


def typical_prefill(operations: float, threads: int, flags: frozenset[str] | None) -> Rate:
    """Tokens per second that processors of this sort usually read; a wide range."""
    known = (rate for flag, rate in _TYPICAL_OPERATIONS if flags and flag in flags)
    mid = next(known, _TYPICAL_LEAST) * max(1, threads) / max(1.0, operations)
    return Rate(mid * _TYPICAL_LOW, mid, mid * _TYPICAL_HIGH)
