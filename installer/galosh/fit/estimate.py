"""Memory and speed where no header is at hand: from a model's size and parameters. Pure.

Cautious on purpose, and always shown as "estimated from size": a header says exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from galosh.fit.memory import CACHE_TYPES

_MIB = 1024 * 1024
_KIB = 1024
_BILLION = 1_000_000_000
# Above the widest caches of today's small models per token at 16 bits: 22 KiB at 0.13
# billion parameters, 104 at 3.4, 144 at 4 and at 8.
_CACHE_BYTES_PER_TOKEN = 72 * _KIB
_COMPUTE_BYTES = 64 * _MIB
_COMPUTE_BYTES_PER_ROOT = 32 * _MIB
_VOCABULARY_BYTES = 100 * _MIB
_PROCESS_BYTES = 40 * _MIB
# Four-bit files with their larger embeddings.
_BYTES_PER_PARAMETER = 0.65


@dataclass(frozen=True)
class Estimate:
    """A model in two numbers: what it keeps while it answers, what a token reads."""

    size_bytes: int
    lasting_bytes: int
    anonymous_bytes: int
    token_bytes: int


def estimate(
    size_bytes: int | None,
    parameters_total: int | None,
    parameters_active: int | None,
    context_tokens: int,
    cache_type: str = "f16",
) -> Estimate | None:
    """What a model of this size takes at this context; None when neither is known."""
    if not size_bytes and not parameters_total:
        return None
    size = size_bytes or int((parameters_total or 0) * _BYTES_PER_PARAMETER)
    parameters = parameters_total or int(size / _BYTES_PER_PARAMETER)
    root = math.sqrt(parameters / _BILLION)
    share = float(CACHE_TYPES[cache_type] / CACHE_TYPES["f16"])
    anonymous = int(
        _CACHE_BYTES_PER_TOKEN * share * root * context_tokens
        + _COMPUTE_BYTES
        + _COMPUTE_BYTES_PER_ROOT * root
        + _VOCABULARY_BYTES
        + _PROCESS_BYTES
    )
    active = min(1.0, (parameters_active or parameters) / parameters)
    # With a second, rearranged copy the weights are anonymous and the file's pages go.
    return Estimate(size, size + anonymous, size + anonymous, int(size * active))
