"""A PC without any compiler: the engine is built with zig, cmake and ninja from PyPI.

By hand (`scripts/test.py --slow`), because the build takes minutes and nothing is cached.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.stories.installed import Installed

# What a desktop has, compilers left out: enough for sh scripts and for looking at the PC.
TOOLS = ("sh", "env", "uname", "cat", "ls", "id", "nice", "dirname", "mkdir", "rm", "tar", "which")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_an_install_without_a_compiler(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    (tools / "python3").symlink_to(sys.executable)
    for name in ("cc", "c++", "gcc", "g++", "clang", "cmake", "ninja", "make", "ar", "ld"):
        assert shutil.which(name, path=str(tools)) is None
    galosh = Installed(tmp_path / "Дом без компилятора")
    done = galosh.install("--yes", extra={"PATH": str(tools)}, limit_seconds=3500)
    galosh.run("stop")
    assert done.status == 0, done.out[-3000:] + done.err[-3000:]
    assert "Paris" in done.out
    assert "source-zig" in galosh.run("engine", "list").out
