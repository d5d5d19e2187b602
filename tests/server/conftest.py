"""A running server for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from galosh.base.paths import Paths
from galosh.server import doorway
from tests.fakes.serving import Running, serving


@pytest.fixture(autouse=True)
def short_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests read a refusal at once; no need to wait for them as for slow clients."""
    monkeypatch.setattr(doorway, "_LINGER_SECONDS", 0.05)


@pytest.fixture
def running(paths: Paths) -> Iterator[Running]:
    """The real server over the fake supervisor, on its socket and a free port."""
    with serving(paths) as server:
        yield server


# What the fuzz tests really tried.
FUZZED: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line after the dots, also without `-s`."""
    for line in FUZZED:
        terminalreporter.write_line(line)
