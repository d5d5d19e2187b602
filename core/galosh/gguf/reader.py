"""Reads a GGUF header, versions 1 to 3, from any ByteSource. Pure.

Rules:
- a hostile file gives a GaloshError, never another exception, hang or huge allocation;
- limits: 100,000 tensors, 65,536 metadata entries, 4 dimensions, 64 KiB per key,
  8 MiB per text, 4 million items per array, 64 MiB in all, 2^62 weights per tensor;
- arrays of more than 4,096 items, and the tokenizer's texts, whose exact bytes matter,
  stay in the file (`ArrayRef`).
"""

from __future__ import annotations

import struct

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.gguf.cursor import Cursor, damaged
from galosh.gguf.header import (
    ARRAY,
    SCALAR_LAYOUTS,
    STRING,
    ArrayRef,
    Header,
    Scalar,
    TensorInfo,
    Value,
)
from galosh.gguf.kind import (
    HEAD_BYTES,
    LEGACY_KINDS,
    FileKind,
    LegacyModel,
    identify,
    read_legacy,
)
from galosh.gguf.source import ByteSource, read_fully

MAX_TENSORS = 100_000
MAX_ENTRIES = 65_536
MAX_DIMS = 4
MAX_KEY_BYTES = 64 * 1024
MAX_TEXT_BYTES = 8 * 1024 * 1024
MAX_ARRAY_ITEMS = 4_000_000
MAX_WEIGHTS = 1 << 62
_DECODED_ITEMS = 4096
_DECODED_BYTES = 256 * 1024
_DEFAULT_ALIGNMENT = 32


def read_header(source: ByteSource) -> Header:
    """The header at the start of `source`.

    Raises GaloshError gguf-not-a-model, gguf-legacy, gguf-big-endian, gguf-unsupported,
    gguf-truncated or gguf-damaged.
    """
    expect_gguf(read_fully(source, 0, HEAD_BYTES), source.label)
    cursor = Cursor(source)
    cursor.skip(4)
    version = cursor.number("I")
    if not 1 <= version <= 3:
        raise GaloshError(
            "gguf-unsupported",
            path=source.label,
            reason=say("gguf.reason.version", version=version),
        )
    cursor.length_bytes = 4 if version == 1 else 8
    tensor_count = _limited(cursor, MAX_TENSORS, "too-many-tensors")
    entry_count = _limited(cursor, MAX_ENTRIES, "too-many-entries")
    metadata, array_types = _read_metadata(cursor, entry_count)
    tensors = _read_tensors(cursor, tensor_count)
    alignment = _alignment(metadata, source.label)
    return Header(
        version=version,
        metadata=metadata,
        tensors=tensors,
        data_offset=cursor.align(alignment),
        alignment=alignment,
        array_types=array_types,
    )


def expect_gguf(head: bytes, label: str) -> None:
    """Raise the GaloshError that says what the file is, unless it starts like a GGUF."""
    kind = identify(head)
    if kind is FileKind.GGUF:
        return
    if kind is FileKind.GGUF_BIG_ENDIAN:
        raise GaloshError("gguf-big-endian", path=label)
    if kind in LEGACY_KINDS:
        legacy = read_legacy(head) or LegacyModel(kind.name, None, None, None)
        raise GaloshError("gguf-legacy", path=label, format=legacy.title, heir=legacy.heir)
    raise GaloshError(
        "gguf-not-a-model", path=label, kind=kind.value, found=say(f"gguf.kind.{kind.value}")
    )


def _limited(cursor: Cursor, limit: int, reason: str) -> int:
    count = cursor.length()
    if count > limit:
        raise damaged(cursor.label, reason, count=count, limit=limit)
    return count


def _text(cursor: Cursor, limit_bytes: int, reason: str) -> str:
    # Old writers put Latin-1 into names and licences; that harms nobody.
    return cursor.text_bytes(limit_bytes, reason).decode("utf-8", "replace")


def _read_metadata(cursor: Cursor, count: int) -> tuple[dict[str, Value], dict[str, int]]:
    metadata: dict[str, Value] = {}
    array_types: dict[str, int] = {}
    for _ in range(count):
        key = _text(cursor, MAX_KEY_BYTES, "key-too-long")
        if key in metadata:
            raise damaged(cursor.label, "key-twice", key=key[:200])
        value_type = cursor.number("I")
        if value_type == ARRAY:
            array_types[key], metadata[key] = _read_array(cursor, key)
        else:
            metadata[key] = _read_scalar(cursor, value_type, key)
    return metadata, array_types


def _read_scalar(cursor: Cursor, value_type: int, key: str) -> Scalar:
    if value_type == STRING:
        return _text(cursor, MAX_TEXT_BYTES, "text-too-long")
    layout = SCALAR_LAYOUTS.get(value_type)
    if layout is None:
        raise damaged(cursor.label, "value-type", key=key[:200], type=value_type)
    return cursor.scalar(layout)


def _read_array(cursor: Cursor, key: str) -> tuple[int, Value]:
    item_type = cursor.number("I")
    count = _limited(cursor, MAX_ARRAY_ITEMS, "array-too-long")
    layout = SCALAR_LAYOUTS.get(item_type)
    if layout is None and item_type != STRING:
        raise damaged(cursor.label, "value-type", key=key[:200], type=item_type)
    start = cursor.position
    if layout is None:
        cursor.skip_texts(count)
    else:
        cursor.skip(count * struct.calcsize("<" + layout))
    size = cursor.position - start
    reference = ArrayRef(item_type, count, start, size, cursor.length_bytes)
    exact = layout is None and key.startswith("tokenizer.ggml.")
    if exact or count > _DECODED_ITEMS or size > _DECODED_BYTES:
        return item_type, reference
    cursor.position = start
    if layout is None:
        return item_type, tuple(
            _text(cursor, MAX_TEXT_BYTES, "text-too-long") for _ in range(count)
        )
    return item_type, struct.unpack(f"<{count}{layout}", cursor.take(size))


def _read_tensors(cursor: Cursor, count: int) -> tuple[TensorInfo, ...]:
    tensors: list[TensorInfo] = []
    names: set[str] = set()
    for _ in range(count):
        tensor = _read_tensor(cursor)
        if tensor.name in names:
            raise damaged(cursor.label, "tensor-twice", name=tensor.name[:200])
        names.add(tensor.name)
        tensors.append(tensor)
    return tuple(tensors)


def _read_tensor(cursor: Cursor) -> TensorInfo:
    name = _text(cursor, MAX_KEY_BYTES, "key-too-long")
    dim_count = cursor.number("I")
    if dim_count > MAX_DIMS:
        raise damaged(
            cursor.label, "too-many-dims", name=name[:200], count=dim_count, limit=MAX_DIMS
        )
    dims = tuple(cursor.length() for _ in range(dim_count))
    tensor = TensorInfo(name, dims, cursor.number("I"), cursor.number("Q"))
    if any(dim == 0 for dim in dims) or tensor.weights > MAX_WEIGHTS:
        raise damaged(cursor.label, "tensor-shape", name=name[:200], dims="×".join(map(str, dims)))
    return tensor


def _alignment(metadata: dict[str, Value], label: str) -> int:
    value = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not 1 <= value <= 1 << 20
        or value & (value - 1)
    ):
        raise damaged(label, "alignment", value=str(value)[:50])
    return value
