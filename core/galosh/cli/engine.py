"""`galosh engine list / build / try / use / gpu`: the environments that hold llama.cpp."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from galosh import catalogue, engine, hardware
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.output import Output, table
from galosh.setup.terminal import Terminal

_TRY_LIMIT_SECONDS = 120.0


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Run one action; raises GaloshError engine-…."""
    return _ACTIONS[arguments.action](arguments, Paths.find(), output)


def _list(_arguments: argparse.Namespace, paths: Paths, output: Output) -> int:
    current = engine.current(paths)
    used = None if current is None else current.build_id
    found = engine.engines(paths)
    document = {"engines": [{**one.to_json(), "current": one.build_id == used} for one in found]}
    rows = [_row(one, one.build_id == used) for one in found]
    output.result(document, table(rows) if rows else say("cli.engine-none"))
    return 0


def _row(one: engine.Engine, used: bool) -> list[str]:
    trial = one.manifest.trial
    if trial is None:
        state = say("cli.engine-untried")
    elif trial.ok:
        speed = "?" if trial.decode_tps is None else f"{trial.decode_tps:.1f}"
        state = say("cli.engine-ok", speed=speed)
    else:
        state = say("cli.engine-failed", cause=trial.cause)
    mark = "*" if used else " "
    return [mark, one.build_id, one.manifest.version, one.manifest.candidate, state]


def _build(arguments: argparse.Namespace, paths: Paths, output: Output) -> int:
    model = _trial_model(arguments, paths)
    screen = Terminal(sys.stderr, interactive=output.interactive)
    screen.begin("engine", say("setup.step-engine"))
    try:
        built = engine.build(paths, hardware.probe(paths), model, screen)
    finally:
        screen.close()
    output.result({"engine": built.to_json()}, say("cli.engine-built", build_id=built.build_id))
    return 0


def _try(arguments: argparse.Namespace, paths: Paths, output: Output) -> int:
    model = _trial_model(arguments, paths)
    chosen = _chosen(paths, arguments.build_id)
    trial = engine.try_engine(chosen, model, limit_seconds=_TRY_LIMIT_SECONDS)
    document = {"build_id": chosen.build_id, "trial": trial.to_json()}
    if not trial.ok:
        text = say("cli.engine-try-failed", cause=trial.cause, detail=trial.detail or "–")
        output.result(document, text)
        return 1
    speed = "?" if trial.decode_tps is None else f"{trial.decode_tps:.1f}"
    output.result(document, say("cli.engine-try-ok", build_id=chosen.build_id, speed=speed))
    return 0


def _use(arguments: argparse.Namespace, paths: Paths, output: Output) -> int:
    engine.use(paths, arguments.build_id)
    text = say("cli.engine-used", build_id=arguments.build_id)
    output.result({"current": arguments.build_id}, text)
    return 0


def _chosen(paths: Paths, build_id: str | None) -> engine.Engine:
    found = {one.build_id: one for one in engine.engines(paths)}
    current = engine.current(paths)
    if build_id is None and current is not None:
        return current
    if build_id in found:
        return found[build_id]
    raise GaloshError("cli-engine-unknown", build_id=build_id or "–", known=", ".join(found) or "–")


def _trial_model(arguments: argparse.Namespace, paths: Paths) -> Path:
    """The file to try with: the one given, else the starter model."""
    if arguments.model:
        return Path(arguments.model).expanduser()
    path = paths.models / catalogue.starter(paths).file_name
    if not path.exists():
        raise GaloshError("cli-no-trial-model", path=str(path))
    return path


def _gpu(arguments: argparse.Namespace, paths: Paths, output: Output) -> int:
    from galosh.cli import engine_gpu

    return engine_gpu.run(arguments, paths, output)


_ACTIONS: dict[str, Callable[[argparse.Namespace, Paths, Output], int]] = {
    "list": _list,
    "build": _build,
    "try": _try,
    "use": _use,
    "gpu": _gpu,
}
