"""Whatever the bytes, the answer is a header or a GaloshError, soon and in little memory.

The usual run tries a few hundred inputs; `GALOSH_FUZZ_INPUTS=1000000` asks for more. The
number that really ran is printed at the end of the run.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galosh.base.errors import GaloshError
from galosh.gguf import Header, RangeSource, check_file, read_header
from galosh.gguf.rules import check_data, check_model
from galosh.gguf.source import BytesSource
from tests.fakes import gguf_models as models
from tests.gguf.conftest import FUZZED
from tests.gguf.test_kind import GGJT, GGMF, GGML

INPUTS = int(os.environ.get("GALOSH_FUZZ_INPUTS", "300"))
_QUICK = settings(
    max_examples=INPUTS, deadline=None, database=None, derandomize=INPUTS <= 300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
SEEDS = [
    models.llama(layers=1, vocab=300).to_bytes(),
    models.lfm2(groups=(0, 2), vocab=300).to_bytes(),
    GGML,
    GGMF,
    GGJT[3],
]
_ONE_INPUT_SECONDS = 5.0


@pytest.fixture(scope="module")
def tally() -> Iterator[dict[str, int]]:
    counts: dict[str, int] = {}
    yield counts
    total = sum(counts.values())
    FUZZED.append(f"gguf fuzz: {total} inputs, {counts}, 0 foreign exceptions, peak {_peak()}")


def _peak() -> str:
    if sys.platform == "win32":
        return "unknown"
    import resource

    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB"


def feed(data: bytes, tally: dict[str, int]) -> Header | None:
    """Run everything that reads a file over `data`; only GaloshError may come out."""
    started = time.monotonic()
    outcome, text = "accepted", ""
    header = None
    try:
        source = BytesSource(data, "fuzz")
        header = read_header(source)
        check_data(header, source)
        check_model(header, source)
    except GaloshError as error:
        outcome = error.code
        text = str(error)
    assert len(text) < 5000
    assert outcome == "accepted" or outcome.startswith("gguf-")
    assert time.monotonic() - started < _ONE_INPUT_SECONDS
    tally[outcome] = tally.get(outcome, 0) + 1
    return header


@_QUICK
@given(data=st.binary(max_size=4000), seed=st.sampled_from([b"", b"GGUF\x03\0\0\0", b"lmgg"]))
def test_random_bytes(tally: dict[str, int], seed: bytes, data: bytes) -> None:
    feed(seed + data, tally)


@_QUICK
@given(
    base=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 255)), max_size=12),
    cut=st.one_of(st.none(), st.integers(0, 12_000)),
    grow=st.binary(max_size=50),
)
def test_random_edits_and_cuts(
    tally: dict[str, int], base: bytes, edits: list[tuple[int, int]], cut: int | None, grow: bytes
) -> None:
    data = bytearray(base[:cut])
    for position, value in edits:
        if data:
            data[position % len(data)] = value
    feed(bytes(data) + grow, tally)


@_QUICK
@given(
    place=st.integers(0, 3000),
    width=st.sampled_from([4, 8]),
    value=st.sampled_from([0, 1, 255, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 62]),
)
def test_extreme_numbers_anywhere(
    tally: dict[str, int], place: int, width: int, value: int
) -> None:
    base = SEEDS[0]
    number = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    feed(base[:place] + number + base[place + width :], tally)


def test_bit_flips_reach_the_same_end_from_every_source(
    tally: dict[str, int], tmp_path: Path
) -> None:
    rng = random.Random(20261122)
    path = tmp_path / "fuzz.gguf"
    for _ in range(min(INPUTS, 2000) // 10):
        data = bytearray(SEEDS[0])
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(2500)] ^= 1 << rng.randrange(8)
        header = feed(bytes(data), tally)
        whole = bytes(data)

        def fetch(offset: int, length: int, whole: bytes = whole) -> bytes:
            return whole[offset : offset + length]

        path.write_bytes(whole)
        try:
            assert read_header(RangeSource(fetch, len(whole), "fuzz")).tensors == (
                header.tensors if header else ()
            )
            check_file(path)
        except GaloshError:
            continue  # feed() has checked its words
