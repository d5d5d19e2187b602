"""Fixtures over tests/real.py; tests/conftest.py imports them."""

from __future__ import annotations

from pathlib import Path

import pytest

from galosh.engine.records import Engine
from tests import real


@pytest.fixture(scope="session")
def real_engine() -> Engine:
    """A proven engine in the shared test cache (built once, kept between runs)."""
    return real.real_engine()


@pytest.fixture(scope="session")
def starter_model() -> Path:
    """The starter GGUF in the shared test cache."""
    return real.starter_model()
