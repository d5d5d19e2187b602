"""The process that forecasts: what it loads of hardware, headers and formulas goes with it.

Reads one JSON line on stdin: {"do": "fit", "models": [{"id", "path"}], "extra_bytes",
"measure"} or {"do": "recommend", "language", "measure"}; writes one JSON line: the answer, or
{"error": …}. Fetches nothing.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from galosh import engine, gguf, hardware
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.fit import make_report, read_shape, recommend, settings_for
from galosh.fit.budget import room_of
from galosh.fit.forecast import SpeedFacts
from galosh.fit.learn import EngineUsed, learn_speed
from galosh.fit.record import identity_of
from galosh.fit.work import read_work
from galosh.gguf import Header
from galosh.hardware import Fact, Machine

Wish = Mapping[str, Any]


def main() -> None:
    """Answer the one wish."""
    wish: Wish = json.loads(sys.stdin.readline())
    try:
        found = _ANSWERS[wish["do"]](wish, Paths.find())
    except GaloshError as error:
        found = {"error": error.to_json()}
    sys.stdout.write(json.dumps(found, default=str) + "\n")


def _fit(wish: Wish, paths: Paths) -> dict[str, object]:
    machine = _with_more_memory(hardware.probe(paths), wish["extra_bytes"])
    return {"forecasts": [_forecast(one, machine, paths, wish) for one in wish["models"]]}


def _forecast(model: Wish, machine: Machine, paths: Paths, wish: Wish) -> dict[str, object]:
    try:
        header = gguf.check_file(Path(model["path"]))
        chosen = Settings.load(paths.settings_file).number("model.context_tokens")
        tokens = min(chosen, header.context_length or chosen)
        flags = machine.cpu.flags.value
        settings = settings_for(header, tokens, room=room_of(machine), flags=flags)
        speed = _speed(paths, machine, header, wish)
        return {"id": model["id"], **make_report(header, settings, machine, speed).to_json()}
    except GaloshError as error:
        return {"id": model["id"], "error": error.to_json()}


def _recommend(wish: Wish, paths: Paths) -> dict[str, object]:
    machine = hardware.probe(paths)
    tokens = Settings.load(paths.settings_file).number("model.context_tokens")
    speed = _speed(paths, machine, None, wish)
    return recommend(paths, machine, speed, wish["language"], tokens).to_json()


def _speed(paths: Paths, machine: Machine, header: Header | None, wish: Wish) -> SpeedFacts:
    work = None if header is None else read_work(header, read_shape(header))
    current = engine.current(paths)
    return learn_speed(
        paths,
        machine,
        None if current is None else EngineUsed(current.build_id, current.python),
        work,
        "" if header is None else identity_of(header),
        threads=Settings.load(paths.settings_file).number("engine.threads"),
        may_measure=wish["measure"],
    )


def _with_more_memory(machine: Machine, extra_bytes: int) -> Machine:
    """With the memory back that the loaded model holds: a swap frees it first."""
    free = machine.memory.available_bytes
    if free.value is None or not extra_bytes:
        return machine
    more = Fact(free.value + extra_bytes, f"{free.source}, with the loaded model's memory")
    memory = dataclasses.replace(machine.memory, available_bytes=more)
    return dataclasses.replace(machine, memory=memory)


_ANSWERS = {"fit": _fit, "recommend": _recommend}

if __name__ == "__main__":
    main()
