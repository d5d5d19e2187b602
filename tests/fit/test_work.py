"""The work of a model, read from headers of every shape."""

from __future__ import annotations

import pytest

from galosh.fit import read_shape
from galosh.fit.speed import token_bytes
from galosh.fit.work import Heads, Kind, Work, read_work
from galosh.gguf import Header, read_header
from galosh.gguf.source import BytesSource
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model


def header(model: Model) -> Header:
    return read_header(BytesSource(model.header(), "test"))


def work(model: Model) -> Work:
    found = header(model)
    return read_work(found, read_shape(found))


@pytest.mark.parametrize("make", [models.llama, models.gemma3, models.qwen35, models.deepseek2])
def test_products_read_nearly_all_that_a_token_reads(make: object) -> None:
    """Norms and the like are the rest."""
    model = make()  # type: ignore[operator]
    found = header(model)
    whole = token_bytes(found, read_shape(found))
    assert 0.9 * whole < work(model).token_bytes <= whole


def test_products_of_a_plain_model() -> None:
    found = work(models.llama(layers=3, width=64, heads=4, groups=2, ff=128, vocab=320))
    counts = {(p.kind.columns, p.kind.rows, p.last): p.count for p in found.products}
    assert counts == {
        (64, 64, False): 6,  # queries and output of each layer
        (64, 32, False): 6,  # keys and values
        (64, 128, False): 6,  # gate and up
        (128, 64, False): 3,  # down
        (64, 320, True): 1,  # the words, for the last token alone
    }
    assert [(a.heads, a.layers, a.window) for a in found.attentions] == [
        (Heads(16, 16, 4, 2), 3, 0)
    ]
    assert found.vocabulary == 320


def test_a_tied_embedding_is_the_output() -> None:
    found = work(models.gemma3(layers=6, width=64, vocab=320, window=128))
    assert [p.kind for p in found.products if p.last] == [Kind(0, 64, 320)]
    assert {(a.layers, a.window) for a in found.attentions} == {(5, 128), (1, 0)}


def test_experts_are_counted_by_those_used() -> None:
    found = work(models.moe(experts=8, used=2, layers=2))
    experts = [p for p in found.products if p.copies > 1]
    assert sum(p.count for p in experts) == 6
    assert {(p.copies, p.used) for p in experts} == {(8, 2)}


def test_large_weights_are_timed_by_a_part_of_them() -> None:
    found = work(models.llama(layers=1, width=8192, heads=64, groups=8, ff=28672, vocab=128_000))
    assert max(p.kind.columns for p in found.products) == 4096
    assert max(p.kind.rows for p in found.products) == 4096
    for product in found.products:
        weights = product.kind.weights * product.scale * product.count
        assert product.size_bytes == pytest.approx(weights * 4)  # 32-bit numbers


def test_layers_without_attention_do_none() -> None:
    found = work(models.lfm2(groups=(0, 2, 0, 2)))
    assert sum(a.layers for a in found.attentions) == 2
    assert work(models.mamba()).attentions == ()
    assert work(models.mamba()).state_bytes > 0


def test_latent_attention_keeps_one_row_for_all_heads() -> None:
    [attention] = work(models.deepseek2(layers=3, kv_rank=32, rope=16)).attentions
    assert attention.heads == Heads(48, 48, 4, 1)
