"""A whole file is checked before the engine sees it: sizes, hostile values, parts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.gguf import check_file
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model, Tensor, Typed

BIG = (1 << 32) - 1


def refusal(path: Path) -> GaloshError:
    with pytest.raises(GaloshError) as caught:
        check_file(path)
    error = caught.value
    assert "?" not in f"{error}", f"a fact is missing: {error}"
    return error


def rule_of(model: Model, folder: Path) -> tuple[str, object]:
    error = refusal(model.write(folder / "model.gguf"))
    return error.code, error.facts.get("rule", error.facts.get("kind"))


SHAPES: list[Callable[[], Model]] = [
    models.llama, models.moe, models.gemma3, models.mamba, models.lfm2, models.qwen35,
    models.deepseek2,
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_sound_models_pass(tmp_path: Path, shape: Callable[[], Model]) -> None:
    path = shape().write(tmp_path / "model.gguf")
    assert check_file(path).data_end == path.stat().st_size


def test_sparse_giant_passes_without_reading_it(tmp_path: Path) -> None:
    giant = models.llama(layers=32, width=8192, heads=64, groups=8, ff=28672, kind="Q4_K")
    path = giant.write(tmp_path / "70b.gguf")
    header = check_file(path)
    assert path.stat().st_size > 15_000_000_000
    assert header.data_end == path.stat().st_size


@pytest.mark.parametrize("missing", [1, 1000, 400_000])
def test_truncated_file_says_how_much_is_missing(tmp_path: Path, missing: int) -> None:
    path = models.llama().write(tmp_path / "model.gguf")
    os.truncate(path, path.stat().st_size - missing)
    error = refusal(path)
    assert error.code == "gguf-truncated"
    assert error.facts["missing_bytes"] == missing
    assert error.facts["size_bytes"] == path.stat().st_size
    assert str(path) in error.what


TENSORS: list[tuple[Tensor, str, str]] = [
    (Tensor("x" * 64, (32,)), "gguf-damaged", "tensor-name"),
    (Tensor("x", (32,), offset=64), "gguf-damaged", "tensor-offset"),
    (Tensor("x", (32,), offset=1 << 63), "gguf-damaged", "tensor-offset"),
    (Tensor("x", (33,), "F32", type_id=2), "gguf-damaged", "tensor-row"),
    (Tensor("x", (32,), type_id=31), "gguf-unsupported", "type-removed"),
    (Tensor("x", (32,), type_id=99), "gguf-unsupported", "type-unknown"),
]


@pytest.mark.parametrize(("tensor", "code", "rule"), TENSORS, ids=[row[2] for row in TENSORS])
def test_tensor_table_rules(tmp_path: Path, tensor: Tensor, code: str, rule: str) -> None:
    model = Model(models.llama().metadata, [tensor])
    assert rule_of(model, tmp_path) == (code, rule)


def test_version_1_is_read_but_not_run(tmp_path: Path) -> None:
    model = models.llama()
    model.version = 1
    assert rule_of(model, tmp_path) == ("gguf-unsupported", "version")


LLAMA_VALUES: list[tuple[str, object]] = [
    ("block_count", 0), ("block_count", 513), ("block_count", 1 << 31), ("block_count", BIG),
    ("block_count", "2"), ("block_count", 2.0), ("block_count", True),
    ("embedding_length", 0), ("embedding_length", BIG), ("context_length", 0),
    ("context_length", BIG), ("feed_forward_length", Typed("i32", -1)),
    ("feed_forward_length", BIG),
    ("feed_forward_length", [1, 2, 3]), ("feed_forward_length", ["1", "2"]),
    ("attention.layer_norm_rms_epsilon", float("nan")),
    ("attention.layer_norm_rms_epsilon", float("inf")),
    ("attention.layer_norm_rms_epsilon", -1.0), ("attention.layer_norm_rms_epsilon", "0"),
    ("attention.head_count", 0), ("attention.head_count", BIG), ("attention.head_count", [0, 0]),
    ("attention.head_count", "4"), ("attention.head_count_kv", 3),
    ("attention.head_count_kv", 8), ("attention.head_count_kv", [1, 2, 1]),
    ("attention.key_length", 0), ("attention.value_length", BIG),
    ("attention.sliding_window", Typed("i32", -5)),
    ("expert_count", 1 << 31), ("expert_count", 8), ("expert_used_count", 2),
    ("rope.scaling.type", "sideways"), ("rope.scaling.type", 3),
    ("rope.scaling.factor", float("nan")), ("rope.scaling.factor", -1.0),
    ("rope.freq_base", 0.0), ("rope.freq_base", float("nan")), ("rope.freq_base", "big"),
    ("logit_scale", float("-inf")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), LLAMA_VALUES, ids=lambda item: str(item)[:40])
def test_hostile_values(tmp_path: Path, name: str, value: object) -> None:
    model = models.llama()
    model.metadata[f"llama.{name}"] = value
    error = refusal(model.write(tmp_path / "model.gguf"))
    assert error.code == "gguf-damaged"
    assert name in error.why or "experts" in error.why


SHAPE_VALUES: list[tuple[Callable[[], Model], str, object]] = [
    (models.qwen35, "full_attention_interval", 0),
    (models.qwen35, "ssm.inner_size", 128),
    (models.qwen35, "rope.dimension_count", 0),
    (models.qwen35, "rope.dimension_count", 3),
    (models.qwen35, "rope.dimension_count", 64),
    (models.qwen35, "rope.dimension_count", "8"),
    (models.qwen35, "rope.dimension_sections", [0, 0, 0, 0]),
    (models.qwen35, "rope.dimension_sections", Typed("i32", -1)),
    (models.deepseek2, "attention.key_length", 47),
    (models.deepseek2, "attention.key_length", None),
    (models.deepseek2, "attention.key_length_mla", 16),
    (models.deepseek2, "attention.head_count_kv", None),
    (models.deepseek2, "rope.dimension_count", None),
    (models.moe, "expert_used_count", [1, 2]),
]


@pytest.mark.parametrize(("shape", "name", "value"), SHAPE_VALUES)
def test_values_that_killed_the_engine(
    tmp_path: Path, shape: Callable[[], Model], name: str, value: object
) -> None:
    model = shape()
    key = f"{model.metadata['general.architecture']}.{name}"
    model.metadata[key] = value
    if value is None:
        del model.metadata[key]
    error = refusal(model.write(tmp_path / "model.gguf"))
    assert error.code == "gguf-damaged"


@pytest.mark.parametrize(("count", "used"), [(4, 5), (4, 0), (0, 1), (513, 2)])
def test_experts_used_must_be_present(tmp_path: Path, count: int, used: int) -> None:
    model = models.moe().changed(llama__expert_count=count, llama__expert_used_count=used)
    assert refusal(model.write(tmp_path / "model.gguf")).code == "gguf-damaged"


@pytest.mark.parametrize(
    "key",
    ["llama.block_count", "llama.embedding_length", "llama.context_length",
     "llama.attention.head_count", "tokenizer.ggml.model", "tokenizer.ggml.tokens"],
)  # fmt: skip
def test_missing_entries(tmp_path: Path, key: str) -> None:
    model = models.llama()
    del model.metadata[key]
    error = refusal(model.write(tmp_path / "model.gguf"))
    assert error.code == "gguf-damaged"
    assert key in error.why


def words(count: int = 320) -> list[object]:
    tokens = models.llama().metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, list)
    return tokens[:count]


@pytest.mark.parametrize(
    ("tokens", "rule"),
    [
        ([], "missing"),
        ([1, 2, 3], "missing"),
        ([""] * 320, "tokens-empty"),
        ([*words(319), "<s>"], "token-twice"),
        ([*words(319), b"\xff\xfe"], "token-bytes"),
        ([*words(319), "x" * 65_537], "token-long"),
        (words(300), "array-length"),
    ],
)
def test_vocabulary_rules(tmp_path: Path, tokens: list[object], rule: str) -> None:
    model = models.llama().changed(tokenizer__ggml__tokens=tokens)
    assert rule_of(model, tmp_path) == ("gguf-damaged", rule)


@pytest.mark.parametrize("tokenizer", ["bert", "rwkv", "plamo2"])
def test_tokenizer_of_another_family(tmp_path: Path, tokenizer: str) -> None:
    model = models.llama().changed(tokenizer__ggml__model=tokenizer)
    assert rule_of(model, tmp_path) == ("gguf-damaged", "tokenizer")


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        ({"general__architecture": "clip"}, "mmproj"),
        ({"general__architecture": "flux"}, "image"),
        ({"general__architecture": ""}, "no-architecture"),
        ({"general__architecture": None}, "no-architecture"),
        ({"general__type": "adapter"}, "adapter"),
        ({"general__type": "imatrix"}, "imatrix"),
    ],
)
def test_other_gguf_files_are_named(tmp_path: Path, entries: dict[str, object], kind: str) -> None:
    model = models.llama().changed(**entries)
    assert rule_of(model, tmp_path) == ("gguf-not-a-model", kind)


def test_vocabulary_without_weights(tmp_path: Path) -> None:
    model = Model(models.llama().metadata, [])
    assert rule_of(model, tmp_path) == ("gguf-not-a-model", "no-weights")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.gguf").code == "gguf-not-found"
    assert refusal(tmp_path).code == "gguf-not-a-file"
    assert refusal(Path("bad\0name")).code == "gguf-unreadable"
    if sys.platform != "win32":
        pipe = tmp_path / "pipe.gguf"
        os.mkfifo(pipe)
        assert refusal(pipe).code == "gguf-not-a-file"
        assert refusal(Path("/dev/zero")).code == "gguf-not-a-file"
    loop = tmp_path / "loop.gguf"
    loop.symlink_to(loop)
    assert refusal(loop).code == "gguf-unreadable"
    real = models.llama().write(tmp_path / "ж модель.gguf")
    link = tmp_path / "link.gguf"
    link.symlink_to(real)
    assert check_file(link).architecture == "llama"


def split_model(folder: Path, count: int = 3) -> list[Path]:
    whole = models.llama()
    paths = []
    for index in range(count):
        own = dict(whole.metadata) if index == 0 else {}
        own |= {
            "split.no": Typed("u16", index),
            "split.count": Typed("u16", count),
            "split.tensors.count": Typed("i32", len(whole.tensors)),
        }
        path = folder / f"big-{index + 1:05d}-of-{count:05d}.gguf"
        paths.append(Model(own, whole.tensors[index::count]).write(path))
    return paths


def test_split_model_is_summed(tmp_path: Path) -> None:
    first, *_ = split_model(tmp_path)
    header = check_file(first)
    whole = models.llama()
    assert header.split == (0, 3)
    assert header.tensor_bytes == sum(tensor.size_bytes for tensor in whole.tensors)
    assert {t.name for t in header.tensors} == {t.name for t in whole.tensors}


def test_split_model_problems_are_named(tmp_path: Path) -> None:
    first, second, third = split_model(tmp_path)
    assert refusal(second).code == "gguf-not-first-part"
    assert first.name in refusal(second).next_step
    os.truncate(third, third.stat().st_size - 7)
    assert refusal(first).facts["missing_bytes"] == 7
    third.unlink()
    error = refusal(first)
    assert (error.code, error.facts["part"]) == ("gguf-part-missing", third.name)
    third.write_bytes(second.read_bytes())
    assert refusal(first).facts["rule"] == "split-order"
    renamed = first.rename(tmp_path / "big.gguf")
    assert refusal(renamed).facts["rule"] == "split-name"


def test_split_parts_must_add_up(tmp_path: Path) -> None:
    first, second, third = split_model(tmp_path)
    model = Model({"split.no": Typed("u16", 2), "split.count": Typed("u16", 3)}, [])
    model.write(third)
    assert refusal(first).facts["rule"] == "split-tensors"
    model.tensors = models.llama().tensors[1::3]
    model.write(third)
    assert refusal(first).facts["rule"] == "tensor-twice"
    assert second.exists()
