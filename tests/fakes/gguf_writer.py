"""Writes GGUF files for tests: any metadata and tensor table, zero or random weights.

Independent of galosh's reader, so that the two check each other. `Model` is a file still
in memory; the shapes of real architectures are in `gguf_models`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

# name -> (id, bytes per block, weights per block)
TYPES: dict[str, tuple[int, int, int]] = {
    "F32": (0, 4, 1),
    "F16": (1, 2, 1),
    "Q4_0": (2, 18, 32),
    "Q4_1": (3, 20, 32),
    "Q8_0": (8, 34, 32),
    "Q4_K": (12, 144, 256),
    "Q6_K": (14, 210, 256),
}
_LAYOUTS = {"u8": (0, "B"), "i8": (1, "b"), "u16": (2, "H"), "i16": (3, "h"), "u32": (4, "I"),
            "i32": (5, "i"), "f32": (6, "f"), "bool": (7, "?"), "u64": (10, "Q"),
            "i64": (11, "q"), "f64": (12, "d")}  # fmt: skip
_PATTERN_BYTES = 1 << 20


class Typed:
    """A metadata value with its exact type: `Typed("u64", 3)`, `Typed("f32", [1.0, 2.0])`."""

    def __init__(self, kind: str, value: object) -> None:
        self.kind = kind
        self.value = value


@dataclass(frozen=True)
class Tensor:
    """One tensor to write; `type_id` and `offset` override what is right."""

    name: str
    dims: tuple[int, ...]
    type: str = "F32"
    type_id: int | None = None
    offset: int | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of its data."""
        _, block_bytes, block = TYPES[self.type]
        return math.prod(self.dims) // block * block_bytes


