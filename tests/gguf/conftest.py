"""Shows at the end of a run how many inputs the fuzz tests really tried."""

from __future__ import annotations

import pytest

FUZZED: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line after the dots, also without `-s`."""
    for line in FUZZED:
        terminalreporter.write_line(line)
