"""The shape of a model as far as memory is concerned, read from its header. Pure.

What counts is per layer: how wide its keys and values are, whether it looks at a window
only, whether it keeps a state instead. Charging every layer a full cache is how others
come to be ten times off.
"""

from __future__ import annotations

from dataclasses import dataclass

from galosh.base.errors import GaloshError
from galosh.fit.steps import PLAIN, Steps, read_steps
from galosh.gguf import Header

_F32_BYTES = 4
# Every how manyth layer looks at everything, where the header does not say.
_FULL_EVERY = {
    "gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "cohere2": 4, "olmo2": 4, "llama4": 4,
    "exaone4": 4,
}  # fmt: skip
# Gated delta networks: attention on every fourth layer only.
_DELTA = frozenset({"qwen35", "qwen35moe", "qwen3next"})
_DELTA_INTERVAL = 4
# Attention and a recurrent part side by side in every layer.
_PARALLEL = frozenset({"falcon-h1"})


@dataclass(frozen=True)
class Layer:
    """One layer: numbers a cell of the cache holds, and bytes of state."""

    key_numbers: int
    value_numbers: int
    sliding: bool
    state_bytes: int


@dataclass(frozen=True)
class Shape:
    """A model's measures. `feed_forward`: the widest one active at a time."""

    architecture: str
    layers: tuple[Layer, ...]
    width: int
    feed_forward: int
    heads: int
    key_width: int
    output_rows: int
    window: int
    tokens: int
    merges: int
    context_train: int | None
    tied: bool
    steps: Steps

    @property
    def has_window(self) -> bool:
        """Whether any layer with a cache looks at a window only."""
        return any(layer.sliding and layer.key_numbers for layer in self.layers)

    @property
    def has_full_attention(self) -> bool:
        """Whether any layer with a cache looks at the whole conversation."""
        return any(layer.key_numbers and not layer.sliding for layer in self.layers)

    @property
    def is_plain(self) -> bool:
        """Whether every layer is attention of the usual kind."""
        return self.architecture in PLAIN and all(
            layer.key_numbers and layer.value_numbers and not layer.state_bytes
            for layer in self.layers
        )


def read_shape(header: Header) -> Shape:
    """The shape of a whole model (all parts of a split one merged).

    Raises GaloshError `fit-no-forecast` when a measure is missing.
    """
    architecture = header.architecture or ""
    count = (header.own_whole("block_count") or 0) - (header.own_whole("nextn_predict_layers") or 0)
    width = header.own_whole("embedding_length")
    if count < 1:
        raise _missing("block_count")
    if not width:
        raise _missing("embedding_length")
    heads = _per_layer(header, "attention.head_count") or (0,) * count
    tensors = {tensor.name: tensor for tensor in header.tensors}
    output = tensors.get("output.weight") or tensors.get("token_embd.weight")
    rows = output.dims[1] if output and len(output.dims) > 1 else header.vocabulary_size
    if not rows:
        raise _missing("token_embd.weight")
    layers = _layers(header, architecture, count, heads)
    state_numbers = max(layer.state_bytes for layer in layers) // _F32_BYTES
    return Shape(
        architecture=architecture,
        layers=layers,
        width=width,
        feed_forward=_feed_forward(header),
        heads=max(heads),
        key_width=_key_width(header, "attention.key_length", max(heads)),
        output_rows=rows,
        window=header.own_whole("attention.sliding_window") or 0,
        tokens=header.vocabulary_size or rows,
        merges=header.count("tokenizer.ggml.merges") or 0,
        context_train=header.context_length,
        tied="output.weight" not in tensors,
        steps=read_steps(header, state_numbers),
    )


def _missing(name: str) -> GaloshError:
    return GaloshError("fit-no-forecast", missing=name)


def _per_layer(header: Header, name: str) -> tuple[int, ...] | None:
    return header.per_layer(name, header.own_whole("block_count") or 0)


def _key_width(header: Header, name: str, heads: int) -> int:
    stated = header.own_whole(name)
    width = header.own_whole("embedding_length") or 0
    return stated if stated is not None else width // heads if heads else 0


