"""How fast a model will talk, from what it must read for every token. Pure.

A processor writes a token as fast as it reads the weights that the token needs. What is
said is a range, never one number: the measured bandwidth is a plain read, and how much of
it the engine reaches differs. Nothing is said of how fast a prompt is read: that hangs on
the processor's arithmetic, which a read probe does not measure.
"""

from __future__ import annotations

from dataclasses import dataclass

from galosh.fit.memory import CACHE_TYPES, RunSettings, weights_by_class
from galosh.fit.shape import Shape
from galosh.gguf import Header

# The share of a plain read's bandwidth that decoding reaches.
_REACHED_LOW, _REACHED_MID, _REACHED_HIGH = 0.70, 0.85, 0.95
# Seconds per layer that do not depend on its size: threads meeting at barriers.
_LAYER_SLOW_SECONDS, _LAYER_MID_SECONDS, _LAYER_QUICK_SECONDS = 150e-6, 50e-6, 10e-6
# Words per token; a model's own vocabulary decides, this is the usual.
_WORDS_PER_TOKEN = {"en": 0.75}
_WORDS_PER_TOKEN_ELSE = 0.5
# A person reads about 240 words a minute silently.
READING_WORDS_PER_SECOND = 4.0
_USUAL_LAYERS = 32


@dataclass(frozen=True)
class Bandwidth:
    """A measurement, or why there is none: `busy`, `memory`, `failed` or `not-asked`."""

    bytes_per_second: float | None
    threads: int = 0
    refused: str | None = None


@dataclass(frozen=True)
class Rate:
    """Tokens per second, as a range."""

    low: float
    mid: float
    high: float

    def words(self, language: str) -> Rate:
        """The same in words of a language."""
        share = _WORDS_PER_TOKEN.get(language, _WORDS_PER_TOKEN_ELSE)
        return Rate(self.low * share, self.mid * share, self.high * share)


def token_bytes(header: Header, shape: Shape) -> int:
    """Bytes of weights read for one token. Raises GaloshError `fit-no-forecast`."""
    weights = weights_by_class(header)
    total = header.own_whole("expert_count") or 0
    used = header.own_whole("expert_used_count") or 0
    share = min(1.0, used / total) if total and used else 1.0
    # Of the embedding one row is looked up, unless it is the output as well.
    tied = weights["embedding"] if shape.tied else 0
    return weights["rest"] + weights["output"] + tied + int(weights["experts"] * share)


def conversation_bytes(shape: Shape, settings: RunSettings, tokens: int) -> int:
    """Bytes of cache and state read for one token after `tokens` of conversation."""
    kind = CACHE_TYPES[settings.cache_type]
    numbers = 0
    for layer in shape.layers:
        seen = min(tokens, shape.window) if layer.sliding and shape.window else tokens
        numbers += seen * (layer.key_numbers + layer.value_numbers)
    return int(numbers * kind) + 2 * sum(layer.state_bytes for layer in shape.layers)


def decode_rate(read_bytes: int, layers: int | None, bandwidth: Bandwidth) -> Rate | None:
    """Tokens per second when each one reads `read_bytes`; None without a measurement."""
    speed = bandwidth.bytes_per_second
    if speed is None or speed <= 0 or read_bytes <= 0:
        return None
    count = _USUAL_LAYERS if layers is None else layers

    def rate(reached: float, layer_seconds: float) -> float:
        return 1 / (read_bytes / (speed * reached) + count * layer_seconds)

    return Rate(
        rate(_REACHED_LOW, _LAYER_SLOW_SECONDS),
        rate(_REACHED_MID, _LAYER_MID_SECONDS),
        rate(_REACHED_HIGH, _LAYER_QUICK_SECONDS),
    )
