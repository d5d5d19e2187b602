"""Will it fit: memory worked out from a model's header, before anything is downloaded."""

from galosh.fit.memory import CACHE_TYPES, MemoryForecast, RunSettings, forecast_memory
from galosh.fit.shape import Shape, read_shape

__all__ = [
    "CACHE_TYPES",
    "MemoryForecast",
    "RunSettings",
    "Shape",
    "forecast_memory",
    "read_shape",
]