def _feed_forward(header: Header) -> int:
    dense = max(_per_layer(header, "feed_forward_length") or (0,))
    used = header.own_whole("expert_used_count") or 0
    if not used:
        return dense
    expert = header.own_whole("expert_feed_forward_length") or dense
    # With experts in every layer there is no dense part beside them.
    all_experts = not any(t.name.endswith(".ffn_down.weight") for t in header.tensors)
    return max(used * expert, 0 if all_experts else dense)


def _layers(
    header: Header, architecture: str, count: int, heads: tuple[int, ...]
) -> tuple[Layer, ...]:
    groups = _per_layer(header, "attention.head_count_kv") or heads
    sliding = _sliding(header, architecture, count)
    recurrent = _recurrent(header, architecture, count, groups)
    own = count - (header.own_whole("attention.shared_kv_layers") or 0)
    latent = header.own_whole("attention.key_length_mla") is not None
    state = _state_bytes(header)
    layers = []
    for i in range(count):
        keys = values = 0
        attends = groups[i] > 0 and (not recurrent[i] or architecture in _PARALLEL)
        if attends and i < own:
            ending = "_swa" if sliding[i] and header.own("attention.key_length_swa") else ""
            keys = groups[i] * _key_width(header, f"attention.key_length{ending}", heads[i])
            values = groups[i] * _key_width(header, f"attention.value_length{ending}", heads[i])
            if latent:  # one shared row of latent and rotated numbers, no values
                keys, values = _key_width(header, "attention.key_length", heads[i]), 0
        layers.append(Layer(keys, values, sliding[i], state if recurrent[i] else 0))
    return tuple(layers)


def _sliding(header: Header, architecture: str, count: int) -> tuple[bool, ...]:
    if not header.own_whole("attention.sliding_window"):
        return (False,) * count
    pattern = header.own("attention.sliding_window_pattern")
    if isinstance(pattern, tuple) and len(pattern) >= count:
        return tuple(bool(item) for item in pattern[:count])
    stated = pattern if isinstance(pattern, int) and not isinstance(pattern, bool) else None
    every = stated or _FULL_EVERY.get(architecture, 1)
    return tuple(i % every < every - 1 for i in range(count))


def _recurrent(
    header: Header, architecture: str, count: int, groups: tuple[int, ...]
) -> tuple[bool, ...]:
    keys = (f"{architecture}.ssm.", f"{architecture}.wkv.", f"{architecture}.shortconv.",
            f"{architecture}.kda.")  # fmt: skip
    if not any(key.startswith(keys) for key in header.metadata):
        return (False,) * count
    if architecture in _PARALLEL:
        return (True,) * count
    if architecture in _DELTA:
        every = header.own_whole("full_attention_interval") or _DELTA_INTERVAL
        return tuple((i + 1) % every != 0 for i in range(count))
    if architecture == "nemotron_h":  # its plain layers have neither attention nor state
        wide = _per_layer(header, "feed_forward_length") or (0,) * count
        return tuple(not groups[i] and not wide[i] for i in range(count))
    return tuple(not groups[i] for i in range(count))


def _state_bytes(header: Header) -> int:
    """State of one recurrent layer, for one conversation; always 32-bit numbers."""
    width = header.own_whole("embedding_length") or 0
    conv = header.own_whole("ssm.conv_kernel") or 0
    inner = header.own_whole("ssm.inner_size") or 0
    state = header.own_whole("ssm.state_size") or 0
    if cache := header.own_whole("shortconv.l_cache"):
        return _F32_BYTES * width * (cache - 1)
    if head := header.own_whole("kda.head_dim"):
        heads = max(_per_layer(header, "attention.head_count") or (0,))
        return _F32_BYTES * (3 * max(0, conv - 1) * heads * head + head * head * heads)
    if head := header.own_whole("wkv.head_size"):
        shift = header.own_whole("token_shift_count") or 2
        return _F32_BYTES * (shift * width + width * head)
    groups = header.own_whole("ssm.group_count") or 0
    moving = max(0, conv - 1) * (inner + 2 * groups * state)
    return _F32_BYTES * (moving + state * inner)
