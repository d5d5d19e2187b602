"""`galosh engine gpu`: measures whether the graphics processor helps, and keeps the answer."""

from __future__ import annotations

import argparse
from pathlib import Path

from galosh import catalogue, engine, hardware
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.cli.output import Output
from galosh.setup.gpu import measure_gpu, sentence


def run(arguments: argparse.Namespace, paths: Paths, output: Output) -> int:
    """Try, keep and say it. Raises GaloshError `cli-engine-unknown`, `cli-no-trial-model`,
    `gguf-…` or `fit-no-forecast`."""
    current = engine.current(paths)
    if current is None:
        raise GaloshError("cli-engine-unknown", build_id="–", known="–")
    model = _model(arguments, paths)
    decision = measure_gpu(paths, current, hardware.probe(paths), model)
    document = {"model": str(model), "build_id": current.build_id, **decision.to_json()}
    output.result(document, sentence(decision))
    return 0


def _model(arguments: argparse.Namespace, paths: Paths) -> Path:
    if arguments.model:
        return Path(arguments.model).expanduser()
    path = paths.models / catalogue.starter(paths).file_name
    if not path.exists():
        raise GaloshError("cli-no-trial-model", path=str(path))
    return path
