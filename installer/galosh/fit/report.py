"""Everything that is said of one model on this PC, with the numbers it rests on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from galosh.fit.budget import Room, Verdict, judge, room_of
from galosh.fit.memory import MemoryForecast, RunSettings, forecast_memory
from galosh.fit.shape import Shape, read_shape
from galosh.fit.speed import Bandwidth, Rate, conversation_bytes, decode_rate, token_bytes
from galosh.gguf import Header
from galosh.hardware import Machine


@dataclass(frozen=True)
class FitReport:
    """A model's forecast. first_rate: at the start of a talk; full_rate: at its end."""

    header: Header
    shape: Shape
    settings: RunSettings
    memory: MemoryForecast
    room: Room
    verdict: Verdict
    bandwidth: Bandwidth
    token_bytes: int
    first_rate: Rate | None
    full_rate: Rate | None

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
            },
            "room": room_json(self.room),
            "verdict": dict(vars(self.verdict)),
            "speed": {
                "bandwidth": dict(vars(self.bandwidth)),
                "token_bytes": self.token_bytes,
                "decode_at_start": rate_json(self.first_rate),
                "decode_at_full_context": rate_json(self.full_rate),
                "prefill": None,
            },
        }


def make_report(
    header: Header, settings: RunSettings, machine: Machine, bandwidth: Bandwidth
) -> FitReport:
    """The forecast for a whole model (parts of a split one merged).

    Raises GaloshError `fit-no-forecast` when the header does not tell enough.
    """
    shape = read_shape(header)
    memory = forecast_memory(header, settings, machine.cpu.flags.value)
    room = room_of(machine)
    weights = token_bytes(header, shape)
    layers = len(shape.layers)

    def rate(tokens: int) -> Rate | None:
        return decode_rate(weights + conversation_bytes(shape, settings, tokens), layers, bandwidth)

    return FitReport(
        header=header,
        shape=shape,
        settings=settings,
        memory=memory,
        room=room,
        verdict=judge(memory.lasting_bytes, memory.anonymous_bytes, room),
        bandwidth=bandwidth,
        token_bytes=weights,
        first_rate=rate(0),
        full_rate=rate(settings.context_tokens),
    )


def room_json(room: Room) -> dict[str, object]:
    """The memory of this PC and what is taken off it."""
    return {
        **vars(room),
        "total_bytes": room.total_bytes,
        "reserve_bytes": room.reserve_bytes,
        "most_bytes": room.most_bytes,
        "now_bytes": room.now_bytes,
    }


def rate_json(rate: Rate | None) -> dict[str, float] | None:
    """A range, rounded."""
    return None if rate is None else {name: round(n, 2) for name, n in vars(rate).items()}
