"""Memory from headers: known values, every kind of layer, growth, hostile headers."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galosh.base.errors import GaloshError
from galosh.fit import RunSettings, forecast_memory, read_shape
from galosh.fit.memory import CACHE_TYPES, cache_bytes, compute_bytes, repacked_bytes
from galosh.gguf import Header, read_header
from galosh.gguf.source import BytesSource
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model

MIB = 1 << 20
AVX2 = frozenset({"avx2", "fma"})


def header(model: Model) -> Header:
    return read_header(BytesSource(model.header(), "test"))


# The measures of SmolLM2-135M and gemma-3-270m, in small vocabularies.
SMOLLM2 = models.llama(30, 576, 9, 3, 1536, 49152, 8192, "Q4_1")
GEMMA_270M = models.gemma3(18, 640, 4, 1, 256, 2048, 262144, 32768, 512, "Q4_K")


@pytest.fixture(scope="module")
def smollm2() -> Header:
    return header(SMOLLM2)


@pytest.fixture(scope="module")
def gemma() -> Header:
    return header(GEMMA_270M)


def cache_mib(header: Header, **options: object) -> float:
    chosen = RunSettings(**options)  # type: ignore[arg-type]
    return cache_bytes(read_shape(header), chosen) / MIB


def test_cache_of_a_plain_model(smollm2: Header) -> None:
    assert cache_mib(smollm2, context_tokens=2048) == 45
    assert cache_mib(smollm2, context_tokens=8192) == 180
    assert cache_mib(smollm2, context_tokens=8192, cache_type="q8_0") == 95.625
    assert cache_mib(smollm2, context_tokens=1) == cache_mib(smollm2, context_tokens=256)


def test_cache_of_sliding_windows(gemma: Header) -> None:
    whole = {"full_window_cache": True}
    assert cache_mib(gemma, context_tokens=2048, **whole) == 6 + 30
    assert cache_mib(gemma, context_tokens=8192, **whole) == 24 + 120
    assert cache_mib(gemma, context_tokens=2048, batch_tokens=512) == 6 + 15
    assert cache_mib(gemma, context_tokens=8192, batch_tokens=128) == 24 + 11.25


def test_gemma_3_27b_is_ten_not_eighty_one() -> None:
    model = models.gemma3(62, 5376, 32, 16, 128, 21504, 320, 131072, 1024, "Q4_K")
    size = cache_mib(header(model), context_tokens=131072, batch_tokens=256) / 1024
    assert 10.4 <= size <= 10.6


def test_compute_buffer_of_plain_models(smollm2: Header) -> None:
    shape = read_shape(smollm2)
    size, is_guess = compute_bytes(shape, RunSettings(8192, 512))
    assert not is_guess
    assert size / MIB == pytest.approx(21.5, rel=0.01)
    size, _ = compute_bytes(shape, RunSettings(8192, 512, flash_attention=False))
    assert size / MIB == pytest.approx(166.4, rel=0.01)


def test_hybrid_models_pay_for_attention_layers_only() -> None:
    hybrid = header(models.qwen35(layers=8, head=32, groups=2))
    assert cache_mib(hybrid, context_tokens=1024) == 2 * 1024 * 2 * 64 * 2 / MIB
    state = read_shape(hybrid)
    assert [layer.state_bytes > 0 for layer in state.layers] == [True, True, True, False] * 2
    conv = header(models.lfm2(groups=(0, 2, 0)))
    assert [layer.key_numbers for layer in read_shape(conv).layers] == [0, 32, 0]
    assert read_shape(conv).layers[0].state_bytes == 4 * 64 * 2


def test_recurrent_models_have_no_cache_at_any_context() -> None:
    recurrent = header(models.mamba())
    small, large = (
        forecast_memory(recurrent, RunSettings(tokens), AVX2) for tokens in (512, 65_536)
    )
    assert small.cache_bytes == large.cache_bytes == 0
    assert small.state_bytes == large.state_bytes == 2 * 4 * (3 * 128 + 16 * 128)


def test_latent_attention_keeps_one_row() -> None:
    latent = header(models.deepseek2())
    shape = read_shape(latent)
    assert {(layer.key_numbers, layer.value_numbers) for layer in shape.layers} == {(48, 0)}


def test_shared_layers_own_no_cache() -> None:
    model = models.gemma3()
    model.metadata["gemma3.attention.shared_kv_layers"] = 2
    layers = read_shape(header(model)).layers
    assert [layer.key_numbers > 0 for layer in layers] == [True] * 4 + [False] * 2


def test_stated_window_patterns_win() -> None:
    model = models.gemma3()
    model.metadata["gemma3.attention.sliding_window_pattern"] = [True, False] * 3
    assert [layer.sliding for layer in read_shape(header(model)).layers] == [True, False] * 3
    model.metadata["gemma3.attention.sliding_window_pattern"] = 3
    shape = read_shape(header(model))
    assert [layer.sliding for layer in shape.layers] == [True, True, False] * 2


def test_weights_by_class_add_up() -> None:
    for model in (models.moe(), models.deepseek2(), models.gemma3()):
        read = header(model)
        forecast = forecast_memory(read, RunSettings(512), AVX2)
        assert forecast.weights_bytes == read.tensor_bytes
    assert forecast_memory(header(models.moe()), RunSettings(512), AVX2).weights["experts"] == (
        2 * 3 * 4 * 64 * 128 * 4
    )


@pytest.mark.parametrize(
    ("kind", "flags", "is_copied"),
    [
        ("Q4_K", AVX2, True),
        ("Q4_0", AVX2, True),
        ("Q8_0", AVX2, False),
        ("Q6_K", AVX2, False),
        ("Q4_K", frozenset({"sse4_2", "avx"}), False),
        ("Q8_0", frozenset({"asimd", "asimddp"}), True),
        ("Q6_K", None, True),
        ("F32", None, False),
    ],
)
def test_second_copy_by_processor(kind: str, flags: frozenset[str] | None, is_copied: bool) -> None:
    read = header(models.llama(width=256, ff=512, kind=kind))
    assert (repacked_bytes(read, flags) > 0) is is_copied


def test_embedding_is_copied_only_when_it_is_the_output() -> None:
    untied = header(models.llama(width=256, ff=512, kind="Q4_K"))
    large = sum(t.size_bytes or 0 for t in untied.tensors if t.type_name == "Q4_K")
    embedding = next(t.size_bytes for t in untied.tensors if t.name == "token_embd.weight")
    assert repacked_bytes(untied, AVX2) == large - (embedding or 0)
    tied = header(models.gemma3(width=256, heads=2, head=256, ff=512, kind="Q4_K"))
    large = sum(t.size_bytes or 0 for t in tied.tensors if t.type_name == "Q4_K")
    assert repacked_bytes(tied, AVX2) == large


def test_without_mmap_there_is_one_copy_and_no_file_pages(smollm2: Header) -> None:
    mapped = forecast_memory(smollm2, RunSettings(2048), AVX2)
    loaded = forecast_memory(smollm2, RunSettings(2048, use_mmap=False), AVX2)
    assert mapped.file_bytes == mapped.weights_bytes
    assert loaded.file_bytes == 0
    assert loaded.anonymous_bytes == mapped.anonymous_bytes + mapped.weights_bytes
    assert sum(mapped.parts().values()) == mapped.peak_bytes
    assert sum(loaded.parts().values()) == loaded.peak_bytes


def test_unknown_architectures_are_marked_as_guesses() -> None:
    for model in (models.moe(), models.deepseek2(), models.mamba(), models.qwen35()):
        known = forecast_memory(header(model), RunSettings(512), AVX2)
        assert not known.is_guess
        old = str(model.metadata["general.architecture"])
        model.metadata = {
            key.replace(f"{old}.", "other."): value for key, value in model.metadata.items()
        }
        model.metadata["general.architecture"] = "other"
        other = forecast_memory(header(model), RunSettings(512), AVX2)
        assert other.is_guess
        assert other.compute_bytes > known.compute_bytes
    # Without flash attention only plain models were checked.
    latent = RunSettings(512, flash_attention=False)
    assert forecast_memory(header(models.deepseek2()), latent, AVX2).is_guess


@pytest.mark.parametrize("key", ["llama.block_count", "llama.embedding_length"])
def test_missing_measures_are_named(key: str) -> None:
    model = models.llama()
    del model.metadata[key]
    with pytest.raises(GaloshError) as caught:
        forecast_memory(header(model), RunSettings(512), AVX2)
    assert caught.value.code == "fit-no-forecast"
    assert key.partition(".")[2] in caught.value.why


def test_unknown_weight_type_is_no_forecast() -> None:
    model = models.llama()
    model.tensors[0] = dataclasses.replace(model.tensors[0], type_id=200)
    with pytest.raises(GaloshError) as caught:
        forecast_memory(header(model), RunSettings(512), None)
    assert "token_embd.weight" in caught.value.why


SHAPES = [models.llama(), models.moe(), models.gemma3(), models.mamba(), models.lfm2(),
          models.qwen35(), models.deepseek2()]  # fmt: skip
HEADERS = [header(model) for model in SHAPES]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    read=st.sampled_from(HEADERS),
    context=st.integers(1, 1 << 20),
    batch=st.integers(1, 2048),
    cache_type=st.sampled_from(sorted(CACHE_TYPES)),
    flash=st.booleans(),
    sequences=st.integers(1, 16),
    outputs=st.integers(1, 64),
)
def test_need_grows_with_every_setting(
    read: Header,
    context: int,
    batch: int,
    cache_type: str,
    flash: bool,
    sequences: int,
    outputs: int,
) -> None:
    chosen = RunSettings(context, batch, cache_type, flash, sequences=sequences, outputs=outputs)
    need = forecast_memory(read, chosen, AVX2)
    assert need.peak_bytes > 0
    for name in ("context_tokens", "batch_tokens", "sequences", "outputs"):
        more = dataclasses.replace(chosen, **{name: 2 * getattr(chosen, name)})
        assert forecast_memory(read, more, AVX2).peak_bytes >= need.peak_bytes, name
    kept = forecast_memory(read, chosen, AVX2, prefix_bytes=1000)
    assert kept.anonymous_bytes == need.anonymous_bytes + 1000
    assert all(size > 0 for size in need.parts().values())
