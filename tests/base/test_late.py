"""Packages whose names are imported when they are asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("galosh.engine", "galosh.fit")


@pytest.mark.parametrize("name", PACKAGES)
def test_every_name_is_there_and_none_is_a_module(name: str) -> None:
    package = importlib.import_module(name)
    modules = {path.stem for place in package.__path__ for path in Path(place).glob("*.py")}
    assert package.__all__
    assert modules.isdisjoint(package.__all__)
    assert [each for each in package.__all__ if not hasattr(package, each)] == []
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


def test_one_name_does_not_bring_the_others() -> None:
    code = (
        "import sys; from galosh.engine import current; from galosh.fit import rungs;"
        "print([name for name in sys.modules if name in"
        " ('galosh.engine.builder', 'galosh.engine.compile', 'galosh.fit.report', 'tarfile')])"
    )
    code = f"import sys; sys.path[:0] = {sys.path!r}; {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
