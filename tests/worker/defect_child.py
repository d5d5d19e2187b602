"""A worker with a defect: the first step of an answer raises what nobody expects."""

from __future__ import annotations

import runpy

from galosh.worker.engine import Engine

SAID = "the answer so far: SECRET"


def _step(self: Engine) -> None:
    raise ZeroDivisionError(SAID)


setattr(Engine, "step", _step)  # noqa: B010
runpy.run_module("galosh.worker", run_name="__main__")
