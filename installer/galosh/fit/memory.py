"""How much memory a model will take, part by part, from its header alone. Pure.

Weights, cache and state follow exactly from the header. The compute buffer is a formula
fitted to the engine for some architectures (`steps`); for others it is a cautious guess
and marked as one. The settings here are those the worker runs with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from galosh.base.errors import GaloshError
from galosh.fit.shape import Shape, read_shape
from galosh.fit.steps import PLAIN
from galosh.gguf import Header, TensorInfo

_MIB = 1024 * 1024
_CELL_STEP = 256
# Bytes per number in the cache.
CACHE_TYPES: dict[str, Fraction] = {
    "f32": Fraction(4),
    "f16": Fraction(2),
    "q8_0": Fraction(34, 32),
    "q5_1": Fraction(24, 32),
    "q5_0": Fraction(22, 32),
    "q4_1": Fraction(20, 32),
    "q4_0": Fraction(18, 32),
}
# Python, the libraries and their buffers; measured on Linux.
PROCESS_BYTES = 40 * _MIB
_TOKEN_BYTES = 200
_MERGE_BYTES = 250
_GUESS_FACTOR = 1.5
_GUESS_BYTES = 64 * _MIB
# Weight types each kind of processor rearranges into a second copy.
_REPACKED_ALWAYS = frozenset({"Q4_0", "Q4_K", "IQ4_NL", "MXFP4"})
_REPACKED_AVX512 = frozenset({"Q2_K"})
_REPACKED_ARM = frozenset({"Q5_K", "Q6_K", "Q8_0"})
_REPACKED_ROWS = 8
_ROTATION = 64
# Where queries stay alive beside what is made of them.
_HOLDS_QUERIES = frozenset({"gemma3"})


@dataclass(frozen=True)
class RunSettings:
    """How the worker will run the model; exactly these go into its load request.

    context_tokens: cells shared by all answers, and the most one may use. sequences: answers
    at a time. outputs: rows of logits at most per batch. gpu_layers: -1 for all.
    """

    context_tokens: int
    batch_tokens: int = 256
    cache_type: str = "f16"
    flash_attention: bool = True
    full_window_cache: bool = False
    use_mmap: bool = True
    sequences: int = 1
    outputs: int = 8
    gpu_layers: int = 0

    @property
    def step_tokens(self) -> int:
        """Tokens the engine really takes at once."""
        return max(min(self.batch_tokens, self.context_tokens), self.sequences)

    @property
    def output_rows(self) -> int:
        """Rows of logits one batch can ask for: one for every answer at least."""
        return min(max(self.outputs, self.sequences), self.step_tokens)


@dataclass(frozen=True)
class MemoryForecast:
    """Bytes by part. `weights` by class: embedding, output, experts, per_layer, rest.

    `is_guess`: the compute buffer is a cautious guess, not a checked formula. `prefix_bytes`:
    the budget for beginnings of conversations that are kept for later.
    """

    weights: Mapping[str, int]
    repacked_bytes: int
    cache_bytes: int
    state_bytes: int
    compute_bytes: int
    output_bytes: int
    vocabulary_bytes: int
    process_bytes: int
    is_guess: bool
    use_mmap: bool
    prefix_bytes: int = 0

    @property
    def weights_bytes(self) -> int:
        """All weights."""
        return sum(self.weights.values())

    @property
    def anonymous_bytes(self) -> int:
        """What cannot be dropped and read again from the file."""
        held = 0 if self.use_mmap else self.weights_bytes
        copies = self.repacked_bytes if self.use_mmap else 0
        return held + copies + self.cache_bytes + self.state_bytes + self.compute_bytes + (
            self.output_bytes + self.vocabulary_bytes + self.process_bytes + self.prefix_bytes
        )  # fmt: skip

    @property
    def file_bytes(self) -> int:
        """Weights that live in the file's own pages."""
        return self.weights_bytes if self.use_mmap else 0

    @property
    def peak_bytes(self) -> int:
        """The most it will hold at once."""
        return self.anonymous_bytes + self.file_bytes

    @property
    def lasting_bytes(self) -> int:
        """What it must keep while it answers: of weights held twice, the file's own pages are
        never read again, and the system drops them when anybody needs the room."""
        return self.peak_bytes - (self.repacked_bytes if self.use_mmap else 0)

    def parts(self) -> dict[str, int]:
        """Parts for a reader, the keys of `fit.part.*`; zero parts left out."""
        parts = {
            "weights": self.weights_bytes,
            "repacked": self.repacked_bytes if self.use_mmap else 0,
            "cache": self.cache_bytes,
            "state": self.state_bytes,
            "compute": self.compute_bytes + self.output_bytes,
            "prefixes": self.prefix_bytes,
            "vocabulary": self.vocabulary_bytes,
            "process": self.process_bytes,
        }
        return {name: size for name, size in parts.items() if size}


def forecast_memory(
    header: Header,
    settings: RunSettings,
    flags: frozenset[str] | None,
    *,
    prefix_bytes: int = 0,
) -> MemoryForecast:
    """What running the model takes. `flags`: the processor's (None: assume a second copy).

    Raises GaloshError `fit-no-forecast` when the header does not tell enough.
    """
    shape = read_shape(header)
    compute, is_guess = compute_bytes(shape, settings)
    return MemoryForecast(
        weights=weights_by_class(header),
        repacked_bytes=repacked_bytes(header, flags),
        cache_bytes=cache_bytes(shape, settings),
        state_bytes=state_bytes(shape, settings),
        compute_bytes=compute,
        output_bytes=4 * shape.output_rows * settings.output_rows,
        vocabulary_bytes=_TOKEN_BYTES * shape.tokens + _MERGE_BYTES * shape.merges,
        process_bytes=PROCESS_BYTES,
        is_guess=is_guess,
        use_mmap=settings.use_mmap,
        prefix_bytes=prefix_bytes,
    )


