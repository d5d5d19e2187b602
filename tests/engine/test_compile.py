"""The parts of a build that can be judged without compiling for minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.engine import toolbox
from galosh.engine.compile import jobs_for, require_space, telling_line
from galosh.engine.pip import explain


def test_the_telling_line_is_the_compilers_first_error() -> None:
    out = (
        "[3/83] Building CXX object x.o\n"
        "FAILED: x.o\n"
        "/src/x.cpp:12:5: error: 'foo' was not declared\n"
        "/src/x.cpp:13:5: error: more\n"
        "ninja: build stopped: subcommand failed.\n"
    )
    assert telling_line(out) == "/src/x.cpp:12:5: error: 'foo' was not declared"
    assert telling_line("one\nninja: build stopped\n") == "ninja: build stopped"
    assert telling_line("") == "–"


@pytest.mark.parametrize(
    ("threads", "available_bytes", "jobs"),
    [
        (8, 16_000_000_000, 8),
        (8, 2_000_000_000, 2),
        (4, 300_000_000, 1),
        (8, None, 2),
        (1, None, 1),
    ],
)
def test_compilers_at_a_time_follow_the_free_memory(
    threads: int, available_bytes: int | None, jobs: int
) -> None:
    assert jobs_for(threads, available_bytes) == jobs


def test_too_little_room_is_said_before_anything_starts(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(GaloshError) as caught:
        require_space(tmp_path / "not there yet", 10**18)
    assert caught.value.code == "engine-disk-full"
    assert caught.value.facts["needed_bytes"] == 10**18
    assert "1000000 TB" in caught.value.why


def test_no_compiler_on_an_empty_path(tmp_path: Path) -> None:
    assert toolbox.find_compiler({"PATH": str(tmp_path)}) is None


def test_zig_is_told_the_oldest_processor_and_an_old_c_library() -> None:
    target = toolbox.zig_target()
    assert "native" not in target
    if toolbox.host_platform() == "linux-x86_64":
        assert "-mcpu=x86_64" in target
        assert target.startswith("-target x86_64-linux-")


@pytest.mark.parametrize(
    ("out", "code"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left", "disk"),
        ("WARNING: Retrying\nERROR: No matching distribution found for x", "index"),
        ("ERROR: Package 'x' requires a different Python", "install"),
    ],
)
def test_pips_failures_are_told_apart(tmp_path: Path, out: str, code: str) -> None:
    error = explain(out, "numpy", tmp_path)
    codes = {
        "disk": "engine-disk-full",
        "index": "engine-index-unreachable",
        "install": "engine-install-failed",
    }
    assert error.code == codes[code]
