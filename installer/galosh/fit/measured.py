"""What each piece of an engine's work costs on this PC, as the probe measured it. Pure.

Reads the probe's answer, adds answers up over time (other kinds of weights, other widths)
and gives the seconds of a piece of work; what was not measured is put in proportion to what
was. Forecasts are in `speed.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from galosh.fit.work import Heads, Kind, Work
from galosh.gguf.quant import row_bytes

BATCH_TOKENS = 128
NEAR_BYTES = 96 * 1024 * 1024
# Weights that processors read faster than they can be brought from memory.
FAR_KIND = Kind(8, 2048, 4096)
# How sharply the slower of computing and reading takes over where both take about as long.
_KNEE = 4
_NO_LIMIT = 0.97


@dataclass(frozen=True)
class Circumstances:
    """What a measurement holds for; with any of it changed, it is taken again."""

    engine: str
    power: str
    threads: int


@dataclass(frozen=True)
class Cost:
    """Seconds of one product: with one token, and with a batch of `BATCH_TOKENS`."""

    one_seconds: float
    batch_seconds: float

    @property
    def each_seconds(self) -> float:
        """What one token more costs."""
        return max(0.0, (self.batch_seconds - self.one_seconds) / (BATCH_TOKENS - 1))

    def seconds(self, tokens: float) -> float:
        """With so many tokens at a time."""
        return self.one_seconds + self.each_seconds * (tokens - 1)


@dataclass(frozen=True)
class Measured:
    """The costs. heads: seconds per cell for one token, and per cell and token of a batch.

    near_rate, far_rates: bytes per second out of a few weights and out of many (these by
    number of threads). share: of the processor time asked for, what the probe got.
    """

    circumstances: Circumstances
    kinds: Mapping[Kind, Cost]
    heads: Mapping[Heads, tuple[float, float]]
    node_seconds: float
    number_seconds: float
    near_rate: float | None = None
    far_rates: Mapping[int, float] = field(default_factory=dict)
    far_bytes: int = 0
    taken_at: float = 0.0

    def lacks(self, work: Work) -> bool:
        """Whether the pieces that matter for a model were not all measured."""
        most = sum(p.token_bytes for p in work.products if p.kind in self.kinds)
        known = all(one in self.heads for one in work.heads())
        return most < 0.95 * work.token_bytes or not known or self.limit_rate is None

    def with_more(self, other: Measured) -> Measured:
        """Both together; `other` is the newer one."""
        return replace(
            other,
            kinds={**self.kinds, **other.kinds},
            heads={**self.heads, **other.heads},
            near_rate=other.near_rate or self.near_rate,
            far_rates=other.far_rates or self.far_rates,
            far_bytes=other.far_bytes or self.far_bytes,
        )

    def cost(self, kind: Kind) -> Cost:
        """Of a product; by the nearest of the same type, else by the size of the weights."""
        if kind in self.kinds:
            return self.kinds[kind]
        alike = [one for one in self.kinds if one.type == kind.type] or list(self.kinds)
        nearest = min(alike, key=lambda one: abs(math.log(one.weights / kind.weights)))
        known = self.kinds[nearest]
        share = kind.weights / nearest.weights
        read = _size(kind) / max(1, _size(nearest))
        return Cost(known.one_seconds * read, known.batch_seconds * share)

    def attention(self, heads: Heads) -> tuple[float, float]:
        """Of a cell; of widths that were not measured by the numbers in them."""
        if heads in self.heads or not self.heads:
            return self.heads.get(heads, (0.0, 0.0))
        nearest = min(self.heads, key=lambda one: abs(_numbers(one) - _numbers(heads)))
        share = _numbers(heads) / _numbers(nearest)
        one, many = self.heads[nearest]
        return one * share, many * share

    @property
    def best_threads(self) -> int | None:
        """The number of threads that read fastest; fewer where more gain nothing."""
        if not self.far_rates:
            return None
        best = max(self.far_rates.values())
        return min(n for n, rate in self.far_rates.items() if rate >= 0.97 * best)

    @property
    def limit_rate(self) -> float | None:
        """Bytes per second that memory can bring; infinite where computing was slower still."""
        far, near = self.far_rates.get(self.circumstances.threads), self.near_rate
        if far is None or near is None:
            return None
        if far >= _NO_LIMIT * near:
            return math.inf
        return float((far**-_KNEE - near**-_KNEE) ** (-1 / _KNEE))

    def from_memory(self, near_seconds: float, read_bytes: float) -> float:
        """What work takes that reads `read_bytes`, if near a cache it took `near_seconds`."""
        limit = self.limit_rate
        if limit is None or math.isinf(limit) or read_bytes <= NEAR_BYTES:
            return near_seconds
        whole: float = (near_seconds**_KNEE + (read_bytes / limit) ** _KNEE) ** (1 / _KNEE)
        span = math.log(max(self.far_bytes, 2 * NEAR_BYTES) / NEAR_BYTES)
        away = min(1.0, math.log(read_bytes / NEAR_BYTES) / span)
        return near_seconds + away * (whole - near_seconds)

    def brief(self) -> dict[str, object]:
        """The figures a reader asks for."""
        limit = self.limit_rate
        return {
            **vars(self.circumstances),
            "memory_rate": {str(n): round(rate) for n, rate in self.far_rates.items()},
            "memory_is_the_limit": None if limit is None else math.isfinite(limit),
            "best_threads": self.best_threads,
            "taken_at": self.taken_at,
        }

    def to_json(self) -> dict[str, object]:
        """JSON form; `from_json` of it is equal."""
        return {
            "circumstances": dict(vars(self.circumstances)),
            "kinds": [[*vars(kind).values(), *vars(cost).values()] for kind, cost in
                      self.kinds.items()],
            "heads": [[*vars(heads).values(), *costs] for heads, costs in self.heads.items()],
            "node_seconds": self.node_seconds,
            "number_seconds": self.number_seconds,
            "near_rate": self.near_rate,
            "far_rates": {str(n): rate for n, rate in self.far_rates.items()},
            "far_bytes": self.far_bytes,
            "taken_at": self.taken_at,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Measured:
        """Raises KeyError, TypeError or ValueError for what `to_json` did not write."""
        kinds = {Kind(*map(int, row[:3])): Cost(*map(float, row[3:])) for row in data["kinds"]}
        heads = {Heads(*map(int, row[:4])): (float(row[4]), float(row[5])) for row in data["heads"]}
        near = data["near_rate"]
        return cls(
            circumstances=Circumstances(**data["circumstances"]),
            kinds=kinds,
            heads=heads,
            node_seconds=float(data["node_seconds"]),
            number_seconds=float(data["number_seconds"]),
            near_rate=None if near is None else float(near),
            far_rates={int(n): float(rate) for n, rate in data["far_rates"].items()},
            far_bytes=int(data["far_bytes"]),
            taken_at=float(data["taken_at"]),
        )


def read_answer(
    answer: Mapping[str, Any],
    request: Mapping[str, Any],
    circumstances: Circumstances,
    taken_at: float,
) -> Measured:
    """The probe's answer. Raises KeyError, TypeError or ValueError when it is not one."""
    kinds = {
        Kind(*one): Cost(*map(float, costs))
        for one, costs in zip(request["kinds"], answer["kinds"], strict=True)
        if costs is not None
    }
    heads = {
        Heads(*one): (float(costs[0]), float(costs[1]))
        for one, costs in zip(request["attentions"], answer["attentions"], strict=True)
        if costs is not None
    }
    node, wide = float(answer["node_seconds"]), float(answer["wide_seconds"])
    far = answer["far"] or {"near": None, "far": {}}
    return Measured(
        circumstances=circumstances,
        kinds=kinds,
        heads=heads,
        node_seconds=node,
        number_seconds=max(0.0, wide - node) / (int(request["width"]) * BATCH_TOKENS),
        near_rate=far["near"],
        far_rates={int(n): float(rate) for n, rate in far["far"].items()},
        far_bytes=int(request["far_bytes"]),
        taken_at=taken_at,
    )


def _size(kind: Kind) -> int:
    row = row_bytes(kind.type, kind.columns)
    return kind.weights if row is None else row * kind.rows


def _numbers(heads: Heads) -> int:
    return heads.heads * (heads.key_width + heads.value_width)
