"""Whole builds with the real engine: on this processor, and on others under emulation."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.engine import build, confirm, current, engines, history, previous
from galosh.engine.compile import clean
from galosh.engine.host import host_of
from galosh.engine.plan import VERSION, Tools
from galosh.engine.records import Engine, Trial
from galosh.engine.report import SilentReport
from galosh.hardware.facts import Machine
from tests import real
from tests.engine.machines import NEHALEM, machine, this_machine
from tests.fakes import gguf_models

pytestmark = [pytest.mark.engine, pytest.mark.timeout(3600)]

NOTHING = Tools(compiler=None, zig=False, prebuilt=False)
NO_INDEX = Tools(compiler="the one that is here", prebuilt=False)


class Told(SilentReport):
    """Keeps the steps and the failed trials that were reported."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.failed: list[tuple[object, object]] = []

    def step(self, key: str, **facts: object) -> None:
        self.steps.append(key)
        if key == "engine.step-trial-failed":
            self.failed.append((facts["name"], facts["cause"]))


@pytest.fixture
def shop(paths: Paths) -> Paths:
    """A home of its own with the shared wheels."""
    real.real_engine_home()
    real.share_wheels(paths)
    return paths


def test_from_the_cached_wheel_then_reused_then_repaired(shop: Paths) -> None:
    model = real.starter_model()
    first = build(shop, this_machine(), model, SilentReport(), tools=NOTHING)
    assert first.manifest.trial is not None
    assert first.manifest.trial.ok
    assert current(shop) == first
    told = Told()
    assert build(shop, this_machine(), model, told, tools=NOTHING) == first
    assert told.steps == [], "a proven engine is reused without a word"
    shutil.rmtree(first.folder / "bin")
    repaired = build(shop, this_machine(), model, told, tools=NOTHING)
    assert current(shop) == repaired
    assert "engine.step-trial" in told.steps


def test_a_failed_build_leaves_the_engine_in_use(shop: Paths, tmp_path: Path) -> None:
    first = build(shop, this_machine(), real.starter_model(), SilentReport(), tools=NOTHING)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(real.starter_model().read_bytes()[:5_000_000])
    with pytest.raises(GaloshError) as caught:
        build(shop, this_machine(), broken, SilentReport(), fresh=True, tools=NOTHING)
    assert caught.value.code == "engine-trial-load-failed"
    assert current(shop) == first
    assert engines(shop) == (first,)


def test_a_new_engine_keeps_the_one_before_until_it_has_answered(shop: Paths) -> None:
    model = real.starter_model()
    first = build(shop, this_machine(), model, SilentReport(), tools=NOTHING)
    second = build(shop, this_machine(), model, SilentReport(), fresh=True, tools=NOTHING)
    assert current(shop) == second
    assert previous(shop) == first
    confirm(shop, second.build_id)
    assert engines(shop) == (second,)