def weights_by_class(header: Header) -> dict[str, int]:
    """Bytes of the weights by what they are for. Raises GaloshError `fit-no-forecast`."""
    classes = dict.fromkeys(("embedding", "output", "experts", "per_layer", "rest"), 0)
    for tensor in header.tensors:
        size = tensor.size_bytes
        if size is None:
            raise GaloshError("fit-no-forecast", missing=f"{tensor.name}: {tensor.type}")
        classes[_class_of(tensor.name)] += size
    return classes


def _class_of(name: str) -> str:
    if name == "token_embd.weight":
        return "embedding"
    if name == "output.weight":
        return "output"
    if "_exps" in name:
        return "experts"
    return "per_layer" if name.startswith("per_layer_token_embd") else "rest"


def repacked_bytes(header: Header, flags: frozenset[str] | None) -> int:
    """Bytes of the second, rearranged copy that the engine makes of some weights."""
    kinds = set(_REPACKED_ALWAYS)
    if flags is None or "avx512f" in flags:
        kinds |= _REPACKED_AVX512
    if flags is None or flags & {"asimddp", "i8mm"}:
        kinds |= _REPACKED_ARM
    elif not flags & {"avx2", "asimd"}:
        return 0
    tied = not any(tensor.name == "output.weight" for tensor in header.tensors)
    return sum(
        tensor.size_bytes or 0
        for tensor in header.tensors
        if tensor.type_name in kinds and _is_multiplied(tensor, tied=tied)
    )


def _is_multiplied(tensor: TensorInfo, *, tied: bool) -> bool:
    if len(tensor.dims) < 2 or tensor.dims[1] % _REPACKED_ROWS:
        return False
    # The embedding is looked up, not multiplied, unless it is the output as well.
    return tied or tensor.name != "token_embd.weight"


def cells(shape: Shape, settings: RunSettings) -> tuple[int, int]:
    """(cells of full layers, cells of sliding layers)."""
    full = _pad(settings.context_tokens)
    if settings.full_window_cache or not shape.has_window:
        return full, full
    # All answers share the cells, so the window of each must find room.
    return full, _pad(min(full, shape.window * settings.sequences + settings.step_tokens))


def state_bytes(shape: Shape, settings: RunSettings) -> int:
    """The state of recurrent layers, for every answer of its own."""
    return settings.sequences * sum(layer.state_bytes for layer in shape.layers)


def cache_bytes(shape: Shape, settings: RunSettings) -> int:
    """The KV cache; all answers at a time share its cells."""
    full, sliding = cells(shape, settings)
    kind = CACHE_TYPES[settings.cache_type]
    numbers = sum(
        (sliding if layer.sliding else full) * (layer.key_numbers + layer.value_numbers)
        for layer in shape.layers
    )
    return int(numbers * kind)


def compute_bytes(shape: Shape, settings: RunSettings) -> tuple[int, bool]:
    """The engine's compute buffer, and whether that is a guess.

    Fitted to the engine of llama-cpp-python 0.3.36; the engine's allocator leaves holes that
    depend on proportions, so it may be a little less.
    """
    batch, rows = settings.step_tokens, settings.output_rows
    full, sliding = cells(shape, settings)
    masks = (full if shape.has_full_attention else 0) + (sliding if shape.has_window else 0)
    quantized = settings.cache_type not in ("f16", "f32")
    flash = settings.flash_attention or quantized  # a quantised cache needs flash attention
    steps = shape.steps
    # Queries turned before they are quantised leave their place to others.
    turned = shape.heads * shape.key_width if quantized and _leaves_queries(shape) else 0
    size = 4 * steps.widest(batch, settings.sequences, turned)
    size += (2 if flash else 4) * batch * masks
    if not flash:
        size = max(size, batch * _scores_bytes(shape, full, masks - full))
    if quantized:
        size += _rotation_bytes(shape)
    # Rows of logits come last, when little else is alive.
    logits = 4 * (shape.output_rows * rows + shape.width * (batch + 3 * rows))
    size = max(size, logits)
    if steps.is_known and (shape.is_plain or (flash and shape.architecture not in PLAIN)):
        return size, False
    return int(size * _GUESS_FACTOR) + _GUESS_BYTES, True


def _leaves_queries(shape: Shape) -> bool:
    return shape.is_plain and shape.architecture not in _HOLDS_QUERIES


def _scores_bytes(shape: Shape, full: int, window: int) -> int:
    """Without flash attention every token's look at every cell exists at once; per token."""
    queries = shape.heads * shape.key_width * (3 if shape.architecture in _HOLDS_QUERIES else 2)
    keys = max(layer.key_numbers for layer in shape.layers)
    rows = 3 * shape.width + queries + 2 * keys
    return 4 * ((shape.heads + 1) * full + max(0, window) + rows)


def _rotation_bytes(shape: Shape) -> int:
    """The matrices that turn keys and values before they are quantised, for each cache."""
    if not any(layer.value_numbers for layer in shape.layers):
        return 0
    block = max(_ROTATION, shape.key_width & -shape.key_width)
    caches = 2 if shape.has_window else 1
    return caches * 4 * (block * block + _ROTATION * _ROTATION)


def _pad(tokens: int) -> int:
    return (max(1, tokens) + _CELL_STEP - 1) // _CELL_STEP * _CELL_STEP
