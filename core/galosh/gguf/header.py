"""A GGUF header as plain facts: metadata, the table of tensors, where the data starts.

Pure. Values are what the file says, nothing is made up: a missing or wrongly typed entry
is None. Long arrays (a vocabulary) stay in the file as `ArrayRef`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from galosh.gguf.quant import FILE_TYPES, row_bytes, type_name
from galosh.gguf.source import ByteSource, read_fully

Scalar = bool | int | float | str


@dataclass(frozen=True)
class ArrayRef:
    """A long array left in the file: `count` items in `size_bytes` bytes at `offset`.

    For strings every item is a length of `length_bytes` bytes and then the text.
    """

    item_type: int
    count: int
    offset: int
    size_bytes: int
    length_bytes: int

    def read_texts(self, source: ByteSource) -> list[bytes]:
        """The strings, undecoded. ValueError when this is no string array or the file changed."""
        if self.item_type != STRING:
            raise ValueError("not an array of strings")
        data = read_fully(source, self.offset, self.size_bytes)
        layout = "<Q" if self.length_bytes == 8 else "<I"
        texts: list[bytes] = []
        position = 0
        while len(texts) < self.count:
            if position + self.length_bytes > len(data):
                raise ValueError("the file became shorter")
            (length,) = struct.unpack_from(layout, data, position)
            position += self.length_bytes + length
            texts.append(data[position - length : position])
        return texts


Value = Scalar | tuple[Scalar, ...] | ArrayRef

# Value types of the format.
UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = range(10)
UINT64, INT64, FLOAT64 = 10, 11, 12
SCALAR_LAYOUTS: dict[int, str] = {
    UINT8: "B",
    INT8: "b",
    UINT16: "H",
    INT16: "h",
    UINT32: "I",
    INT32: "i",
    FLOAT32: "f",
    BOOL: "?",
    UINT64: "Q",
    INT64: "q",
    FLOAT64: "d",
}


@dataclass(frozen=True)
class TensorInfo:
    """One row of the tensor table. `offset` counts from the start of the file's data."""

    name: str
    dims: tuple[int, ...]
    type: int
    offset: int

    @property
    def weights(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.dims)

    @property
    def size_bytes(self) -> int | None:
        """Bytes of its data; None for a type nobody knows or rows of broken blocks."""
        row = row_bytes(self.type, self.dims[0] if self.dims else 1)
        return None if row is None else row * math.prod(self.dims[1:])

    @property
    def type_name(self) -> str | None:
        """Such as `Q4_K`; None when unknown."""
        return type_name(self.type)


@dataclass(frozen=True)
class Header:
    """Everything before the weights."""

    version: int
    metadata: dict[str, Value]
    tensors: tuple[TensorInfo, ...]
    data_offset: int
    alignment: int
    # The value type each array of the metadata holds, also of those decoded to tuples.
    array_types: dict[str, int]

    def whole(self, key: str) -> int | None:
        """A whole number of the metadata."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def number(self, key: str) -> float | None:
        """Any finite number of the metadata."""
        value = self.metadata.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return float(value) if math.isfinite(value) else None

    def text(self, key: str) -> str | None:
        """A text of the metadata."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def count(self, key: str) -> int | None:
        """How many items an array of the metadata has."""
        value = self.metadata.get(key)
        if isinstance(value, ArrayRef):
            return value.count
        return len(value) if isinstance(value, tuple) else None

    def own(self, name: str) -> Value | None:
        """The entry `<architecture>.<name>`."""
        return self.metadata.get(f"{self.architecture}.{name}")

    def own_whole(self, name: str) -> int | None:
        """The whole number `<architecture>.<name>`."""
        return self.whole(f"{self.architecture}.{name}")

    def per_layer(self, name: str, layers: int) -> tuple[int, ...] | None:
        """`<architecture>.<name>` for each of `layers` layers, one number or an array.

        None when missing, wrongly typed, or an array of another length.
        """
        value = self.own(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return (value,) * layers
        if not isinstance(value, tuple) or len(value) != layers:
            return None
        whole = tuple(int(item) for item in value if isinstance(item, int))
        return whole if len(whole) == layers else None

    @property
    def architecture(self) -> str | None:
        """Such as `llama`."""
        return self.text("general.architecture")

    @property
    def name(self) -> str | None:
        """The name its makers gave it."""
        return self.text("general.name")

    @property
    def context_length(self) -> int | None:
        """Tokens it was trained to look at."""
        return self.own_whole("context_length")

    @property
    def chat_template(self) -> str | None:
        """The Jinja template of its conversations."""
        return self.text("tokenizer.chat_template")

    @property
    def file_type_name(self) -> str | None:
        """The quantisation of the file, such as `Q4_K_M`."""
        kind = self.whole("general.file_type")
        return None if kind is None else FILE_TYPES.get(kind % 1024)

    @property
    def vocabulary_size(self) -> int | None:
        """How many tokens it knows."""
        return self.count("tokenizer.ggml.tokens")

    @property
    def parameter_count(self) -> int:
        """How many weights the tensor table holds."""
        return sum(tensor.weights for tensor in self.tensors)

    @property
    def tensor_bytes(self) -> int | None:
        """Bytes of all weights, without padding; None when a type is unknown."""
        sizes = [tensor.size_bytes for tensor in self.tensors]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @property
    def split(self) -> tuple[int, int] | None:
        """(index, count) of a split model's part, index from 0; None for a whole model."""
        count = self.whole("split.count")
        index = self.whole("split.no")
        if count is None or count <= 1:
            return None
        return (index or 0, count)

    @property
    def data_end(self) -> int | None:
        """How long the file must be at least; None when a type is unknown."""
        end = self.data_offset
        for tensor in self.tensors:
            size = tensor.size_bytes
            if size is None:
                return None
            end = max(end, self.data_offset + tensor.offset + size)
        return end
