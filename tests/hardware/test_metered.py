"""What the systems say of a metered connection, rubbish and silence included."""

from __future__ import annotations

from pathlib import Path

import pytest

from galosh.hardware.metered import is_metered, read_network_cost, read_network_manager
from galosh.hardware.run import Answer


@pytest.mark.parametrize(
    ("text", "metered"),
    [("u 1\n", True), ("u 2\n", False), ("u 3\n", True), ("u 4\n", False), ("u 0\n", None),
     ("", None), ("s \"yes\"", None), ("u 11", None)],
)  # fmt: skip
def test_network_manager(text: str, metered: bool | None) -> None:
    assert read_network_manager(text) is metered


@pytest.mark.parametrize(
    ("text", "metered"),
    [("Unrestricted\r\n", False), ("Fixed\r\n", True), ("Variable", True), ("Unknown", None),
     ("", None)],
)  # fmt: skip
def test_network_cost(text: str, metered: bool | None) -> None:
    assert read_network_cost(text) is metered


def test_no_answer_is_unknown() -> None:
    assert is_metered(lambda _command: Answer(None, "no such program")) is None


def test_the_program_on_the_path_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busctl = tmp_path / "busctl"
    busctl.write_text("#!/bin/sh\n[ \"$6\" = Metered ] && echo 'u 1'\n")
    busctl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert is_metered() is True
