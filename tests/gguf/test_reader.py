"""Headers are read whole, in pieces, cut at every offset; versions and limits."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.gguf import Header, read_header
from galosh.gguf.header import STRING, ArrayRef
from galosh.gguf.quant import TENSOR_TYPES, row_bytes
from galosh.gguf.reader import MAX_TEXT_BYTES
from galosh.gguf.source import BytesSource
from tests.fakes import gguf_models
from tests.fakes.gguf_writer import Model, Tensor, Typed

MODELS = [
    gguf_models.llama(), gguf_models.moe(), gguf_models.gemma3(), gguf_models.mamba(),
    gguf_models.lfm2(), gguf_models.qwen35(), gguf_models.deepseek2(),
]  # fmt: skip


class Trickle:
    """A source that gives one byte at a time and does not know its length."""

    size_bytes = None
    label = "trickle"

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + min(length, 1)]


def read(data: bytes) -> Header:
    return read_header(BytesSource(data, "test.gguf"))


def refusal(data: bytes) -> GaloshError:
    with pytest.raises(GaloshError) as caught:
        read(data)
    return caught.value


def small() -> Model:
    metadata: dict[str, object] = {
        "general.architecture": "llama",
        "llama.block_count": 1,
        "u8": Typed("u8", 200), "i8": Typed("i8", -3), "u16": Typed("u16", 65535),
        "i16": Typed("i16", -300), "u64": Typed("u64", 1 << 63), "i64": Typed("i64", -5),
        "f32": 0.5, "f64": Typed("f64", 1e300), "yes": True,
        "text": "Ёж", "texts": ["a", "", "ж"], "numbers": [3, -4], "flags": [True, False],
    }  # fmt: skip
    tensors = [Tensor("a", (32, 2), "Q4_0"), Tensor("b", (5,))]
    return Model(metadata, tensors)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_value_type_comes_back(version: int) -> None:
    model = small()
    model.version = version
    header = read(model.to_bytes())
    assert header.version == version
    assert header.metadata["u8"] == 200
    assert header.metadata["i8"] == -3
    assert header.metadata["u16"] == 65535
    assert header.metadata["i16"] == -300
    assert header.metadata["u64"] == 1 << 63
    assert header.metadata["i64"] == -5
    assert header.metadata["f32"] == 0.5
    assert header.metadata["f64"] == 1e300
    assert header.metadata["yes"] is True
    assert header.metadata["text"] == "Ёж"
    assert header.metadata["texts"] == ("a", "", "ж")
    assert header.metadata["numbers"] == (3, -4)
    assert header.metadata["flags"] == (True, False)
    assert [(t.name, t.dims, t.type_name, t.offset) for t in header.tensors] == [
        ("a", (32, 2), "Q4_0", 0),
        ("b", (5,), "F32", 64),
    ]
    assert header.data_offset == len(model.header())
    assert header.data_end == header.data_offset + 64 + 20


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.metadata["general.name"])
def test_writer_and_reader_agree_on_every_shape(model: Model) -> None:
    header = read(model.to_bytes())
    assert header.architecture == model.metadata["general.architecture"]
    assert header.data_offset == len(model.header())
    assert header.tensor_bytes == sum(tensor.size_bytes for tensor in model.tensors)
    assert header.vocabulary_size == 320
    assert header.chat_template == gguf_models.TEMPLATE
    assert header.context_length == model.metadata[f"{header.architecture}.context_length"]


def test_byte_by_byte_gives_the_same_header() -> None:
    data = gguf_models.llama().to_bytes()
    assert read_header(Trickle(data)) == read(data)


def test_trailing_bytes_change_nothing() -> None:
    data = small().to_bytes()
    assert read(data + b"tail" * 999) == read(data)


def test_truncated_at_every_offset() -> None:
    data = small().header()
    end = max(cut for cut in range(len(data)) if data[:cut].rstrip(b"\0") != data.rstrip(b"\0"))
    for cut in range(end):
        error = refusal(data[:cut])
        if cut < 4:
            assert error.code == "gguf-not-a-model"
        else:
            assert error.code == "gguf-truncated", cut
            assert error.facts["size_bytes"] == cut
            missing = error.facts["missing_bytes"]
            assert isinstance(missing, int)
            assert 0 < missing <= len(data) - cut
        with pytest.raises(GaloshError):
            read_header(Trickle(data[:cut]))


def test_long_arrays_stay_in_the_file() -> None:
    model = Model({"general.architecture": "llama", "long": list(range(5000))})
    texts = [f"word {i}" for i in range(6000)]
    model.metadata["tokenizer.ggml.tokens"] = texts
    source = BytesSource(model.to_bytes())
    header = read_header(source)
    long, tokens = header.metadata["long"], header.metadata["tokenizer.ggml.tokens"]
    assert isinstance(long, ArrayRef)
    assert isinstance(tokens, ArrayRef)
    assert long.count == 5000
    assert tokens.item_type == STRING
    assert tokens.read_texts(source) == [text.encode() for text in texts]
    with pytest.raises(ValueError, match="not an array of strings"):
        long.read_texts(source)
    with pytest.raises(ValueError, match="shorter"):
        tokens.read_texts(BytesSource(model.to_bytes()[:9000]))


def count_at(data: bytes, offset: int, value: int) -> bytes:
    return data[:offset] + struct.pack("<Q", value) + data[offset + 8 :]


@pytest.mark.parametrize("value", [100_001, 1 << 31, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize(("offset", "rule"), [(8, "too-many-tensors"), (16, "too-many-entries")])
def test_huge_counts_are_refused_without_memory(offset: int, rule: str, value: int) -> None:
    tracemalloc.start()
    error = refusal(count_at(small().header(), offset, value))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (error.code, error.facts["rule"]) == ("gguf-damaged", rule)
    assert peak < 2_000_000


def header_with(entry: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + entry


def key(name: str, value_type: int) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", value_type)


@pytest.mark.parametrize(
    ("entry", "code", "rule"),
    [
        (struct.pack("<Q", 65_537) + bytes(70_000), "gguf-damaged", "key-too-long"),
        (key("k", 8) + struct.pack("<Q", MAX_TEXT_BYTES + 1), "gguf-damaged", "text-too-long"),
        (key("k", 8) + struct.pack("<Q", MAX_TEXT_BYTES), "gguf-truncated", None),
        (key("k", 9) + struct.pack("<IQ", 4, 4_000_001), "gguf-damaged", "array-too-long"),
        (key("k", 9) + struct.pack("<IQ", 4, 4_000_000), "gguf-truncated", None),
        (key("k", 9) + struct.pack("<IQ", 8, 4_000_000), "gguf-truncated", None),
        (key("k", 9) + struct.pack("<IQQ", 8, 2, 1 << 63), "gguf-damaged", "header-too-long"),
        (key("k", 9) + struct.pack("<IQ", 9, 1) + bytes(64), "gguf-damaged", "value-type"),
        (key("k", 13) + bytes(64), "gguf-damaged", "value-type"),
        (key("general.alignment", 4) + struct.pack("<I", 0), "gguf-damaged", "alignment"),
        (key("general.alignment", 4) + struct.pack("<I", 33), "gguf-damaged", "alignment"),
        (key("general.alignment", 8) + struct.pack("<Q", 2) + b"32", "gguf-damaged", "alignment"),
    ],
)
def test_hostile_entries(entry: bytes, code: str, rule: str | None) -> None:
    error = refusal(header_with(entry))
    assert (error.code, error.facts.get("rule")) == (code, rule)


def test_entry_or_tensor_twice_is_refused() -> None:
    twice = b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + (key("k", 0) + b"\1") * 2
    assert refusal(twice).facts["rule"] == "key-twice"
    model = Model({}, [Tensor("a", (4,)), Tensor("a", (4,))])
    assert refusal(model.to_bytes()).facts["rule"] == "tensor-twice"


@pytest.mark.parametrize("dims", [(0,), (4, 0), (1 << 32, 1 << 31), (1 << 40, 1 << 40)])
def test_impossible_shapes_are_refused(dims: tuple[int, ...]) -> None:
    model = Model({}, [Tensor("a", dims)])
    assert refusal(model.header()).facts["rule"] == "tensor-shape"


def test_five_dimensions_are_refused() -> None:
    assert refusal(Model({}, [Tensor("a", (1,) * 5)]).header()).facts["rule"] == "too-many-dims"


@pytest.mark.parametrize("version", [0, 4, 255])
def test_unknown_versions_are_unsupported(version: int) -> None:
    model = small()
    model.version = version
    assert refusal(model.header()).code == "gguf-unsupported"


def test_row_bytes() -> None:
    assert row_bytes(12, 512) == 288
    assert row_bytes(12, 100) is None
    assert row_bytes(999, 256) is None
    assert all(t.block_bytes > 0 and t.block_weights > 0 for t in TENSOR_TYPES.values())


@pytest.mark.engine
def test_starter_model_sums_exactly(starter_model: Path) -> None:
    from galosh.gguf import check_file

    header = check_file(starter_model)
    assert header.tensor_bytes == 96_576_768
    assert header.data_offset == 1_785_664
    assert header.data_end == starter_model.stat().st_size == 98_362_432
    assert header.parameter_count == 134_515_008
    assert (header.architecture, header.file_type_name) == ("llama", "Q4_1")
    assert header.context_length == 8192
