"""Whether a graphics processor should take layers of a model, and how many. Pure.

An offload is a claim to be measured: many PCs get slower with it (a built-in GPU reads the
same memory, half of a model on a card pays for every crossing). It is kept only where a
trial was at least 1.2 times as fast as the processor alone, wrote sane text, and took no
shared memory. `offload_trial.py` runs the trials; this decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from galosh.engine.records import Trial
from galosh.hardware.facts import GpuFacts, Machine

_MIB = 1024 * 1024
LEAST_GAIN = 1.2
# Left free on the card: a full one spills into RAM or ends the desktop's own programs.
_LEFT_SHARE, _LEFT_BYTES = 0.10, 600 * _MIB
# What shared memory may grow by in a trial: the driver's own buffers.
_SPILL_BYTES = 96 * _MIB
# A question as people ask it, to weigh reading against writing.
_READ_TOKENS, _WRITTEN_TOKENS = 500, 150

Reason = Literal[
    "faster", "off", "no-gpu", "engine-cpu-only", "memory-unknown", "does-not-fit",
    "not-faster", "garbage", "crashed", "spilled", "cpu-trial-failed",
]  # fmt: skip


@dataclass(frozen=True)
class Card:
    """The graphics processor that would be used. free_bytes: not taken by others now."""

    name: str
    vendor: str
    free_bytes: int | None
    total_bytes: int | None
    integrated: bool


@dataclass(frozen=True)
class Sizes:
    """A model as a card meets it. layer_bytes: weights and cache of each layer, in order;
    output_bytes: the last matrix, which goes after all layers; work_bytes: beside them."""

    layer_bytes: tuple[int, ...]
    output_bytes: int
    work_bytes: int

    @property
    def most_layers(self) -> int:
        """All of them, the output counted as one, as the engine counts."""
        return len(self.layer_bytes) + 1


@dataclass(frozen=True)
class Decision:
    """What to do, why, and what it rests on. layers: 0 for the processor alone.

    gain: how many times as fast; None where nothing was measured.
    """

    layers: int
    reason: Reason
    most_layers: int = 0
    card: str = ""
    gain: float | None = None
    detail: str = ""

    def to_json(self) -> dict[str, object]:
        """JSON form; `from_json` of it is equal."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Decision:
        """Raises TypeError, KeyError or ValueError for what `to_json` did not write."""
        known = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        decision = cls(**known)
        if type(decision.layers) is not int or decision.layers < 0:
            raise ValueError(decision.layers)
        return decision


def choose_card(machine: Machine) -> Card | None:
    """The card with most free memory; a built-in one only where there is no other."""
    cards = [_card(gpu) for gpu in machine.gpus]
    return max(
        cards,
        key=lambda card: (not card.integrated, card.free_bytes or 0, card.total_bytes or 0),
        default=None,
    )


def _card(gpu: GpuFacts) -> Card:
    return Card(
        name=gpu.name.value or "GPU",
        vendor=gpu.vendor.value or "",
        free_bytes=gpu.free_bytes.value,
        total_bytes=gpu.total_bytes.value,
        # Unknown counts as built in: then RAM pays for what the card takes.
        integrated=gpu.integrated.value is not False,
    )


def layers_that_fit(sizes: Sizes, card: Card) -> int | None:
    """How many layers to try, the last first, as the engine places them.

    None when the card does not say what is free: total memory would promise what other
    programs hold.
    """
    if card.free_bytes is None:
        return None
    left = max(_LEFT_BYTES, int(_LEFT_SHARE * (card.total_bytes or card.free_bytes)))
    room = card.free_bytes - left - sizes.work_bytes
    taken = layers = 0
    for size in (*reversed(sizes.layer_bytes), sizes.output_bytes):
        taken += size
        if taken > room:
            break
        layers += 1
    return layers


def before_trial(
    setting: str, card: Card | None, sizes: Sizes, *, supports_gpu: bool
) -> Decision | int:
    """The decision where nothing has to be measured, else the number of layers to try."""
    name = card.name if card else ""
    if setting == "off":
        return Decision(0, "off", sizes.most_layers, name)
    if card is None:
        return Decision(0, "no-gpu", sizes.most_layers)
    if not supports_gpu:
        return Decision(0, "engine-cpu-only", sizes.most_layers, name)
    layers = layers_that_fit(sizes, card)
    if layers is None:
        return Decision(0, "memory-unknown", sizes.most_layers, name)
    if layers == 0:
        return Decision(0, "does-not-fit", sizes.most_layers, name)
    return layers


def after_trial(
    card: Card, sizes: Sizes, layers: int, cpu: Trial, gpu: Trial, spilled_bytes: int | None
) -> Decision:
    """The decision after both trials. spilled_bytes: by how much shared memory grew."""

    def no(reason: Reason, gain: float | None = None, detail: str = "") -> Decision:
        return Decision(0, reason, sizes.most_layers, card.name, gain, detail)

    if not gpu.ok:
        reason: Reason = "garbage" if gpu.cause == "garbage" else "crashed"
        return no(reason, None, f"{gpu.cause}: {gpu.detail}"[:300])
    if spilled_bytes is not None and spilled_bytes > _SPILL_BYTES:
        return no("spilled", None, f"{spilled_bytes}")
    slow, quick = _question_seconds(cpu), _question_seconds(gpu)
    if slow is None or quick is None:
        return no("cpu-trial-failed", None, f"{cpu.cause}: {cpu.detail}"[:300])
    gain = slow / quick
    if gain < LEAST_GAIN:
        return no("not-faster", gain)
    return Decision(layers, "faster", sizes.most_layers, card.name, gain)


def fewer(layers: int, trial: Trial) -> int:
    """How many layers to try next where loading so many failed; 0 to give up.

    Where a driver does not spill, a card that is too full refuses: half may still fit.
    """
    return layers // 2 if trial.cause == "load-failed" else 0


def _question_seconds(trial: Trial) -> float | None:
    if not (trial.ok and trial.prefill_tps and trial.decode_tps):
        return None
    return _READ_TOKENS / trial.prefill_tps + _WRITTEN_TOKENS / trial.decode_tps


def shared_growth(before: Sequence[int], during: Sequence[int]) -> int | None:
    """By how much the GPUs' shared memory grew at most; None where nobody counts it."""
    if not before or not during:
        return None
    return max(0, max(during) - min(before))
