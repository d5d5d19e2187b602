"""House rules for every test: no real home, no stray environment, English unless asked."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from tests.real_fixtures import real_engine, starter_model

__all__ = ["galosh_home", "paths", "real_engine", "starter_model"]

_REAL = [
    folder
    for folder in vars(
        Paths.find({k: v for k, v in os.environ.items() if k != "GALOSH_HOME"})
    ).values()
    if isinstance(folder, Path) and folder.name == "galosh"
]
_GUARDED_EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: a test that touches the real user's galosh folders fails at once."""
    if event not in _GUARDED_EVENTS or not arguments:
        return
    target = arguments[0]
    if isinstance(target, (str, bytes)) and any(
        os.fsdecode(target).startswith(f"{folder}{os.sep}") or os.fsdecode(target) == str(folder)
        for folder in _REAL
    ):
        raise RuntimeError(f"a test touched the real home: {event} {target!r}")


sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def galosh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty GALOSH_HOME of its own for every test; HOME moves too."""
    home = tmp_path / "galosh home"
    monkeypatch.setenv("GALOSH_HOME", str(home))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GALOSH_LANG", "en")
    for name in list(os.environ):
        if name.startswith("XDG_"):
            monkeypatch.delenv(name)
    return home


@pytest.fixture
def paths(galosh_home: Path) -> Paths:
    """The folders below this test's GALOSH_HOME."""
    return Paths.find()


# Whole modules that wait on real processes, servers or clocks: left out of the fast tier.
_LONG = (
    "tests/browser/",
    "tests/page/",
    "tests/pull/",
    "tests/download/test_crash.py",
    "tests/download/test_faults",
    "tests/download/test_kill.py",
    "tests/download/test_two_processes.py",
    "tests/fakes/test_hub.py",
    "tests/server/test_process.py",
    "tests/setup/test_background.py",
    "tests/setup/test_install_script.py",
    "tests/setup/test_starter.py",
    "tests/supervisor/test_kills.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the long modules."""
    repo = Path(__file__).parents[1]
    for item in items:
        if item.path.relative_to(repo).as_posix().startswith(_LONG):
            item.add_marker(pytest.mark.long)