def test_a_corrupt_cached_wheel_is_noticed_and_thrown_away(paths: Paths) -> None:
    shared = Path(real.real_engine_home().wheels)
    shutil.copytree(shared, paths.wheels)
    for wheel in paths.wheels.glob("*/*.whl"):
        data = bytearray(wheel.read_bytes())
        data[len(data) // 2] ^= 1
        wheel.write_bytes(data)
    with pytest.raises(GaloshError) as caught:
        build(paths, this_machine(), real.starter_model(), SilentReport(), tools=NOTHING)
    assert caught.value.code == "engine-no-candidate"
    assert current(paths) is None


def test_a_refusal_names_the_missing_instruction_sets(paths: Paths) -> None:
    with pytest.raises(GaloshError) as caught:
        build(paths, machine(NEHALEM), real.starter_model(), SilentReport(), tools=NOTHING)
    assert caught.value.code == "engine-no-candidate"
    assert "avx, avx2, fma, f16c" in caught.value.why


@pytest.fixture(scope="module")
def compiling() -> Iterator[Path]:
    """The shared cache, for one test run at a time; the compiler's folders go at the end.

    A run that is killed leaves them, and the next one compiles on from there.
    """
    cache = real.real_engine_home().cache
    with FileLock(real.CACHE / ".builds.lock"):
        yield cache
        clean(Paths.under(cache.parent))


def test_a_nehalem_is_led_to_the_baseline_engine(
    paths: Paths, compiling: Path, small_model: Path
) -> None:
    """No AVX at all."""
    assert narrowed_trial(paths, compiling, "Nehalem", "baseline", small_model).text


@pytest.mark.slow  # the emulator computes it for minutes
def test_a_nehalem_answers_with_the_starter_model(paths: Paths, compiling: Path) -> None:
    trial = narrowed_trial(paths, compiling, "Nehalem", "baseline", real.starter_model())
    assert "Paris" in trial.text


def test_a_sandy_bridge_is_led_to_the_avx_engine(
    paths: Paths, compiling: Path, small_model: Path
) -> None:
    """AVX but not AVX2; the small model, since emulation is slow."""
    assert narrowed_trial(paths, compiling, "SandyBridge", "avx", small_model).text


def narrowed_trial(paths: Paths, cache: Path, processor: str, level: str, model: Path) -> Trial:
    """The machine claims this PC's flags, but the trial runs on an emulated older chip.

    So the build for this PC dies as it would there, and narrower ones follow until one runs.
    Missing wheels are compiled here (minutes, once) and shared with later runs.
    """
    told = Told()
    engine, shop, chip = build_under(processor, paths, cache, told, model)
    assert engine.manifest.candidate == f"source-cc-{level}"
    assert ("source-cc-native", "illegal-instruction") in told.failed
    assert {cause for _, cause in told.failed} == {"illegal-instruction"}
    again = Told()
    assert (build(shop, chip, model, again), again.steps) == (engine, [])
    assert engine.manifest.trial is not None
    return engine.manifest.trial


@pytest.fixture
def small_model(tmp_path: Path) -> Path:
    """A two-layer random model: emulated fused multiply-adds make the real one take minutes."""
    path = tmp_path / "small.gguf"
    shape = gguf_models.llama(
        layers=2, width=256, heads=4, groups=2, ff=512, vocab=320, kind="Q4_0"
    )
    shape.write(path, seed=2)  # a seed whose text is printable and does not repeat at once
    return path


def test_a_haswell_runs_the_avx2_build(paths: Paths, compiling: Path, small_model: Path) -> None:
    """Whether this PC's native build runs on a Haswell depends on this PC, so it is left out."""
    trial = haswell_trial(paths, compiling, small_model)
    assert trial.text == "4EEEEEEE"


@pytest.mark.slow  # the emulator computes each fused multiply-add in software: ten minutes
def test_a_haswell_answers_with_the_starter_model(paths: Paths, compiling: Path) -> None:
    assert "Paris" in haswell_trial(paths, compiling, real.starter_model()).text


def haswell_trial(paths: Paths, cache: Path, model: Path) -> Trial:
    """The trial of the engine that an emulated Haswell ends up with.

    This PC's own build is in the history as crashed, as on the second run of a real Haswell.
    """
    chip = machine(this_machine().cpu.flags.value, model="Haswell")
    crash = Trial(ok=False, cause="illegal-instruction", signal=4)
    processor = history.processor_id(host_of(chip), "Haswell")
    history.remember(paths, VERSION, processor, "source-cc-native", crash)
    told = Told()
    engine, _, _ = build_under("Haswell", paths, cache, told, model)
    assert engine.manifest.candidate == "source-cc-avx2"
    # On a PC with AMX a build without it comes in between, and dies of AVX-512.
    assert {cause for _, cause in told.failed} <= {"illegal-instruction"}
    assert engine.manifest.trial is not None
    return engine.manifest.trial


def build_under(
    processor: str, paths: Paths, cache: Path, told: Told, model: Path
) -> tuple[Engine, Paths, Machine]:
    """Build with this PC's flags while the trial runs on an emulated `processor`."""
    emulator = shutil.which("qemu-x86_64")
    assert emulator, "this test needs qemu-user (Debian: apt install qemu-user)"
    shop = dataclasses.replace(paths, cache=cache)
    chip = machine(this_machine().cpu.flags.value, model=processor)
    engine = build(
        shop,
        chip,
        model,
        told,
        # What this machine tells numpy about its own processor is not about that one.
        prefix=(emulator, "-U", "OPENBLAS_CORETYPE", "-cpu", processor),
        limit_seconds=3000,
        tools=NO_INDEX,
        keep_builds=True,
    )
    return engine, shop, chip
