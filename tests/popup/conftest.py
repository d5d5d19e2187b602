"""What the tests of this folder measured, after the dots, also without `-s`."""

from __future__ import annotations

import pytest

FIGURES: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line each."""
    for line in FIGURES:
        terminalreporter.write_line(line)
