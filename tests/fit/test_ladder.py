"""The usual settings of a model, and what is given up, in which order, where memory is tight."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galosh.fit.budget import Room
from galosh.fit.ladder import first_that_fits, rungs, settings_for
from galosh.fit.memory import RunSettings, cells, forecast_memory, state_bytes
from galosh.fit.shape import read_shape
from galosh.gguf import Header, read_header
from galosh.gguf.source import BytesSource
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model

MIB = 1 << 20
GIB = 1 << 30
AVX2 = frozenset({"avx2", "fma"})
PLENTY = Room(64 * GIB, None, 60 * GIB)


def header(model: Model) -> Header:
    return read_header(BytesSource(model.header(), "test"))


PLAIN = header(models.llama(12, 1024, 16, 8, 2816, 4000, 131072, "Q4_K"))
SLIDING = header(models.gemma3(12, 1024, 8, 4, 128, 2816, 4000, 131072, 512, "Q4_K"))
RECURRENT = header(models.mamba())


def room(available_bytes: int) -> Room:
    return Room(64 * GIB, None, available_bytes)


def test_the_order_is_context_then_cache() -> None:
    ways = [
        (rung.settings.context_tokens, rung.settings.cache_type)
        for rung in rungs(PLAIN, RunSettings(20_000, flash_attention=False), PLENTY, AVX2)
    ]
    contexts = [20_000, 16_384, 8_192, 4_096, 2_048]
    assert ways == [(n, "f16") for n in contexts] + [(n, "q8_0") for n in contexts]


def test_a_small_model_reads_in_larger_pieces_and_the_buffer_stays_small() -> None:
    wide = header(models.llama(24, 2560, 32, 8, 9728, 4000, 131072, "Q4_K"))
    for model, expected in ((PLAIN, 512), (SLIDING, 512), (wide, 256)):
        chosen = settings_for(model, 4096, flags=AVX2)
        assert chosen.batch_tokens == expected
        larger = dataclasses.replace(chosen, batch_tokens=512)
        small = forecast_memory(model, larger, AVX2).compute_bytes <= 32 * MIB
        assert small == (expected == 512)


def test_a_coarser_cache_brings_flash_attention() -> None:
    ladder = rungs(PLAIN, RunSettings(4096, flash_attention=False), PLENTY, AVX2)
    assert [rung.settings.flash_attention for rung in ladder] == [False, False, True, True]


@pytest.mark.parametrize("kind", ["q8_0", "q4_0"])
def test_a_coarse_cache_is_not_made_finer(kind: str) -> None:
    ladder = rungs(PLAIN, RunSettings(4096, cache_type=kind), PLENTY, AVX2)
    assert [rung.settings.cache_type for rung in ladder] == [kind, kind]


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    model=st.sampled_from([PLAIN, SLIDING, RECURRENT]),
    context=st.integers(8, 1 << 18),
    free=st.integers(0, 4 * GIB),
    prefix=st.integers(0, GIB),
)
def test_what_fits_is_the_best_that_fits(
    model: Header, context: int, free: int, prefix: int
) -> None:
    wanted = settings_for(model, context)
    ladder = rungs(model, wanted, room(free), AVX2, prefix_bytes=prefix)
    assert ladder[0].settings == wanted
    found = first_that_fits(ladder)
    for rung in ladder:
        if rung is found:
            break
        assert rung.verdict.kind != "fits"
    for rung in ladder:
        again = forecast_memory(model, rung.settings, AVX2, prefix_bytes=prefix)
        assert rung.memory == again
        assert rung.memory.prefix_bytes == prefix
    of_one_kind = [r.memory.peak_bytes for r in ladder if r.settings.cache_type == "f16"]
    assert of_one_kind == sorted(of_one_kind, reverse=True)


def test_tight_memory_goes_down_the_ladder() -> None:
    wanted = settings_for(PLAIN, 65_536)
    kinds = []
    for free in (8 * GIB, 3 * GIB, 700 * MIB, 480 * MIB, 10 * MIB):
        rung = first_that_fits(rungs(PLAIN, wanted, room(free), AVX2))
        kinds.append(rung and (rung.settings.context_tokens, rung.settings.cache_type))
    assert kinds[0] == (65_536, "f16")
    assert kinds[-1] is None
    chosen = [kind[0] for kind in kinds if kind]
    assert chosen == sorted(chosen, reverse=True)
    assert len(set(chosen)) >= 3


def test_answers_at_a_time_by_what_each_costs() -> None:
    assert settings_for(PLAIN, 4096).sequences == 4
    assert settings_for(SLIDING, 4096).sequences == 2
    assert settings_for(RECURRENT, 4096).sequences == 2
    hybrid = settings_for(header(models.lfm2()), 4096, cache_type="q8_0", gpu_layers=-1)
    assert (hybrid.sequences, hybrid.cache_type, hybrid.gpu_layers) == (2, "q8_0", -1)


def test_one_copy_of_the_weights_where_two_find_no_room() -> None:
    tight = forecast_memory(PLAIN, settings_for(PLAIN, 4096), AVX2).peak_bytes
    assert settings_for(PLAIN, 4096, room=room(tight), flags=AVX2).use_mmap is False
    assert settings_for(PLAIN, 4096, room=room(2 * tight), flags=AVX2).use_mmap is True
    # Nothing is copied on a processor without the instructions, or of weights like these.
    old = frozenset({"avx"})
    assert settings_for(PLAIN, 4096, room=room(tight), flags=old).use_mmap is True
    floats = header(models.llama(2, 256, 4, 2, 512, kind="F32"))
    assert settings_for(floats, 4096, room=room(MIB), flags=AVX2).use_mmap is True


def test_each_answer_brings_its_window_and_its_state() -> None:
    shape = read_shape(SLIDING)
    one, four = (RunSettings(32_768, 256, sequences=n) for n in (1, 4))
    assert cells(shape, one) == (32_768, 768)
    assert cells(shape, four) == (32_768, 4 * 512 + 256)
    assert cells(read_shape(PLAIN), four) == cells(read_shape(PLAIN), one)
    state = read_shape(RECURRENT)
    assert state_bytes(state, four) == 4 * state_bytes(state, one) > 0


def test_rows_of_logits_are_paid_for() -> None:
    base = RunSettings(4096, 64, outputs=1)
    one = forecast_memory(PLAIN, base, AVX2)
    many = forecast_memory(PLAIN, dataclasses.replace(base, outputs=64), AVX2)
    assert one.output_bytes == 4 * 4000
    assert many.output_bytes == 64 * one.output_bytes
    assert many.compute_bytes >= one.compute_bytes
    # One for every answer at least, and never more than there are tokens in a batch.
    assert dataclasses.replace(base, sequences=4).output_rows == 4
    assert dataclasses.replace(base, outputs=100).output_rows == 64
