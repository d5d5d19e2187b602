"""Whether and when a model's worker is started again after it died. Pure.

Rules: the first restart is at once, further ones wait longer each; five deaths without a
finished answer between them end it; two deaths while loading that are the model's own doing
(a crash, not a kill from outside) mark the model as bad. A finished answer wipes the slate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Death:
    """One death of a model's worker. `own_fault`: not killed from outside."""

    at_seconds: float
    loading: bool
    own_fault: bool


@dataclass(frozen=True)
class RestartRules:
    """The limits; seconds throughout."""

    delays_seconds: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 8.0)
    window_seconds: float = 600.0
    deaths: int = 5
    deaths_loading: int = 2


@dataclass(frozen=True)
class Verdict:
    """`delay_seconds` None: no further try. `bad`: nor on the next ordinary demand."""

    delay_seconds: float | None
    bad: bool = False


def recent(deaths: Sequence[Death], now_seconds: float, rules: RestartRules) -> tuple[Death, ...]:
    """Those deaths that still count."""
    return tuple(d for d in deaths if now_seconds - d.at_seconds <= rules.window_seconds)


def judge(deaths: Sequence[Death], now_seconds: float, rules: RestartRules) -> Verdict:
    """What follows the last of `deaths` (at least one, of one model, oldest first)."""
    counted = recent(deaths, now_seconds, rules)
    own_loading = sum(death.loading and death.own_fault for death in counted)
    if own_loading >= rules.deaths_loading:
        return Verdict(None, bad=True)
    if len(counted) >= rules.deaths:
        return Verdict(None)
    step = min(max(len(counted), 1), len(rules.delays_seconds)) - 1
    return Verdict(rules.delays_seconds[step])
