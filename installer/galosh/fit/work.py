"""What an engine has to do for a token and for a prompt, read from a model's header. Pure.

Products with weights, by the type and measures of the weights, since that is what decides
their speed; attention, by its widths; and the light steps between, which cost little more
than the meeting of the threads. Knows no machine: `measured.py` holds what each piece costs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from galosh.fit.shape import Shape
from galosh.gguf import Header, TensorInfo

# Beyond these measures the time grows as the weights do: one measurement stands for all.
_MOST_COLUMNS = 4096
_MOST_ROWS = 4096
# Light steps of a layer beside its norms: two rotations, two writes to the cache, two sums,
# the gate.
_STEPS_PER_LAYER = 7
_STEPS_PER_NORM = 2
# Numbers touched per number of the gate's width (it takes an exponential of each).
_GATE_NUMBERS = 4
_NOT_MULTIPLIED = ("conv1d", "shortconv.conv.", "_norm.", "rope_freqs", "token_embd.")


@dataclass(frozen=True, order=True)
class Kind:
    """Weights of a type (ggml's number) with these measures, as a probe times them."""

    type: int
    columns: int
    rows: int

    @property
    def weights(self) -> int:
        """How many."""
        return self.columns * self.rows


@dataclass(frozen=True)
class Product:
    """`count` products per token with weights that are `scale` times those of `kind`.

    size_bytes: of all of them together. copies: experts to choose from, of which `used` are
    taken for a token (1 of 1 without experts). last: only for the last token of a prompt.
    """

    kind: Kind
    count: int
    scale: float
    size_bytes: int
    copies: int = 1
    used: int = 1
    last: bool = False

    @property
    def token_bytes(self) -> float:
        """Bytes of weights read for one token."""
        return self.size_bytes * self.used / self.copies


@dataclass(frozen=True, order=True)
class Heads:
    """The widths of one layer's attention."""

    key_width: int
    value_width: int
    heads: int
    groups: int


@dataclass(frozen=True)
class Attention:
    """Layers that attend alike. window: how far back they look; 0 is all the way."""

    heads: Heads
    layers: int
    window: int


@dataclass(frozen=True)
class Work:
    """Everything an engine does for a model. steps: light ones per token; numbers: what
    these touch per token; state_bytes: read and written per token by recurrent layers."""

    products: tuple[Product, ...]
    attentions: tuple[Attention, ...]
    width: int
    steps: int
    numbers: int
    vocabulary: int
    state_bytes: int

    @property
    def token_bytes(self) -> float:
        """Bytes of weights read for one token."""
        return sum(product.token_bytes for product in self.products)

    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of weights, those that are read most first."""
        read: Counter[Kind] = Counter()
        for product in self.products:
            read[product.kind] += int(product.token_bytes)
        return tuple(kind for kind, _ in read.most_common())

    def heads(self) -> tuple[Heads, ...]:
        """The kinds of attention."""
        return tuple(dict.fromkeys(attention.heads for attention in self.attentions))


def read_work(header: Header, shape: Shape) -> Work:
    """The work of a whole model (all parts of a split one merged)."""
    norms = sum(_is_norm(tensor) for tensor in header.tensors)
    layers = len(shape.layers)
    attentions = _attentions(header, shape)
    rotated = sum(
        one.layers * one.heads.key_width * (one.heads.heads + one.heads.groups)
        for one in attentions
    )
    return Work(
        products=_products(header, shape),
        attentions=attentions,
        width=shape.width,
        steps=_STEPS_PER_NORM * norms + _STEPS_PER_LAYER * layers,
        numbers=_STEPS_PER_NORM * norms * shape.width
        + 2 * layers * shape.width
        + _GATE_NUMBERS * layers * shape.feed_forward
        + 2 * rotated,
        vocabulary=shape.output_rows,
        state_bytes=2 * sum(layer.state_bytes for layer in shape.layers),
    )


def _is_norm(tensor: TensorInfo) -> bool:
    return "norm" in tensor.name and len(tensor.dims) == 1


def _products(header: Header, shape: Shape) -> tuple[Product, ...]:
    used = header.own_whole("expert_used_count") or 1
    alike: Counter[tuple[Kind, float, int, int, bool]] = Counter()
    sizes: Counter[tuple[Kind, float, int, int, bool]] = Counter()
    for tensor in header.tensors:
        output = tensor.name == "output.weight" or (shape.tied and _is_embedding(tensor))
        if not (output or _is_multiplied(tensor, len(shape.layers))):
            continue
        expert = "_exps" in tensor.name
        copies = tensor.dims[2] if len(tensor.dims) > 2 else 1
        taken = min(used, copies) if expert else copies
        kind = kind_of(tensor.type, tensor.dims[0], tensor.dims[1])
        scale = tensor.dims[0] * tensor.dims[1] / kind.weights
        key = (kind, scale, copies if expert else 1, taken if expert else 1, output)
        alike[key] += 1 if expert else copies
        sizes[key] += tensor.size_bytes or 0
    return tuple(
        Product(kind, count, scale, sizes[key], copies, taken, last)
        for key, count in alike.items()
        for kind, scale, copies, taken, last in (key,)
    )


def kind_of(type_id: int, columns: int, rows: int) -> Kind:
    """The kind a probe times for weights of these measures."""
    return Kind(type_id, min(columns, _MOST_COLUMNS), min(rows, _MOST_ROWS))


def _is_embedding(tensor: TensorInfo) -> bool:
    return tensor.name == "token_embd.weight"


def _is_multiplied(tensor: TensorInfo, layers: int) -> bool:
    if len(tensor.dims) < 2 or not tensor.name.endswith(".weight"):
        return False
    if any(part in tensor.name for part in _NOT_MULTIPLIED):
        return False
    number = tensor.name.split(".")[1] if tensor.name.startswith("blk.") else ""
    return number.isdigit() and int(number) < layers


def _attentions(header: Header, shape: Shape) -> tuple[Attention, ...]:
    count = header.own_whole("block_count") or 0
    groups = header.per_layer("attention.head_count_kv", count)
    heads = header.per_layer("attention.head_count", count) or (shape.heads,) * count
    found: Counter[tuple[Heads, int]] = Counter()
    last: tuple[Heads, int] | None = None
    for i, layer in enumerate(shape.layers):
        if layer.key_numbers:
            many = max(1, (groups[i] if groups else heads[i]) if layer.value_numbers else 1)
            # Latent attention (MLA) keeps no values: they are part of the keys.
            values = layer.value_numbers // many or layer.key_numbers
            window = shape.window if layer.sliding else 0
            last = (Heads(layer.key_numbers // many, values, max(1, heads[i]), many), window)
        elif layer.state_bytes or last is None:
            continue  # a layer that shares another's cache attends all the same
        found[last] += 1
    return tuple(Attention(one, layers, window) for (one, window), layers in found.items())
