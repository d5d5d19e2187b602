"""Everything that is said of one model on this PC, with the numbers it rests on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from galosh.fit.budget import Room, Verdict, judge, room_of
from galosh.fit.enginelog import Difference, EngineAnswer, by_engine, differences
from galosh.fit.forecast import Seconds, Speed, SpeedFacts, forecast
from galosh.fit.memory import CACHE_TYPES, MemoryForecast, RunSettings, forecast_memory
from galosh.fit.shape import Shape, read_shape
from galosh.fit.speed import Bandwidth, Rate, token_bytes
from galosh.fit.work import read_work
from galosh.gguf import Header
from galosh.hardware import Machine


@dataclass(frozen=True)
class FitReport:
    """A model's forecast, and what it rests on.

    memory: what the verdict rests on, by the engine's own count where `engine` gave one;
    by_formula: from the header alone. engine: None when it was not asked.
    """

    header: Header
    shape: Shape
    settings: RunSettings
    memory: MemoryForecast
    room: Room
    verdict: Verdict
    facts: SpeedFacts
    token_bytes: int
    speed: Speed
    by_formula: MemoryForecast
    engine: EngineAnswer | None = None

    @property
    def first_rate(self) -> Rate | None:
        """Tokens per second at the start of a talk."""
        return self.speed.first_rate

    @property
    def full_rate(self) -> Rate | None:
        """Tokens per second at the end of the context."""
        return self.speed.full_rate

    @property
    def is_by_engine(self) -> bool:
        """Whether the memory is the engine's own count."""
        return self.engine is not None and bool(self.engine.contexts)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Parts of which the engine's count is not what the formula says."""
        return differences(self.by_formula, self.memory) if self.is_by_engine else ()

    @property
    def largest_part(self) -> str:
        """The key of the part that takes most."""
        parts = self.memory.parts()
        return max(parts, key=lambda name: parts[name])

    def to_json(self) -> dict[str, object]:
        """JSON form; sizes in bytes, rates in tokens per second."""
        memory = self.memory
        return {
            "model": {
                "name": self.header.name,
                "architecture": self.header.architecture,
                "quantisation": self.header.file_type_name,
                "parameters": self.header.parameter_count,
                "context_length": self.shape.context_train,
            },
            "settings": dict(vars(self.settings)),
            "memory": {
                "parts": memory.parts(),
                "weights": dict(memory.weights),
                "largest_part": self.largest_part,
                "peak_bytes": memory.peak_bytes,
                "lasting_bytes": memory.lasting_bytes,
                "anonymous_bytes": memory.anonymous_bytes,
                "is_guess": memory.is_guess,
                "basis": "engine" if self.is_by_engine else "formula",
                "by_formula": self.by_formula.parts(),
                "differences": [dict(vars(one)) for one in self.differences],
                "engine": _engine_json(self.engine),
            },
            "room": room_json(self.room),
            "verdict": dict(vars(self.verdict)),
            "speed": speed_json(self.speed, self.facts, self.token_bytes),
        }


def make_report(
    header: Header,
    settings: RunSettings,
    machine: Machine,
    speed: Bandwidth | SpeedFacts,
    *,
    engine: EngineAnswer | None = None,
    prefix_bytes: int = 0,
) -> FitReport:
    """The forecast for a whole model (parts of a split one merged).

    speed: what is known of this PC's. engine: what the installed engine says of these very
    settings, if it was asked. Raises GaloshError `fit-no-forecast` when the header does not
    tell enough.
    """
    shape = read_shape(header)
    flags = machine.cpu.flags.value
    formula = forecast_memory(header, settings, flags, prefix_bytes=prefix_bytes)
    asked = engine is not None and bool(engine.contexts)
    memory = by_engine(formula, settings, engine.contexts[0]) if engine and asked else formula
    room = room_of(machine)
    facts = SpeedFacts(speed, flags=flags) if isinstance(speed, Bandwidth) else speed
    return FitReport(
        header=header,
        shape=shape,
        settings=settings,
        memory=memory,
        room=room,
        verdict=judge(memory.lasting_bytes, memory.anonymous_bytes, room),
        facts=facts,
        token_bytes=token_bytes(header, shape),
        speed=forecast(
            read_work(header, shape),
            facts,
            context_tokens=settings.context_tokens,
            batch_tokens=settings.batch_tokens,
            cell_bytes=float(CACHE_TYPES[settings.cache_type]),
        ),
        by_formula=formula,
        engine=engine,
    )


def speed_json(speed: Speed, facts: SpeedFacts, token_bytes: int) -> dict[str, object]:
    """Rates in tokens per second, each with what it rests on."""
    measured = facts.measured
    return {
        "bandwidth": dict(vars(facts.bandwidth)),
        "measured": None if measured is None else measured.brief(),
        "token_bytes": token_bytes,
        "decode_at_start": rate_json(speed.first_rate),
        "decode_at_full_context": rate_json(speed.full_rate),
        "prefill": rate_json(speed.prefill),
        "first_answer_seconds": rate_json(speed.first_answer),
        "prompt_tokens": speed.prompt_tokens,
        "basis": {
            "decode": speed.decode_basis,
            "prefill": speed.prefill_basis,
            "first_answer": speed.prefill_basis,
        },
        "runs": speed.runs,
    }


def _engine_json(engine: EngineAnswer | None) -> dict[str, object] | None:
    if engine is None:
        return None
    parts = dict(vars(engine.contexts[0])) if engine.contexts else None
    return {"status": engine.status, "detail": engine.detail, "parts": parts}


def room_json(room: Room) -> dict[str, object]:
    """The memory of this PC and what is taken off it."""
    return {
        **vars(room),
        "total_bytes": room.total_bytes,
        "reserve_bytes": room.reserve_bytes,
        "most_bytes": room.most_bytes,
        "now_bytes": room.now_bytes,
    }


def rate_json(rate: Rate | Seconds | None) -> dict[str, float] | None:
    """A range, rounded."""
    return None if rate is None else {name: round(n, 2) for name, n in vars(rate).items()}
