"""A native build that dies in AMX code, on a chip that claims AMX, leads to one without."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from galosh.engine import build, current, engines, source, wheels
from galosh.engine.history import lasting_failures
from galosh.engine.levels import ladder
from galosh.engine.plan import VERSION, Tools
from galosh.engine.toolbox import host_platform
from galosh.engine.wheels import Wheel
from tests import real
from tests.engine.machines import SAPPHIRE_RAPIDS, machine
from tests.engine.test_build import Told

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

NOTHING = Tools(compiler=None, zig=False, prebuilt=False)


def dying_wheel(folder: Path) -> Path:
    """A wheel whose library ends in SIGSEGV when it is loaded."""
    folder.mkdir()
    info = f"llama_cpp_python-{VERSION}.dist-info"
    target = folder / f"llama_cpp_python-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("llama_cpp.py", "import os\nos.kill(os.getpid(), 11)\n")
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: llama_cpp_python\nVersion: {VERSION}\n",
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    return target


def keep(paths: Paths, path: Path, candidate: str, requires: frozenset[str]) -> None:
    wheel = Wheel(
        key=candidate, path=path, version=VERSION, candidate=candidate,
        sha256=wheels.sha256_of(path), size_bytes=path.stat().st_size, requires=requires,
        flags=((wheels.SOURCE_FLAG, source.MARK),), compiler="test",
    )  # fmt: skip
    wheels.keep(paths, path, wheel, host_platform())


def test_the_crash_is_remembered_and_the_build_without_amx_is_taken(
    paths: Paths, tmp_path: Path
) -> None:
    native, without_amx, *_ = ladder("x86_64", SAPPHIRE_RAPIDS)
    keep(paths, dying_wheel(tmp_path / "a"), "source-cc-native", native.requires)
    # The build that runs here: on a chip with AMX that is not the native one.
    running = real.real_engine().manifest.candidate
    real_wheel = next(real.real_engine_home().wheels.glob(f"*{running}*/*.whl"))
    copy = tmp_path / real_wheel.name
    shutil.copy(real_wheel, copy)
    keep(paths, copy, "source-cc-no-amx", without_amx.requires)
    chip = machine(SAPPHIRE_RAPIDS)
    told = Told()
    engine = build(paths, chip, real.starter_model(), told, tools=NOTHING)
    assert told.failed == [("source-cc-native", "segmentation-fault")]
    assert engine.manifest.candidate == "source-cc-no-amx"
    assert current(paths) == engine
    assert engines(paths) == (engine,)
    failures = lasting_failures(paths, VERSION, engine.manifest.cpu)
    assert [failure.cause for failure in failures] == ["segmentation-fault"]
    again = Told()
    build(paths, chip, real.starter_model(), again, tools=NOTHING, fresh=False)
    assert again.failed == []
