"""kill -9 in the middle of a build, at several moments; a plain second run ends well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from galosh.engine import build, current, engines
from galosh.engine.plan import Tools
from galosh.engine.report import SilentReport
from tests import real
from tests.engine.machines import this_machine

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
from galosh.base.paths import Paths
from galosh.engine import build
from galosh.engine.plan import Tools
from tests.engine.machines import this_machine
class Report:
    def step(self, key, **facts): print(key, flush=True)
    def progress(self, fraction, note): pass
    def line(self, text): print("line", flush=True)
build(Paths.find(), this_machine(), Path(sys.argv[1]), Report(), tools=Tools(None, False, False))
print("built", flush=True)
"""


def run_until(word: str, model: Path) -> None:
    """Start a build in a process of its own and kill it when it says `word`."""
    roots = [str(ROOT / name) for name in ("core", "installer", "daemon")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*roots, str(ROOT)])}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(model)],
        stdout=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == word:
                break
        else:
            raise AssertionError(f"the build never said {word}")
        process.kill()


def test_a_build_killed_at_each_step_is_finished_by_the_next_run(paths: Paths) -> None:
    model = real.starter_model()
    real.real_engine_home()
    real.share_wheels(paths)
    for moment in ("engine.step-install", "line", "engine.step-trial"):
        run_until(moment, model)
        assert current(paths) is None
        assert engines(paths) == (), "nothing half-made is taken for an engine"
    engine = build(paths, this_machine(), model, SilentReport(), tools=Tools(None, False, False))
    assert current(paths) == engine
    assert not list(paths.engines.glob(".staging-*"))
    run_until("built", model)
    assert current(paths) == engine
