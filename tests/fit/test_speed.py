"""Decode ranges from bytes and bandwidth; the probe measures or says why not."""

from __future__ import annotations

import time

import pytest

from galosh.fit import RunSettings, measure_bandwidth, read_shape
from galosh.fit.speed import Bandwidth, conversation_bytes, decode_rate, token_bytes
from galosh.gguf import Header, read_header
from galosh.gguf.source import BytesSource
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model

GB = 1_000_000_000
MIB = 1 << 20


def header(model: Model) -> Header:
    return read_header(BytesSource(model.header(), "test"))


def bytes_read(model: Model) -> int:
    found = header(model)
    return token_bytes(found, read_shape(found))


def test_a_token_reads_all_weights_but_the_looked_up_row() -> None:
    model = models.llama()
    found = header(model)
    looked_up = next(t for t in found.tensors if t.name == "token_embd.weight").size_bytes
    assert found.tensor_bytes is not None
    assert looked_up is not None
    assert bytes_read(model) == found.tensor_bytes - looked_up


def test_a_tied_embedding_is_read_whole() -> None:
    model = models.gemma3()
    assert bytes_read(model) == header(model).tensor_bytes


def test_of_experts_only_those_used() -> None:
    quarter, half = models.moe(experts=8, used=2), models.moe(experts=8, used=4)
    whole = bytes_read(models.moe(experts=8, used=8))
    assert bytes_read(half) - bytes_read(quarter) == pytest.approx(
        (whole - bytes_read(half)) / 2, abs=1
    )


def test_the_talk_so_far_is_read_too_a_window_only_its_own() -> None:
    settings = RunSettings(2048)
    plain = read_shape(header(models.llama()))
    assert conversation_bytes(plain, settings, 0) == 0
    assert conversation_bytes(plain, settings, 200) == 2 * conversation_bytes(plain, settings, 100)
    sliding = read_shape(header(models.gemma3(window=128)))
    grown = conversation_bytes(sliding, settings, 2048) / conversation_bytes(sliding, settings, 128)
    assert grown < 16 / 2


def test_rates_follow_bandwidth() -> None:
    slow = decode_rate(3 * GB, 32, Bandwidth(10 * GB))
    quick = decode_rate(3 * GB, 32, Bandwidth(30 * GB))
    assert slow is not None
    assert quick is not None
    assert slow.low < slow.mid < slow.high < 10 / 3
    assert slow.mid == pytest.approx(10 / 3 * 0.85, rel=0.01)
    assert quick.mid > 2.9 * slow.mid
    assert slow.words("en").mid == 0.75 * slow.mid


def test_tiny_models_are_bound_by_layers_not_by_bytes() -> None:
    rate = decode_rate(1_000_000, 30, Bandwidth(50 * GB))
    assert rate is not None
    assert rate.high < 5000
    assert rate.high / rate.low > 5  # and the range says how little is known


def test_no_measurement_no_rate() -> None:
    assert decode_rate(GB, 32, Bandwidth(None, 2, "busy")) is None


def test_a_busy_machine_is_not_measured() -> None:
    begun = time.perf_counter()
    assert measure_bandwidth(2, None, load=1000.0) == Bandwidth(None, 2, "busy")
    assert time.perf_counter() - begun < 0.1


def test_no_memory_is_taken_where_little_is_free() -> None:
    assert measure_bandwidth(2, 100 * MIB, load=0.0) == Bandwidth(None, 2, "memory")


def test_the_probe_measures_or_refuses_within_its_time() -> None:
    """Takes half a second because it really measures; on a loaded PC it must refuse."""
    begun = time.perf_counter()
    found = measure_bandwidth(1, 400 * MIB, load=0.0)
    assert time.perf_counter() - begun < 5
    if found.bytes_per_second is None:
        assert found.refused == "busy"
    else:
        assert found.refused is None
        assert 50_000_000 < found.bytes_per_second < 2000 * GB
