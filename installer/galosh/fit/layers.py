"""What each layer of a model takes, for whoever shares it out between memories. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from galosh.fit.memory import CACHE_TYPES, RunSettings, cells, forecast_memory
from galosh.fit.shape import read_shape
from galosh.gguf import Header


@dataclass(frozen=True)
class LayerSizes:
    """Bytes of each layer (weights, cache, state), of the output, and of working space."""

    layer_bytes: tuple[int, ...]
    output_bytes: int
    work_bytes: int


def layer_sizes(header: Header, settings: RunSettings) -> LayerSizes:
    """For a whole model. Raises GaloshError `fit-no-forecast` as `forecast_memory`."""
    shape = read_shape(header)
    memory = forecast_memory(header, settings, None)
    full, sliding = cells(shape, settings)
    kind = CACHE_TYPES[settings.cache_type]
    sizes = [
        int((sliding if one.sliding else full) * (one.key_numbers + one.value_numbers) * kind)
        + settings.sequences * one.state_bytes
        for one in shape.layers
    ]
    output = 0
    for tensor in header.tensors:
        size = tensor.size_bytes or 0
        number = tensor.name.split(".")[1] if tensor.name.startswith("blk.") else ""
        if number.isdigit() and int(number) < len(sizes):
            sizes[int(number)] += size
        elif tensor.name == "output.weight" or (shape.tied and tensor.name == "token_embd.weight"):
            output += size
    return LayerSizes(tuple(sizes), output, memory.compute_bytes + memory.output_bytes)
