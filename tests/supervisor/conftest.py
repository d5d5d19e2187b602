"""Fixtures of the supervisor's tests."""

from __future__ import annotations

import pytest

from galosh.base.paths import Paths
from tests.supervisor.kit import House


@pytest.fixture
def house(paths: Paths) -> House:
    """Two models, workers that behave."""
    return House(paths)