@dataclass
class Model:
    """Metadata (plain or Typed values; bytes are texts as they are) and tensors."""

    metadata: dict[str, object]
    tensors: list[Tensor] = field(default_factory=list)
    version: int = 3
    alignment: int = 32

    def changed(self, **metadata: object) -> Model:
        """A copy with entries replaced; `__` stands for `.`, None removes the entry."""
        merged = dict(self.metadata)
        for key, value in metadata.items():
            merged[key.replace("__", ".")] = value
        kept = {key: value for key, value in merged.items() if value is not None}
        return Model(kept, list(self.tensors), self.version, self.alignment)

    def header(self, order: str = "<") -> bytes:
        """Everything before the data, padding included."""
        wide = "I" if self.version == 1 else "Q"
        parts = [b"GGUF", struct.pack(f"{order}I", self.version)]
        parts.append(struct.pack(f"{order}2{wide}", len(self.tensors), len(self.metadata)))
        for key, value in self.metadata.items():
            parts += [text_bytes(key.encode(), order, wide), value_bytes(value, order, wide)]
        offset = 0
        for tensor in self.tensors:
            type_id = TYPES[tensor.type][0] if tensor.type_id is None else tensor.type_id
            start = offset if tensor.offset is None else tensor.offset
            parts.append(text_bytes(tensor.name.encode(), order, wide))
            parts.append(struct.pack(f"{order}I", len(tensor.dims)))
            parts.append(struct.pack(f"{order}{len(tensor.dims)}{wide}", *tensor.dims))
            parts.append(struct.pack(f"{order}IQ", type_id, start))
            offset += _padded(tensor.size_bytes, self.alignment)
        data = b"".join(parts)
        return data + bytes(_padded(len(data), self.alignment) - len(data))

    @property
    def data_bytes(self) -> int:
        """Bytes of all tensors, padding included."""
        return sum(_padded(tensor.size_bytes, self.alignment) for tensor in self.tensors)

    def to_bytes(self, seed: int | None = None) -> bytes:
        """The whole file; zero weights without a seed."""
        parts = [self.header()]
        for tensor in self.tensors:
            data = bytes(tensor.size_bytes) if seed is None else random_weights(tensor, seed)
            parts += [data, bytes(_padded(len(data), self.alignment) - len(data))]
        return b"".join(parts)

    def write(self, path: Path, seed: int | None = None) -> Path:
        """Write the file; without a seed the weights are a hole (no disk space)."""
        header = self.header()
        with path.open("wb") as file:
            file.write(header)
            if seed is None:
                file.truncate(len(header) + self.data_bytes)
            else:
                self._write_random(file, seed)
        return path

    def _write_random(self, file: BinaryIO, seed: int) -> None:
        for tensor in self.tensors:
            if tensor.size_bytes <= 8 * _PATTERN_BYTES:
                file.write(random_weights(tensor, seed))
            else:
                # Speed does not depend on the values: one pattern of whole blocks, repeated.
                block = TYPES[tensor.type][1]
                count = _PATTERN_BYTES // block
                rows = count * TYPES[tensor.type][2]
                pattern = random_weights(Tensor(tensor.name, (rows,), tensor.type), seed)
                file.writelines(pattern for _ in range(tensor.size_bytes // len(pattern)))
                file.write(pattern[: tensor.size_bytes % len(pattern)])
            file.write(bytes(_padded(tensor.size_bytes, self.alignment) - tensor.size_bytes))


def random_weights(tensor: Tensor, seed: int) -> bytes:
    """Finite random weights of about the size a trained model has; norms are near one."""
    rng = np.random.default_rng([seed, *tensor.name.encode()])
    count = math.prod(tensor.dims)
    if tensor.type in ("F32", "F16"):
        near = 1.0 if "norm" in tensor.name else 0.0
        values = near + rng.standard_normal(count) * 0.05
        if tensor.name.endswith("ssm_a"):
            values = -np.abs(values) - 0.5  # a state that decays instead of exploding
        return values.astype("<f4" if tensor.type == "F32" else "<f2").tobytes()
    _, block_bytes, block = TYPES[tensor.type]
    blocks = rng.integers(0, 256, (count // block, block_bytes), dtype=np.uint8)
    scale = np.frombuffer(np.float16(0.002).tobytes(), np.uint8)
    at = {"Q4_0": (0,), "Q4_1": (0, 2), "Q8_0": (0,), "Q4_K": (0, 2), "Q6_K": (208,)}[tensor.type]
    for start in at:
        blocks[:, start : start + 2] = scale
    return blocks.tobytes()


def _padded(size: int, alignment: int) -> int:
    return (size + alignment - 1) // alignment * alignment


def text_bytes(data: bytes, order: str, wide: str) -> bytes:
    return struct.pack(f"{order}{wide}", len(data)) + data


def value_bytes(value: object, order: str, wide: str) -> bytes:
    if isinstance(value, Typed):
        number, layout = _LAYOUTS[value.kind]
        if isinstance(value.value, (list, tuple)):
            items = struct.pack(f"{order}{len(value.value)}{layout}", *value.value)
            return struct.pack(f"{order}II{wide}", 9, number, len(value.value)) + items
        return struct.pack(f"{order}I{layout}", number, value.value)
    if isinstance(value, (str, bytes)):
        data = value.encode() if isinstance(value, str) else value
        return struct.pack(f"{order}I", 8) + text_bytes(data, order, wide)
    if isinstance(value, (list, tuple)):
        return _array(value, order, wide)
    kind = "bool" if isinstance(value, bool) else "u32" if isinstance(value, int) else "f32"
    return value_bytes(Typed(kind, value), order, wide)


def _array(items: Sequence[object], order: str, wide: str) -> bytes:
    if items and isinstance(items[0], (str, bytes)):
        texts = [item.encode() if isinstance(item, str) else item for item in items]
        body = b"".join(text_bytes(item, order, wide) for item in texts if isinstance(item, bytes))
        return struct.pack(f"{order}II{wide}", 9, 8, len(items)) + body
    first = items[0] if items else 0
    kind = "bool" if isinstance(first, bool) else "i32" if isinstance(first, int) else "f32"
    return value_bytes(Typed(kind, list(items)), order, wide)


def vocabulary(size: int) -> Mapping[str, object]:
    """A SentencePiece-style vocabulary of `size` (at least 300) different tokens."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256))]
    kinds = [2, 3, 3] + [6] * 256
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)] + ["\u2581"]
    tokens += letters
    tokens += [f"\u2581w{i}" for i in range(size - len(tokens))]
    kinds += [1] * (len(tokens) - len(kinds))
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [-float(i) for i in range(len(tokens))],
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }
