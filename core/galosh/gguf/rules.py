"""Which well-formed GGUF files the engine would choke on. Pure.

The engine checks the structure of a file well, but trusts the values: some abort its
process. `check_data` does the sums over the tensor table, `check_model` looks at the
values one by one. Every rule raises a GaloshError that names the entry and its value.
"""

from __future__ import annotations

import math

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.gguf.cursor import damaged
from galosh.gguf.header import Header
from galosh.gguf.quant import REMOVED_TYPES, TENSOR_TYPES
from galosh.gguf.source import ByteSource
from galosh.gguf.vocabulary import check_vocabulary

# Limits of the engine (llama.cpp): LLAMA_MAX_LAYERS, LLAMA_MAX_EXPERTS, GGML_MAX_NAME.
MAX_LAYERS = 512
MAX_EXPERTS = 512
MAX_TENSOR_NAME_BYTES = 63
_MAX_WIDTH = 1 << 20
_MAX_CONTEXT = 1 << 31
_ROPE_SCALINGS = frozenset({"none", "linear", "yarn", "longrope"})
_IMAGE_ARCHITECTURES = frozenset(
    {"flux", "sd1", "sdxl", "sd3", "aura", "ltxv", "hyvid", "wan", "hidream", "cosmos",
     "lumina2", "pig", "qwen_image"}
)  # fmt: skip


def check_data(header: Header, source: ByteSource) -> None:
    """Whether types are known, tensors lie one behind the other, and the file holds them.

    Raises GaloshError gguf-unsupported, gguf-damaged or gguf-truncated.
    """
    label = source.label
    if header.version == 1:
        raise _unsupported(label, "version", version=1)
    expected = 0
    for tensor in header.tensors:
        name = tensor.name[:200]
        if len(tensor.name.encode()) > MAX_TENSOR_NAME_BYTES:
            raise damaged(label, "tensor-name", name=name, limit_bytes=MAX_TENSOR_NAME_BYTES)
        if tensor.type in REMOVED_TYPES:
            raise _unsupported(label, "type-removed", type=REMOVED_TYPES[tensor.type])
        if tensor.type not in TENSOR_TYPES:
            raise _unsupported(label, "type-unknown", type=tensor.type)
        size = tensor.size_bytes
        if size is None:
            raise damaged(label, "tensor-row", name=name, type=tensor.type_name)
        if tensor.offset != expected:
            raise damaged(label, "tensor-offset", name=name, offset=tensor.offset, want=expected)
        expected += (size + header.alignment - 1) // header.alignment * header.alignment
    end, size_bytes = header.data_end, source.size_bytes
    if end is not None and size_bytes is not None and header.tensors and size_bytes < end:
        raise GaloshError(
            "gguf-truncated", path=label, size_bytes=size_bytes, missing_bytes=end - size_bytes
        )


def check_model(header: Header, source: ByteSource) -> None:
    """Whether this is a language model whose values the engine survives.

    Reads the vocabulary once. Raises GaloshError gguf-not-a-model or gguf-damaged.
    """
    label = source.label
    _check_purpose(header, label)
    _check_finite(header, label)
    _check_sizes(header, label)
    _check_heads(header, label)
    _check_experts(header, label)
    _check_rope(header, label)
    _check_mixed(header, label)
    check_vocabulary(header, source)


def _check_purpose(header: Header, label: str) -> None:
    architecture = header.architecture
    kind = None
    if not architecture:
        kind = "no-architecture"
    elif architecture == "clip" or header.text("general.type") == "mmproj":
        kind = "mmproj"
    elif header.text("general.type") == "adapter" or header.text("adapter.type"):
        kind = "adapter"
    elif header.text("general.type") == "imatrix":
        kind = "imatrix"
    elif architecture in _IMAGE_ARCHITECTURES:
        kind = "image"
    elif not header.tensors:
        kind = "no-weights"
    if kind is not None:
        found = say(f"gguf.kind.{kind}")
        raise GaloshError("gguf-not-a-model", path=label, kind=kind, found=found)


def _check_finite(header: Header, label: str) -> None:
    for key, value in header.metadata.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise _bad_value(label, key, value)
    for name in ("attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon"):
        epsilon = header.own(name)
        if epsilon is not None and not (isinstance(epsilon, float) and 0 <= epsilon <= 1):
            raise _bad_value(label, f"{header.architecture}.{name}", epsilon)


def _check_sizes(header: Header, label: str) -> None:
    _check_whole(header, label, "block_count", 1, MAX_LAYERS, required=True)
    _check_whole(header, label, "embedding_length", 1, _MAX_WIDTH, required=True)
    _check_whole(header, label, "context_length", 1, _MAX_CONTEXT, required=True)
    _check_array(header, label, "feed_forward_length", 0, 16 * _MAX_WIDTH)
    for name in ("attention.key_length", "attention.value_length", "attention.key_length_swa",
                 "attention.value_length_swa"):  # fmt: skip
        _check_whole(header, label, name, 1, _MAX_WIDTH)
    for name in ("attention.sliding_window", "attention.shared_kv_layers", "ssm.conv_kernel",
                 "ssm.inner_size", "ssm.state_size", "ssm.time_step_rank", "ssm.group_count",
                 "shortconv.l_cache", "wkv.head_size"):  # fmt: skip
        _check_array(header, label, name, 0, _MAX_CONTEXT)


def _check_heads(header: Header, label: str) -> None:
    _check_array(header, label, "attention.head_count", 0, 65_536)
    _check_array(header, label, "attention.head_count_kv", 0, 65_536)
    layers = header.own_whole("block_count") or 0
    heads = header.per_layer("attention.head_count", layers)
    groups = header.per_layer("attention.head_count_kv", layers) or heads
    recurrent = any(
        key.startswith((f"{header.architecture}.ssm.", f"{header.architecture}.wkv."))
        for key in header.metadata
    )
    if heads is None or not any(heads):
        if not recurrent:
            value = header.own("attention.head_count")
            raise _bad_value(label, f"{header.architecture}.attention.head_count", value)
        return
    if groups is None:
        return
    for head, group in zip(heads, groups, strict=True):
        # Layers without attention state 0 groups; a whole layer of 0 heads has neither.
        if head and group and (group > head or head % group):
            key = f"{header.architecture}.attention.head_count_kv"
            raise _bad_value(label, key, f"{group} / {head}")


def _check_experts(header: Header, label: str) -> None:
    _check_whole(header, label, "expert_count", 0, MAX_EXPERTS)
    _check_whole(header, label, "expert_used_count", 0, MAX_EXPERTS)
    present = header.own_whole("expert_count") or 0
    used = header.own_whole("expert_used_count") or 0
    if used > present or (present and not used):
        raise damaged(label, "experts", used=used, count=present)


def _check_rope(header: Header, label: str) -> None:
    prefix = f"{header.architecture}.rope."
    scaling = header.metadata.get(prefix + "scaling.type")
    if scaling is not None and scaling not in _ROPE_SCALINGS:
        raise _bad_value(label, prefix + "scaling.type", scaling)
    for name in ("freq_base", "freq_base_swa"):
        base = header.metadata.get(prefix + name)
        if base is not None and not (isinstance(base, (int, float)) and base > 0):
            raise _bad_value(label, prefix + name, base)
    for name in ("scaling.factor", "scale_linear"):
        factor = header.metadata.get(prefix + name)
        if factor is not None and not (isinstance(factor, (int, float)) and factor >= 0):
            raise _bad_value(label, prefix + name, factor)

    _check_rope_width(header, label)


def _check_rope_width(header: Header, label: str) -> None:
    """Rotation works on pairs of numbers within one head."""
    heads = header.per_layer("attention.head_count", header.own_whole("block_count") or 0)
    width = (
        header.own_whole("attention.key_length_mla")
        or header.own_whole("attention.key_length")
        or (header.own_whole("embedding_length") or 0) // max(1, *(heads or (1,)))
    )
    count = header.own("rope.dimension_count")
    if count is not None and any(heads or ()):
        whole = isinstance(count, int) and not isinstance(count, bool)
        if not whole or not 0 <= int(str(count)) <= width or int(str(count)) % 2:
            raise _bad_value(label, f"{header.architecture}.rope.dimension_count", count)
    sections = header.own("rope.dimension_sections")
    if sections is not None:
        numbers = sections if isinstance(sections, tuple) else (sections,)
        # Rotating nothing in sections sends the engine into an endless loop.
        if count == 0:
            raise _bad_value(label, f"{header.architecture}.rope.dimension_count", count)
        if not all(isinstance(item, int) and item >= 0 for item in numbers) or not any(numbers):
            raise _bad_value(label, f"{header.architecture}.rope.dimension_sections", sections)


def _check_mixed(header: Header, label: str) -> None:
    """Sizes that latent attention and recurrent layers must agree on."""
    _check_whole(header, label, "full_attention_interval", 1, MAX_LAYERS)
    inner = header.own_whole("ssm.inner_size")
    for tensor in header.tensors:
        if tensor.name.endswith(".ssm_out.weight") and tensor.dims[0] != inner:
            raise _bad_value(label, f"{header.architecture}.ssm.inner_size", inner)
    key_mla = header.own_whole("attention.key_length_mla")
    rank = header.own_whole("attention.kv_lora_rank")
    if key_mla is None or rank is None:
        return
    rope = header.own_whole("rope.dimension_count")
    if rope is None or rope >= key_mla:
        raise _bad_value(label, f"{header.architecture}.rope.dimension_count", rope)
    for name, want in (("attention.key_length", rank + rope), ("attention.head_count_kv", 1)):
        if header.own_whole(name) != want:
            raise _bad_value(label, f"{header.architecture}.{name}", header.own(name))


def _check_whole(
    header: Header, label: str, name: str, low: int, high: int, *, required: bool = False
) -> None:
    key = f"{header.architecture}.{name}"
    if key not in header.metadata:
        if required:
            raise damaged(label, "missing", key=key)
        return
    value = header.whole(key)
    if value is None or not low <= value <= high:
        raise _bad_value(label, key, header.metadata[key])


def _check_array(header: Header, label: str, name: str, low: int, high: int) -> None:
    """One number, or one for each layer."""
    key = f"{header.architecture}.{name}"
    value = header.metadata.get(key)
    if not isinstance(value, tuple):
        _check_whole(header, label, name, low, high)
        return
    layers = header.own_whole("block_count")
    if len(value) != layers:
        raise damaged(label, "array-length", key=key, count=len(value), want=layers)
    for item in value:
        if not isinstance(item, int) or isinstance(item, bool) or not low <= item <= high:
            raise _bad_value(label, key, item)


def _bad_value(label: str, key: str, value: object) -> GaloshError:
    return damaged(label, "value", key=key[:200], value=str(value)[:100])


def _unsupported(label: str, reason: str, **facts: object) -> GaloshError:
    return GaloshError(
        "gguf-unsupported", path=label, reason=say(f"gguf.reason.{reason}", **facts), rule=reason
    )
