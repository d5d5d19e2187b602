"""Whether the graphics processor of this PC helps with a model: measured, kept, never assumed.

Puts together what the floors below know: the card (hardware), the sizes (fit) and the trials
(engine). Costs nothing where there is no card or the engine was built without one.
"""

from __future__ import annotations

from pathlib import Path

from galosh import gguf
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.base.texts import say
from galosh.engine import Engine
from galosh.engine.offload import Decision, Sizes, choose_card
from galosh.engine.offload_trial import decide_offload, engine_trials, keep, supports_gpu
from galosh.fit import settings_for
from galosh.fit.budget import room_of
from galosh.fit.layers import layer_sizes
from galosh.hardware import Machine


def measure_gpu(paths: Paths, used: Engine, machine: Machine, model: Path) -> Decision:
    """Try the model with and without the card, and keep what came of it.

    Raises GaloshError `gguf-…`, `fit-no-forecast` or a write error.
    """
    chosen = Settings.load(paths.settings_file)
    header = gguf.check_file(model)
    usual = chosen.number("model.context_tokens")
    context = min(usual, header.context_length or usual)
    flags = machine.cpu.flags.value
    settings = settings_for(header, context, room=room_of(machine), flags=flags)
    decision = decide_offload(
        chosen.text("engine.gpu"),
        choose_card(machine),
        Sizes(**vars(layer_sizes(header, settings))),
        engine_trials(used, model, chosen.number("engine.threads") or machine.threads),
        supports_gpu=supports_gpu(used),
    )
    keep(paths, used.build_id, model, decision)
    return decision


def measure_where_there_is_one(paths: Paths, used: Engine, machine: Machine, model: Path) -> None:
    """For the setup: nothing without a card; a trial that cannot be made stops nothing."""
    if choose_card(machine) is None or not supports_gpu(used):
        return
    try:
        measure_gpu(paths, used, machine, model)
    except GaloshError:
        return  # the processor alone works, and `galosh engine gpu` tells what was wrong


def sentence(decision: Decision) -> str:
    """The decision and its reason, in words."""
    return say(
        f"engine.gpu-{decision.reason}",
        layers=decision.layers,
        most=decision.most_layers,
        card=decision.card,
        gain="?" if decision.gain is None else f"{decision.gain:.2f}",
        detail=decision.detail or "–",
    )
