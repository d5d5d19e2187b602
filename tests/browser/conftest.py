"""A running server for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from galosh.base.paths import Paths
from tests.fakes.serving import Running, serving


@pytest.fixture
def running(paths: Paths) -> Iterator[Running]:
    """The real server over the fake supervisor, on its socket and a free port."""
    with serving(paths) as server:
        yield server
